# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the errors of a torn grid at silhouettes against ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core import windows
from mono3d_addon.core.mesh.grid import links_of

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]

BAND = 12
"""Cells around a silhouette that count as being at it."""
JUMP, SMALL_JUMP = 0.15, 0.03
"""Relative jumps of the true depth: from the first on an edge must be torn, from the second on it may be."""
_OFF = 0.1
"""Share of the step by which a vertex in mid-air is away from every true surface around."""
_FAR_OFF = 20.0


def network_view(depth: Array, sigma: float = 1.0, side: int = 256, mask: Flags | None = None) -> Array:
    """Returns the inverse of `depth`, float32 (h, w), as a network sees it: `side` cells long and blurred.

    `sigma` is the standard deviation of the blur in the network's cells, on top of the averaging; cells outside
    `mask` are ignored.
    """
    rows, columns = depth.shape
    scale = side / max(rows, columns)
    size = (round(columns * scale), round(rows * scale))
    known = np.ones_like(depth) if mask is None else mask.astype(np.float32)
    inverse = np.where(known > 0, 1 / np.where(known > 0, depth, 1), 0).astype(np.float32)
    value, share = (
        _gaussian(np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BOX)), sigma)
        for part in (inverse, known)
    )
    unknown = share < 1e-3
    result = value / np.maximum(share, 1e-3)
    result[unknown] = result[~unknown].min()
    return result.astype(np.float32)


def _gaussian(values: Array, sigma: float) -> Array:
    if sigma <= 0:
        return values
    reach = int(4 * sigma + 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
        places = np.arange(values.shape[axis])
        values = np.stack(
            [weight * np.take(padded, places + number, axis) for number, weight in enumerate(kernel)]
        ).sum(axis=0, dtype=np.float32)
    return values


@dataclass(frozen=True)
class Silhouettes:
    """Separations of neighbours: between columns, bool (h, w - 1), and between rows, bool (h - 1, w)."""

    across: Flags
    down: Flags

    def places(self) -> Array:
        """Returns the midpoints between separated neighbours, float32 (n, 2), (column, row) in cells."""
        row, column = np.nonzero(self.across)
        row2, column2 = np.nonzero(self.down)
        return np.concatenate([np.stack([column + 0.5, row], axis=1), np.stack([column2, row2 + 0.5], axis=1)]).astype(
            np.float32
        )

    def cells(self) -> Flags:
        """Returns the cells, bool (h, w), on either side."""
        rows, columns = len(self.across), self.down.shape[1]
        result = np.zeros((rows, columns), bool)
        result[:, :-1] |= self.across
        result[:, 1:] |= self.across
        result[:-1] |= self.down
        result[1:] |= self.down
        return result


def true_silhouettes(depth: Array, item: NDArray[np.int8] | None, jump: float) -> Silhouettes:
    """Returns where an item (without `item`: any surface) occludes another that is farther by more than `jump`."""

    def apart(axis: int) -> Flags:
        one, other = (np.take(depth, range(a, depth.shape[axis] - 1 + a), axis) for a in (0, 1))
        found = np.maximum(one, other) > np.minimum(one, other) * (1 + jump)
        if item is not None:
            first, second = (np.take(item, range(a, depth.shape[axis] - 1 + a), axis) for a in (0, 1))
            found &= first != second
        return found

    return Silhouettes(apart(1), apart(0))


def torn(triangles: NDArray[np.int32], rows: int, columns: int) -> tuple[Silhouettes, Flags]:
    """Returns the unconnected neighbours of a grid of which at least one is in the mesh, and the cells of the mesh."""
    used = np.zeros(rows * columns, bool)
    used[triangles] = True
    cells = used.reshape(rows, columns)
    across, down = links_of(triangles, rows, columns)
    beside = ~across & (cells[:, :-1] | cells[:, 1:])
    below = ~down & (cells[:-1] | cells[1:])
    return Silhouettes(beside, below), cells


def nearest(places: Array, others: Array) -> Array:
    """Returns the distance, float32 (n,), of each of `places` to the nearest of `others` (., 2), at most 20."""
    if not len(others):
        return np.full(len(places), _FAR_OFF, np.float32)
    parts = [
        np.sqrt(((places[start : start + 500, None] - others[None]) ** 2).sum(axis=2).min(axis=1))
        for start in range(0, len(places), 500)
    ]
    return np.minimum(np.concatenate(parts) if parts else np.zeros(0), _FAR_OFF).astype(np.float32)


@dataclass(frozen=True)
class EdgeFigures:
    """Error measures of one torn grid.

    in_air     share of the mesh's vertices within `BAND` cells of a silhouette that lie on no surface
    tear       mean distance in cells between the tears and the true silhouettes, both ways
    tear_high  its 95th percentile
    """

    in_air: float
    tear: float
    tear_high: float


def edge_figures(
    depth: Array,
    triangles: NDArray[np.int32],
    truth: Array,
    item: NDArray[np.int8] | None = None,
    known: Flags | None = None,
) -> EdgeFigures:
    """Returns the measures of a grid over `depth` against `truth`, float32 (h, w) both; `known`: valid truth."""
    rows, columns = truth.shape
    tears, used = torn(triangles, rows, columns)
    sharp, any_jump = (true_silhouettes(truth, item, jump) for jump in (JUMP, SMALL_JUMP))
    if known is not None:
        clear = windows.minimum(known.astype(np.float32), 3) > 0
        tears, sharp = (
            Silhouettes(one.across & clear[:, 1:] & clear[:, :-1], one.down & clear[1:] & clear[:-1])
            for one in (tears, sharp)
        )
        used &= clear
    wanted, allowed, made = sharp.places(), any_jump.places(), tears.places()
    off = np.concatenate([nearest(wanted, made), nearest(made, allowed)])
    band = windows.maximum(sharp.cells().astype(np.float32), BAND) > 0
    at = band & used
    in_air = mid_air(np.float32(1) / depth, np.float32(1) / truth) & at
    return EdgeFigures(
        float(in_air.sum() / max(at.sum(), 1)),
        float(off.mean()) if len(off) else 0.0,
        float(np.quantile(off, 0.95)) if len(off) else 0.0,
    )


def mid_air(inverse: Array, truth: Array) -> Flags:
    """Returns the cells, bool (h, w), whose inverse depth is between those of near and far and on neither.

    Away by more than a tenth of the step from every true value within two cells.
    """
    low, high = windows.minimum(truth, BAND), windows.maximum(truth, BAND)
    margin = _OFF * (high - low)
    between = (inverse > low + margin) & (inverse < high - margin)
    apart = np.full(truth.shape, np.inf, np.float32)
    padded = np.pad(truth, 2, mode="edge")
    for row in range(5):
        for column in range(5):
            other = padded[row : row + truth.shape[0], column : column + truth.shape[1]]
            np.minimum(apart, np.abs(inverse - other), out=apart)
    found: Flags = between & (apart > margin)
    return found
