# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of push and pull on an image pyramid (Gortler et al. 1996, "The Lumigraph", section 3.4)."""

from __future__ import annotations

import numpy as np

from .arrays import Floats


def halved(level: Floats) -> Floats:
    """Returns the sums of blocks of 2 x 2 cells of a level, float32 (h, w, c); cells beyond its sides count as 0."""
    rows, columns = level.shape[:2]
    if rows % 2 or columns % 2:
        level = np.pad(level, [(0, rows % 2), (0, columns % 2), (0, 0)])
    lines = level[::2] + level[1::2]
    sums: Floats = lines[:, ::2] + lines[:, 1::2]
    return sums


def doubled(level: Floats, rows: int, columns: int) -> Floats:
    """Returns a level, float32 (h, w, c), with twice the resolution, bilinear, float32 (rows, columns, c)."""
    return _stretched(_stretched(level, rows, 0), columns, 1)


def _stretched(level: Floats, extent: int, axis: int) -> Floats:
    values = np.moveaxis(level, axis, 0)
    padded = np.concatenate([values[:1], values, values[-1:]])
    result = np.empty((2 * len(values), *values.shape[1:]), np.float32)
    near = values * np.float32(0.75)
    result[0::2] = near + padded[:-2] * np.float32(0.25)
    result[1::2] = near + padded[2:] * np.float32(0.25)
    return np.moveaxis(result[:extent], 0, axis)
