# SPDX-License-Identifier: GPL-3.0-or-later
"""Lee's sigma filter: smooths small variations and keeps edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

_RADIUS = 2
"""The filter's window has 5 x 5 cells."""


def sigma_filter(
    values: Floats, zone: NDArray[np.bool_], jump: float, rounds: int, side: NDArray[np.int8] | None = None
) -> Floats:
    """Returns `values`, float32 (h, w), filtered inside the `zone`: a sigma filter (Lee 1983) over 5 x 5 cells.

    zone    bool (h, w), cells that are filtered; the two outermost rows and columns stay
    jump    largest relative difference of a neighbour that takes part in a cell's mean
    rounds  number of iterations
    side    int8 (h, w), 1 and -1 for the two sides of a discontinuity, which never mix; 0 elsewhere
    """
    columns = values.shape[1]
    zone = zone.copy()
    zone[:_RADIUS] = zone[-_RADIUS:] = False
    zone[:, :_RADIUS] = zone[:, -_RADIUS:] = False
    cells = np.flatnonzero(zone)
    result = values.ravel().copy()
    around = range(-_RADIUS, _RADIUS + 1)
    sides = np.zeros(values.size, np.int8) if side is None else side.ravel()
    across = -sides[cells]
    for _ in range(rounds):
        own = result[cells]
        most = own * np.float32(jump)
        total, count = np.zeros_like(own), np.zeros_like(own)
        for offset in (down * columns + right for down in around for right in around):
            other = result[cells + offset]
            like = np.abs(other - own) <= most
            if side is not None:
                like &= (sides[cells + offset] != across) | (across == 0)
            total += other * like
            count += like
        result[cells] = total / count
    return result.reshape(values.shape)
