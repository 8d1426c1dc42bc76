# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguishes steep slopes of an inverse depth map, such as a floor at a grazing angle, from discontinuities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

_SLOPE_REACH = 3
_SLOPE_SHARE = 0.45
_STEEPEST_SLOPE = 8.0


def are_slopes(inverse: Floats, row: NDArray[np.intp], column: NDArray[np.intp], tear: float) -> NDArray[np.bool_]:
    """Returns which cells, at `row` and `column`, (n,), lie on a slope, such as a floor at a grazing angle, bool (n,).

    A plane's inverse depth is linear in the picture: the change over one cell is a small fraction of that over seven
    cells, while at a discontinuity it is most of it. Changes of more than 8 times `tear` are torn all the same, because
    they would make long slivers along the view.
    """
    even = np.ones(len(row), bool)
    for beside in (0, 1):
        even &= are_slope_edges(inverse, row + beside, column, 1, tear)
        even &= are_slope_edges(inverse, row, column + beside, 0, tear)
    return even


def are_slope_edges(
    inverse: Floats, row: NDArray[np.intp], column: NDArray[np.intp], axis: int, tear: float
) -> NDArray[np.bool_]:
    """Returns whether the change from each cell to the next along `axis` is a slope or negligible, bool (n,)."""
    rows, columns = inverse.shape
    line = []
    for offset in range(-_SLOPE_REACH, _SLOPE_REACH + 2):
        if axis == 0:
            line.append(inverse[np.clip(row + offset, 0, rows - 1), column])
        else:
            line.append(inverse[row, np.clip(column + offset, 0, columns - 1)])
    first, second = line[_SLOPE_REACH : _SLOPE_REACH + 2]
    change, least = np.abs(second - first), np.minimum(first, second)
    spread = np.max(line, axis=0) - np.min(line, axis=0)
    slope = (change <= _SLOPE_SHARE * spread) & (change <= _STEEPEST_SLOPE * tear * least)
    even: NDArray[np.bool_] = slope | (change <= tear / 4 * least)
    return even
