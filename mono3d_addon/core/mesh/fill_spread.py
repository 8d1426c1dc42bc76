# SPDX-License-Identifier: GPL-3.0-or-later
"""Spreads values from a few cells over the whole grid: near each of them its own, between them a blend.

Normalised convolution by push and pull (see `core.pyramid`): sums of blocks of 2 x 2 cells, again and again, then from
the coarsest level down, each level where it knows something.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..pyramid import doubled, halved

_FADING = np.float32(0.8)
"""Part of its reach after which a value counts less."""
_WIDER = 3
"""Levels of the pyramid above the one that first has a value, for the largest value around."""
_LEAST = 1e-3
"""Weight that a value keeps beyond its reach, for where there is no other."""


def spread(
    values: Floats, reach: Floats, row: NDArray[np.intp], column: NDArray[np.intp], rows: int, columns: int
) -> Floats:
    """Returns `values`, float32 (n, c), at the cells `row`, `column`, (n,), spread over the grid, (rows, columns, c).

    A value counts fully up to a distance of about `reach` cells, float32 (n,), and then less than others.
    """
    place = row * columns + column
    data = np.concatenate([values, reach[:, None], np.ones((len(values), 1), np.float32)], axis=1)
    sums = np.stack([np.bincount(place, part, rows * columns) for part in data.T], axis=1)
    level = sums.astype(np.float32).reshape(rows, columns, -1)
    levels = [level]
    side = 1
    while max(level.shape[:2]) > 1:
        level = halved(level)
        side *= 2
        # Means instead of sums keep the numbers small; what is beyond its reach fades.
        weight = level[..., -1:]
        mean_reach = level[..., -2:-1] / np.maximum(weight, 1e-20)
        level *= np.clip(np.square(mean_reach * _FADING / side), _LEAST, 1)
        levels.append(level)
    result = _normal(levels[-1])
    for level in reversed(levels[:-1]):
        above = doubled(result, level.shape[0], level.shape[1])
        weight = np.minimum(level[..., -1:], 1)
        result = above + weight * (_normal(level) - above)
    return result


def largest(values: Floats, row: NDArray[np.intp], column: NDArray[np.intp], rows: int, columns: int) -> Floats:
    """Returns for each cell of the grid the largest of the `values`, float32 (n,), around it, float32 (rows, columns).

    That is in the blocks beside it, of a side a few times as large as its distance to the nearest value.
    """
    level = np.full((rows, columns), -np.inf, np.float32)
    np.maximum.at(level, (row, column), values)
    levels = [level]
    while max(level.shape) > 1:
        level = np.pad(level, [(0, side % 2) for side in level.shape], constant_values=-np.inf)
        lines = np.maximum(level[::2], level[1::2])
        level = np.maximum(lines[:, ::2], lines[:, 1::2])
        levels.append(level)
    around = [_around(level) for level in levels]
    result = np.full((1, 1), levels[-1].max(), np.float32)
    for number in reversed(range(len(levels))):
        shape = levels[number].shape
        wide = min(number + _WIDER, len(levels) - 1)
        found = _repeated(around[wide], 1 << (wide - number), shape)
        result = np.where(np.isfinite(around[number]), found, _repeated(result, 2, shape))
    return result


def _repeated(values: Floats, times: int, shape: tuple[int, ...]) -> Floats:
    return np.repeat(np.repeat(values, times, axis=0), times, axis=1)[: shape[0], : shape[1]]


def _around(values: Floats) -> Floats:
    """Returns the largest value of each cell and its neighbours."""
    result = values.copy()
    np.maximum(result[1:], values[:-1], out=result[1:])
    np.maximum(result[:-1], values[1:], out=result[:-1])
    across = result.copy()
    np.maximum(across[:, 1:], result[:, :-1], out=across[:, 1:])
    np.maximum(across[:, :-1], result[:, 1:], out=across[:, :-1])
    return across


def _normal(level: Floats) -> Floats:
    """Returns the means, float32 (h, w, c), of a level's sums."""
    return np.asarray(level[..., :-2] / np.maximum(level[..., -1:], np.float32(1e-20)), np.float32)
