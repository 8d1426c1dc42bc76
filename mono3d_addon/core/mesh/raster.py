# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectorised triangle rasteriser: the cells that each triangle covers, with barycentric coordinates."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints

_BLOCK = 1 << 21
"""Cells per block: large enough for speed, small enough to limit memory."""

_TRIANGLES = 1 << 19
"""Triangles looked at together, to limit memory."""

_TOLERANCE = 1e-3
"""Tolerance in cells by which a centre may lie outside a triangle, so that there are no gaps between triangles."""


@dataclass(frozen=True)
class Covered:
    """The cells that triangles cover: `cell` intp (k,), index into the flattened picture, `triangle` intp (k,).

    `weights`, float64 (k, 3), are the barycentric coordinates of the cell's centre in the picture. A cell on the
    shared edge of two triangles occurs twice.
    """

    cell: NDArray[np.intp]
    triangle: NDArray[np.intp]
    weights: NDArray[np.float64]


def cover(positions: NDArray[np.float64], triangles: Ints, rows: int, columns: int) -> list[Covered]:
    """Returns the cells of a picture of `rows` x `columns` that the triangles cover, in blocks of bounded size.

    positions  float64 (n, 2), x to the right and y down in cells, centres at +0.5
    triangles  int32 (m, 3), in either winding order; those without area cover nothing

    Each triangle is split into rows and each row into cells (scanline conversion).
    """
    positions = np.asarray(positions, np.float64)
    parts = []
    for start in range(0, len(triangles), _TRIANGLES):
        parts += _cover_block(positions, np.asarray(triangles[start : start + _TRIANGLES]), start, rows, columns)
    return parts


def _cover_block(
    positions: NDArray[np.float64], triangles: Ints, number: int, rows: int, columns: int
) -> list[Covered]:
    """Returns the cells that some triangles cover; `number` is the index of the first one."""
    corner = np.ascontiguousarray(triangles.T, np.intp)
    spans = []
    for axis, most in ((0, columns), (1, rows)):
        one, other, third = np.ascontiguousarray(positions[:, axis])[corner]
        low = np.minimum(np.minimum(one, other), third)
        high = np.maximum(np.maximum(one, other), third)
        first = np.clip(np.ceil(low - (0.5 + _TOLERANCE)), 0, most)
        spans.append((first, np.clip(np.floor(high - (0.5 - _TOLERANCE)), -1, most - 1) - first + 1))
    # Most triangles of a fine mesh lie between the centres of the cells of a small picture.
    kept = np.flatnonzero((spans[0][1] > 0) & (spans[1][1] > 0))
    first, height = (values[kept].astype(np.intp) for values in spans[1])
    corners = positions[triangles[kept]]
    ends = np.cumsum(height)
    parts = []
    start = 0
    while start < len(kept):
        # At least one triangle per block.
        stop = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + _BLOCK // 8)))
        some = slice(start, stop)
        parts += _cover_some(corners[some], kept[some] + number, first[some], height[some], columns)
        start = stop
    return parts


def _cover_some(
    corners: NDArray[np.float64],
    numbers: NDArray[np.intp],
    first: NDArray[np.intp],
    height: NDArray[np.intp],
    columns: int,
) -> list[Covered]:
    """Returns the cells of the triangles with these `numbers`, first rows and heights in rows."""
    x, y = corners[..., 0], corners[..., 1]
    # Edge functions: a x + b y + c is the barycentric weight of the opposite corner.
    x1, y1, x2, y2 = (np.roll(values, by, axis=1) for by in (-1, -2) for values in (x, y))
    a, b, c = y1 - y2, x2 - x1, x1 * y2 - x2 * y1
    doubled = a[:, 0] * x[:, 0] + b[:, 0] * y[:, 0] + c[:, 0]
    flat = np.abs(doubled) < 1e-12
    height = np.where(flat, 0, height)
    scale = 1.0 / np.where(flat, 1.0, doubled)[:, None]
    a, b, c = a * scale, b * scale, c * scale
    owner = np.repeat(np.arange(len(corners)), height)
    row = first[owner] + _counted(height)
    along = b[owner] * (row + 0.5)[:, None] + c[owner]
    slope = a[owner]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -along / slope
    # Pair by pair: NumPy reduces short axes slowly.
    low = functools.reduce(np.maximum, np.where(slope > 0, crossing, -np.inf).T)
    high = functools.reduce(np.minimum, np.where(slope < 0, crossing, np.inf).T)
    misses = functools.reduce(np.logical_or, ((slope == 0) & (along < -_TOLERANCE)).T)
    left = np.clip(np.ceil(low - 0.5 - _TOLERANCE), 0, columns).astype(np.intp)
    right = np.clip(np.floor(high - 0.5 + _TOLERANCE), -1, columns - 1).astype(np.intp)
    width = np.where(misses, 0, np.maximum(right - left + 1, 0))
    parts = []
    ends = np.cumsum(width)
    start = 0
    while start < len(width):
        stop = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + _BLOCK)))
        span = np.repeat(np.arange(start, stop), width[start:stop])
        column = left[span] + _counted(width[start:stop])
        weights = slope[span] * (column + 0.5)[:, None] + along[span]
        parts.append(Covered(row[span] * columns + column, numbers[owner[span]], weights))
        start = stop
    return parts


def _counted(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Returns 0, 1, 2 ... for each of `counts` in turn: [2, 3] gives 0 1 0 1 2."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
