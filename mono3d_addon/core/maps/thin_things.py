# SPDX-License-Identifier: GPL-3.0-or-later
"""Straightens bars, legs and stalks in an estimated depth map, which networks make wavy.

The inverse depth of a straight line is linear along its image, whatever scale and shift a network gives it. So each
cell of a long thin thing gets the value of the plane through the part of the thing around it (moving least squares).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from .outlines import pieces

_HALF_WIDTH = 0.02
"""Half of the largest width of a thin thing, as a fraction of the map's shorter side."""
_LENGTH = 0.06
"""Its least length, as a fraction of the shorter side."""
_ELONGATION = 3.5
"""Its least length within a window, as a multiple of its width."""
_TORN = 0.6
"""Least share of its border at which it stands apart from what is beside it; its ends may be joined to something."""
_REACH = 0.22
"""Half of the side of the windows, as a fraction of the shorter side."""
_ACROSS = 0.006
"""Width, in halves of the longer side, below which slopes across a thing do not count."""
_ROUNDS, _OFF, _FARTHEST_OFF = 3, 0.5, 1.0
"""Rounds of the robust fit, and distances from it, relative to what the thing stands out by, at which a cell counts
half, and from which it is left alone."""
_LEAST = 1e-9


def with_straight_bars(inverse_depth: Floats, jump: float) -> Floats:
    """Returns `inverse_depth`, float32 (rows, columns), 1/metres, with thin things straight.

    They are long, narrow and nearer than both of their sides by more than `jump`, far / near - 1. Nothing else changes.
    """
    rows, columns = inverse_depth.shape
    shorter = min(rows, columns)
    behind = _opened(inverse_depth, max(2, round(_HALF_WIDTH * shorter)))
    cells = np.flatnonzero(inverse_depth > behind * np.float32(1 + jump))
    if not len(cells):
        return inverse_depth
    result = inverse_depth.copy()
    piece = pieces(cells, rows, columns)
    order, count = np.argsort(piece, kind="stable"), np.bincount(piece)
    ends = np.cumsum(count)
    for number in np.flatnonzero(count >= _LENGTH * shorter):
        row, column = np.divmod(cells[order[ends[number] - count[number] : ends[number]]], columns)
        if np.hypot(np.ptp(row), np.ptp(column)) < _LENGTH * shorter:
            continue
        top, left = max(0, row.min() - 1), max(0, column.min() - 1)
        box = slice(top, row.max() + 2), slice(left, column.max() + 2)
        mask = np.zeros(inverse_depth[box].shape, bool)
        mask[row - top, column - left] = True
        if _torn_share(inverse_depth[box], mask, jump) < _TORN:
            continue
        fit, is_bar = _fitted(inverse_depth[box], behind[box], mask, 2.0 / max(rows, columns), round(_REACH * shorter))
        is_bar &= fit > behind[box] * np.float32(1 + jump / 2)
        result[box][is_bar] = fit[is_bar]
    return result


def _torn_share(values: Floats, mask: NDArray[np.bool_], jump: float) -> float:
    """Returns the share of the border of a `mask`, bool (h, w), at which `values` jump: a crease or a fold has none."""
    torn = total = 0
    for axis in (0, 1):
        one, other = (np.take(values, range(start, values.shape[axis] - 1 + start), axis) for start in (0, 1))
        border = np.diff(mask, axis=axis)
        total += int(border.sum())
        torn += int((border & (np.maximum(one, other) > np.float32(1 + jump) * np.minimum(one, other))).sum())
    return torn / max(total, 1)


def _opened(values: Floats, radius: int) -> Floats:
    """Returns the morphological opening: values, float32 (h, w), without what is narrower than a window."""
    return windows.maximum(windows.minimum(values, radius), radius)


def _fitted(
    values: Floats, behind: Floats, mask: NDArray[np.bool_], scale: float, reach: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Returns the local planes of a thing's `values`, float32 (h, w), and the cells of its `mask` where it is a bar.

    `behind`, float32 (h, w), is what the thing stands before; `scale` is the width of a cell in halves of the picture's
    longer side, and `reach` half of the side of the windows in cells.
    """
    y, x = (places.astype(np.float32) * np.float32(scale) for places in np.mgrid[: len(mask), : mask.shape[1]])
    level = values[mask].mean()
    relative = values / level
    height = np.maximum(values - behind, np.float32(_LEAST))
    weight, is_long = mask.astype(np.float32), mask
    for number in range(_ROUNDS):
        parts = (np.ones_like(x), x, y, x * x, x * y, y * y, relative, x * relative, y * relative)
        sums = windows.total(np.stack(parts, axis=-1) * weight[..., None], reach)
        means = sums / np.maximum(sums[..., :1], np.float32(_LEAST))
        mx, my, xx, xy, yy, mean, xv, yv = np.moveaxis(means[..., 1:], -1, 0)
        cxx, cxy, cyy, cxv, cyv = xx - mx * mx, xy - mx * my, yy - my * my, xv - mx * mean, yv - my * mean
        if number == 0:
            is_long = _are_elongated(cxx, cxy, cyy)
        # A thing is too narrow for its slope across, which this holds at 0.
        cxx, cyy = cxx + np.float32(_ACROSS**2), cyy + np.float32(_ACROSS**2)
        determinant = np.maximum(cxx * cyy - cxy * cxy, np.float32(_LEAST**1.5))
        along_x, along_y = (cyy * cxv - cxy * cyv) / determinant, (cxx * cyv - cxy * cxv) / determinant
        fit = (mean + along_x * (x - mx) + along_y * (y - my)) * level
        off = np.abs(values - fit) / height
        weight = (mask / (1.0 + np.square(off / _OFF))).astype(np.float32)
    return fit.astype(np.float32), mask & is_long & (off < _FARTHEST_OFF)


def _are_elongated(cxx: Floats, cxy: Floats, cyy: Floats) -> NDArray[np.bool_]:
    """Returns where cells with these second central moments are spread along a line, bool (h, w)."""
    half = (cxx + cyy) / 2
    apart = np.sqrt(np.maximum(half * half - (cxx * cyy - cxy * cxy), 0.0))
    elongated: NDArray[np.bool_] = half + apart > _ELONGATION**2 * np.maximum(half - apart, _LEAST)
    return elongated
