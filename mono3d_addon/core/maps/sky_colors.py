# SPDX-License-Identifier: GPL-3.0-or-later
"""Continues the colours of the sky behind what stands before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats

RIM = 2
"""Cells of the sky beside an outline whose pixels the photo mixes with the colours of the thing before it."""


def rim_of(sky: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the cells of the sky, bool (rows, columns), within `RIM` cells of anything else."""
    rest = windows.maximum((~sky).astype(np.float32), RIM) > 0
    return np.asarray(sky & rest)


def continued(guide: Floats, sky: NDArray[np.bool_]) -> Floats:
    """Returns the photo, float32 (rows, columns, 3), with the colours of the sky everywhere but in the sky itself.

    `guide` is the photo at the size of `sky`, bool (rows, columns). The colours are interpolated smoothly from those
    of the sky away from its rim, by pull and push (Gortler et al. 1996, "The Lumigraph", section 3.4).
    """
    known = sky & ~rim_of(sky)
    if not known.any():
        known = sky
    weight = known.astype(np.float32)[..., None]
    level = np.concatenate([guide * weight, weight], axis=2)
    levels = []
    while level[..., 3].min() < 1.0 and max(level.shape[:2]) > 1:
        levels.append(level)
        level = _halved(level)
    result = level[..., :3] / np.maximum(level[..., 3:], np.float32(1e-6))
    for level in reversed(levels):
        weight = level[..., 3:]
        result = level[..., :3] + (1 - weight) * _doubled(result, level.shape[0], level.shape[1])
    return np.asarray(result, np.float32)


def _halved(level: Floats) -> Floats:
    """Returns the next coarser level: sums over 2 x 2 cells, with weights of at most 1."""
    rows, columns = level.shape[:2]
    padded = np.pad(level, [(0, rows % 2), (0, columns % 2), (0, 0)])
    lines = padded[::2] + padded[1::2]
    sums = lines[:, ::2] + lines[:, 1::2]
    return np.asarray(sums / np.maximum(sums[..., 3:], np.float32(1.0)), np.float32)


def _doubled(values: Floats, rows: int, columns: int) -> Floats:
    """Returns `values`, float32 (h, w, 3), at twice the size, bilinear, cut to `rows` x `columns`."""
    for axis, size in ((0, rows), (1, columns)):
        before = np.concatenate([values.take([0], axis), values.take(range(values.shape[axis] - 1), axis)], axis)
        after = np.concatenate([values.take(range(1, values.shape[axis]), axis), values.take([-1], axis)], axis)
        pairs = np.stack([0.75 * values + 0.25 * before, 0.75 * values + 0.25 * after], axis=axis + 1)
        shape = list(values.shape)
        shape[axis] *= 2
        values = pairs.reshape(shape).take(range(size), axis)
    return values
