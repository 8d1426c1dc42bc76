# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectorised triangle rasteriser: the cells that each triangle covers, with barycentric coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints

_BLOCK = 1 << 21
"""Cells per block: large enough for speed, small enough to limit memory."""

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
    corners = np.asarray(positions, np.float64)[triangles]
    first = np.clip(np.ceil(corners[..., 1].min(axis=1) - 0.5 - _TOLERANCE), 0, rows).astype(np.intp)
    last = np.clip(np.floor(corners[..., 1].max(axis=1) - 0.5 + _TOLERANCE), -1, rows - 1).astype(np.intp)
    height = np.maximum(last - first + 1, 0)
    ends = np.cumsum(height)
    parts = []
    start = 0
    while start < len(triangles):
        # At least one triangle per block.
        stop = max(start + 1, int(np.searchsorted(ends, (ends[start - 1] if start else 0) + _BLOCK // 8)))
        parts += _cover_some(corners[start:stop], start, first[start:stop], height[start:stop], columns)
        start = stop
    return parts


def _cover_some(
    corners: NDArray[np.float64], number: int, first: NDArray[np.intp], height: NDArray[np.intp], columns: int
) -> list[Covered]:
    x, y = corners[..., 0], corners[..., 1]
    # Edge functions: a x + b y + c is the barycentric weight of the opposite corner.
    a = np.roll(y, -1, axis=1) - np.roll(y, -2, axis=1)
    b = np.roll(x, -2, axis=1) - np.roll(x, -1, axis=1)
    doubled = (a * x + b * y)[:, 0] + (np.roll(x, -1, axis=1) * np.roll(y, -2, axis=1))[:, 0]
    doubled -= (np.roll(x, -2, axis=1) * np.roll(y, -1, axis=1))[:, 0]
    flat = np.abs(doubled) < 1e-12
    height = np.where(flat, 0, height)
    scale = 1.0 / np.where(flat, 1.0, doubled)[:, None]
    a, b = a * scale, b * scale
    c = (np.roll(x, -1, axis=1) * np.roll(y, -2, axis=1) - np.roll(x, -2, axis=1) * np.roll(y, -1, axis=1)) * scale
    owner = np.repeat(np.arange(len(corners)), height)
    row = first[owner] + _counted(height)
    along = b[owner] * (row + 0.5)[:, None] + c[owner]
    slope = a[owner]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -along / slope
    low = np.where(slope > 0, crossing, -np.inf).max(axis=1)
    high = np.where(slope < 0, crossing, np.inf).min(axis=1)
    misses = ((slope == 0) & (along < -_TOLERANCE)).any(axis=1)
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
        parts.append(Covered(row[span] * columns + column, owner[span] + number, weights))
        start = stop
    return parts


def _counted(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Returns 0, 1, 2 ... for each of `counts` in turn: [2, 3] gives 0 1 0 1 2."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
