# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds depth discontinuities that a network blurs over more cells than `steps` looks at: hair, seeds, soft outlines.

They are ramps of ordinary width in the same map at a half or a quarter of its size. The colours of their two sides have
to confirm them (see `edges`), because a rounded surface can look like a wide ramp.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from .steps import Steps, whole_ramps

_SCALES = (2, 4)
_LEAST_SIDE = 150
"""Shorter side, in cells, of the smallest map that is examined. In smaller ones, whole features of a face are ramps."""
_AROUND = 1
"""Ramps are evened out, and gaps between them closed, over windows of 3 x 3 cells."""


def with_wide_steps(inverse_depth: Floats, steps: Steps, jump: float) -> tuple[Steps, NDArray[np.bool_]]:
    """Returns the `steps` of `inverse_depth`, float32 (h, w), 1/metres, with its wide ones, and where the latter are.

    Only those that are certain by their height count, with both sides inside the picture. A sharp map has none. The
    second result is bool (rows, columns).
    """
    found = None if steps.is_sharp else _found(inverse_depth, jump)
    if found is None:
        return steps, np.zeros(steps.band.shape, bool)
    rows, columns = steps.band.shape
    share = windows.enlarge(found[0], columns, rows)
    wide = (share > 0.5) & ~steps.band
    low, high = steps.low.copy(), steps.high.copy()
    for side, part in ((low, found[1]), (high, found[2])):
        side[wide] = windows.enlarge(part, columns, rows)[wide] / share[wide]
    return Steps(steps.band | wide, low, high, steps.cut | wide, is_sharp=False), wide


def _found(inverse_depth: Floats, jump: float) -> tuple[Floats, ...] | None:
    """Returns the wide discontinuities on the grid of the largest scale: their share of the cells around each cell, and
    the inverse depth of the far and the near side, times that share, float32 each; None without."""
    found: tuple[Floats, ...] | None = None
    small = inverse_depth
    for scale in _SCALES:
        rows, columns = len(inverse_depth) // scale, inverse_depth.shape[1] // scale
        if min(rows, columns) < _LEAST_SIDE:
            break
        small = windows.resize(small, columns, rows)
        band, low, high = whole_ramps(small, jump)
        if not band.any():
            continue
        around = windows.total(np.stack((band.astype(np.float32), low, high), axis=2), _AROUND)
        here = tuple(np.moveaxis(around / np.float32((2 * _AROUND + 1) ** 2), 2, 0))
        found = here if found is None else _joined(found, here)
    return found


def _joined(fine: tuple[Floats, ...], coarse: tuple[Floats, ...]) -> tuple[Floats, ...]:
    """Returns what is in the band of the `fine` scale, else what there is at the `coarse` one, which is enlarged."""
    rows, columns = fine[0].shape
    enlarged = [windows.enlarge(part, columns, rows) for part in coarse]
    is_fine = fine[0] > 0.5
    return tuple(np.where(is_fine, one, other) for one, other in zip(fine, enlarged, strict=True))
