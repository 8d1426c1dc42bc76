# SPDX-License-Identifier: GPL-3.0-or-later
"""Continues the colours of the sky behind what stands before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from ..pyramid import doubled, halved

RIM = 2
"""Cells of the sky beside an outline whose pixels the photo mixes with the colours of the thing before it."""

_INNER = 0.012
"""Distance from anything else, as a fraction of the photo's longer side, at which a colour is surely the sky's."""
_UNLIKE, _NOISE = 3.0, 0.04
"""Difference to the sky around it at which a colour nearer to a thing no longer counts: a multiple of the usual
difference, and what is added to it."""


def rim_of(sky: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the cells of the sky, bool (rows, columns), within `RIM` cells of anything else."""
    return sky & windows.widened(~sky, RIM)


def continued(guide: Floats, sky: NDArray[np.bool_]) -> Floats:
    """Returns the photo, float32 (rows, columns, 3), with the colours of the sky everywhere but in the sky itself.

    `guide` is the photo at the size of `sky`, bool (rows, columns). The colours are interpolated smoothly from those
    of the sky away from its rim. What is unlike the sky around it, such as the top of a roof that was taken for sky,
    does not count.
    """
    known = sky & ~rim_of(sky)
    if not known.any():
        known = sky.copy()
    inner = known & ~windows.widened(~sky, max(RIM, round(_INNER * max(sky.shape))))
    few = inner[::2, ::2]
    if few.any():
        coarse = guide[::2, ::2]
        around = _interpolated(coarse, few)
        usual = np.median(np.abs(coarse - around).max(axis=2)[few])
        row, column = np.nonzero(known & ~inner)
        apart = np.abs(guide[row, column] - around[row // 2, column // 2]).max(axis=1)
        known[row, column] = apart <= _UNLIKE * usual + _NOISE
    return np.where(known[..., None], guide, _interpolated(guide, known))


def _interpolated(guide: Floats, known: NDArray[np.bool_]) -> Floats:
    """Returns colours, float32 (rows, columns, 3), interpolated from the `known` ones, bool (rows, columns).

    By push and pull (see `core.pyramid`) at half the size: nothing there is sharp.
    """
    rows, columns = known.shape
    weight = known.astype(np.float32)[..., None]
    level = _averages(np.concatenate([guide * weight, weight], axis=2))
    levels = []
    while level[..., 3].min() < 1.0 and max(level.shape[:2]) > 1:
        levels.append(level)
        level = _averages(level)
    result = np.asarray(level[..., :3] / np.maximum(level[..., 3:], np.float32(1e-6)), np.float32)
    for level in reversed(levels):
        result = level[..., :3] + (1 - level[..., 3:]) * doubled(result, level.shape[0], level.shape[1])
    return doubled(result, rows, columns)


def _averages(level: Floats) -> Floats:
    sums = halved(level)
    return np.asarray(sums / np.maximum(sums[..., 3:], np.float32(1.0)), np.float32)
