# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectorised minimum, maximum and box filters over square windows of 2 radius + 1 cells, and resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import resampling
from .arrays import Floats


def maximum(values: Floats, radius: int, axes: tuple[int, ...] = (0, 1)) -> Floats:
    """Returns the largest value of each window, float32 (h, w); the window extends along `axes` only."""
    for axis in axes:
        values = _running(values, radius, axis, np.maximum)
    return values


def minimum(values: Floats, radius: int, axes: tuple[int, ...] = (0, 1)) -> Floats:
    """Returns the smallest value of each window, float32 (h, w); the window extends along `axes` only."""
    for axis in axes:
        values = _running(values, radius, axis, np.minimum)
    return values


def widened(cells: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Returns the cells, bool (h, w), in whose window there is one of `cells`, bool (h, w)."""
    for axis in (0, 1):
        cells = _running(cells, radius, axis, np.logical_or)
    return cells


def total(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Returns the sum over each window, clipped at the borders, float32 (h, w) or (h, w, c)."""
    # Cumulative sums in float32 would lose precision over a long row.
    down = np.empty(values.shape)
    down[:1] = values[:1]
    # numpy's own sum along the first axis takes one column after the other, which is several times slower.
    for row in range(1, len(values)):
        np.add(down[row - 1], values[row], out=down[row])
    across = np.cumsum(_between(down, radius), 1, dtype=np.float64)
    return _between(across.swapaxes(0, 1), radius).swapaxes(0, 1)


def mean(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Returns the mean over each window, clipped at the borders, float32 (h, w)."""
    return total(values, radius) / counts(values.shape, radius)


def counts(shape: tuple[int, ...], radius: int) -> NDArray[np.float32]:
    """Returns the cells in each window of an array of that shape, (h, w), clipped at the borders, float32 (h, w)."""
    down, across = (
        np.minimum(np.arange(length) + radius, length - 1) - np.maximum(np.arange(length) - radius, 0) + 1.0
        for length in shape
    )
    return np.outer(down, across).astype(np.float32)


def _between(sums: NDArray[np.float64], radius: int) -> NDArray[np.float32]:
    """Returns the sums over windows along the first axis, float32, from cumulative `sums` along it."""
    length = len(sums)
    last = min(radius, length - 1)
    result = np.empty_like(sums)
    result[: length - last] = sums[last:]
    result[length - last :] = sums[-1:]
    result[radius + 1 :] -= sums[: max(0, length - radius - 1)]
    return result.astype(np.float32)


def resize(values: Floats, columns: int, rows: int) -> Floats:
    """Returns `values`, float32 (h, w), resized with bicubic interpolation, float32 (rows, columns)."""
    if values.shape == (rows, columns):
        return values
    return resampling.resize(np.asarray(values, np.float32), columns, rows, "bicubic")


def enlarge(values: Floats, columns: int, rows: int) -> Floats:
    """Returns `values`, float32 (h, w), enlarged with bilinear interpolation, which does not overshoot."""
    if values.shape == (rows, columns):
        return values
    return resampling.resize(np.asarray(values, np.float32), columns, rows, "bilinear")


def reduced(values: Floats, block: int) -> Floats:
    """Returns the means of blocks of that side of `values`, float32 (h, w); those at the far borders may be smaller."""
    return resampling.reduce(np.asarray(values, np.float32), block)


def _running(values: NDArray[Any], radius: int, axis: int, pick: np.ufunc) -> NDArray[Any]:
    """Returns `pick`, such as minimum or maximum, over windows along one axis; each pass doubles the window."""
    margin = [(0, 0), (0, 0)]
    margin[axis] = (radius, radius)
    result = np.pad(values, margin, mode="edge")
    width, wanted = 1, 2 * radius + 1
    while width < wanted:
        shift = min(width, wanted - width)
        length = result.shape[axis] - shift
        result = pick(_slice(result, axis, 0, length), _slice(result, axis, shift, length))
        width += shift
    return result


def _slice(values: NDArray[Any], axis: int, start: int, length: int) -> NDArray[Any]:
    return values[start : start + length] if axis == 0 else values[:, start : start + length]
