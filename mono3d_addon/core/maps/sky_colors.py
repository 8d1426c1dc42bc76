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


def rim_of(sky: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the cells of the sky, bool (rows, columns), within `RIM` cells of anything else."""
    rest = windows.maximum((~sky).astype(np.float32), RIM) > 0
    return np.asarray(sky & rest)


def continued(guide: Floats, sky: NDArray[np.bool_]) -> Floats:
    """Returns the photo, float32 (rows, columns, 3), with the colours of the sky everywhere but in the sky itself.

    `guide` is the photo at the size of `sky`, bool (rows, columns). The colours are interpolated smoothly from those
    of the sky away from its rim, by push and pull (see `core.pyramid`) at half the size: nothing there is sharp.
    """
    known = sky & ~rim_of(sky)
    if not known.any():
        known = sky
    rows, columns = sky.shape
    weight = known.astype(np.float32)[..., None]
    level = _averages(np.concatenate([guide * weight, weight], axis=2))
    levels = []
    while level[..., 3].min() < 1.0 and max(level.shape[:2]) > 1:
        levels.append(level)
        level = _averages(level)
    result = np.asarray(level[..., :3] / np.maximum(level[..., 3:], np.float32(1e-6)), np.float32)
    for level in reversed(levels):
        result = level[..., :3] + (1 - level[..., 3:]) * doubled(result, level.shape[0], level.shape[1])
    return np.where(known[..., None], guide, doubled(result, rows, columns))


def _averages(level: Floats) -> Floats:
    sums = halved(level)
    return np.asarray(sums / np.maximum(sums[..., 3:], np.float32(1.0)), np.float32)
