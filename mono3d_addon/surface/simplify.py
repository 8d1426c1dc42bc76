# SPDX-License-Identifier: GPL-3.0-or-later
"""Decimation and smoothing in picture space, where errors count as the camera sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core import extras
from ..core.mesh.manifold import edge_keys, opposite_half_edges, previous_half_edges
from ..core.mesh.normals import vertex_normals
from .meshing import Surface
from .picture_space import Doubles
from .requirements import FAST_SIMPLIFICATION, REDUCED

_TOLERANCE = 1.05
"""Factor by which the first pass may exceed the target."""

_AGGRESSIVENESS = 7.0
"""Growth of the error threshold per iteration (`agg`); with 3 the target is often not reached."""

_FORTH, _BACK = 0.5, -0.53
"""Steps of a round of smoothing; the second one undoes the shrinking of the first."""
_TINY = 1e-12

_STEEPEST = 0.2
"""Smallest cosine of the viewing angle that is used for moving a vertex along its ray."""

_MAX_FLIP_PASSES = 10
"""Largest number of passes that flip edges to remove foldovers."""


def can_decimate() -> bool:
    """Returns whether this process has what `decimate` needs."""
    return extras.has(FAST_SIMPLIFICATION)


def decimate(surface: Surface, target: int, *, keep_rims: bool = False) -> Surface:
    """Returns `surface` decimated to about `target` triangles; unchanged if `target` is 0 or not smaller.

    Uses quadric error metrics (Garland and Heckbert 1997) in picture space, where an offset of one cell has the same
    weight across and along the view, near and far. Boundary vertices, and so silhouettes, are kept. If the boundaries
    alone need more than `target` triangles, a second pass simplifies them too, unless `keep_rims` is set; simplified
    boundaries of neighbouring objects can overlap in the picture.
    The implementation is fast-simplification's: Open3D's decimation takes minutes on flat grids and moves boundaries.
    Raises Mono3DError if that package is missing.
    """
    if target <= 0 or len(surface.triangles) <= target:
        return surface
    try:
        import fast_simplification
    except ImportError as error:
        raise extras.needed(REDUCED, error) from error
    positions, triangles = surface.positions, surface.triangles
    for is_border_kept in (True,) if keep_rims else (True, False):
        if len(triangles) > _TOLERANCE * target:
            positions, triangles = fast_simplification.simplify(
                positions, triangles, target_count=target, agg=_AGGRESSIVENESS, preserve_border=is_border_kept
            )
    return without_foldovers(Surface(np.asarray(positions, np.float64), np.array(triangles, np.int32)))


def without_foldovers(surface: Surface) -> Surface:
    """Returns `surface` with foldovers, triangles that decimation flipped in the picture, removed as far as possible.

    Such a triangle overlaps the neighbour at its longest side; flipping that edge separates the two. Edges are not
    flipped if the new edge already exists.
    """
    triangles = surface.triangles.copy()
    for _ in range(_MAX_FLIP_PASSES):
        corners = surface.positions[triangles, :2]
        sides = np.roll(corners, -1, axis=1) - corners
        turned = np.flatnonzero(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0] > 0)
        if not len(turned):
            break
        half = 3 * turned + np.linalg.norm(sides[turned], axis=2).argmax(axis=1)
        start = triangles.reshape(-1).astype(np.int64)
        end = np.roll(triangles, -1, axis=1).reshape(-1).astype(np.int64)
        mate = opposite_half_edges(start, end, len(surface.positions))[half]
        half, mate = half[mate >= 0], mate[mate >= 0]
        # At most one flip per triangle in each pass.
        met = np.unique(np.concatenate([half // 3, mate // 3]), return_index=True)[1] % max(len(half), 1)
        alone = np.bincount(met, minlength=len(half)) == 2
        half, mate = half[alone], mate[alone]
        (a, b, c), d = (
            (start[half - half % 3 + (half + step) % 3] for step in range(3)),
            start[previous_half_edges(mate)],
        )
        diagonals, first = np.unique(edge_keys(c, d, len(surface.positions)), return_index=True)
        new = first[~np.isin(diagonals, edge_keys(start, end, len(surface.positions)))]
        half, mate, a, b, c, d = (part[new] for part in (half, mate, a, b, c, d))
        triangles[half // 3] = np.stack([a, d, c], axis=1)
        triangles[mate // 3] = np.stack([d, b, c], axis=1)
    return Surface(surface.positions, triangles)


def smooth(surface: Surface, rounds: int) -> Surface:
    """Returns `surface` after `rounds` iterations of Taubin smoothing (1995), restricted to the viewing rays.

    Each vertex moves along w to the plane through its smoothed position, perpendicular to its normal. So the camera's
    view and the texture coordinates do not change.
    """
    if rounds <= 0 or len(surface.triangles) == 0:
        return surface
    start = surface.triangles.reshape(-1).astype(np.int64)
    end = np.roll(surface.triangles, -1, axis=1).reshape(-1).astype(np.int64)
    _, once = np.unique(edge_keys(start, end, len(surface.positions)), return_index=True)
    start, end = start[once], end[once]
    smoothed = surface.positions
    for _ in range(rounds):
        for step in (_FORTH, _BACK):
            smoothed = _relaxed(smoothed, start, end, step)
    normals = vertex_normals(surface.positions.astype(np.float32), surface.triangles)
    moved = smoothed - surface.positions
    along = np.einsum("ij,ij->i", normals, moved) / np.minimum(normals[:, 2], -_STEEPEST)
    positions: Doubles = surface.positions.copy()
    positions[:, 2] += along
    return Surface(positions, surface.triangles)


def _relaxed(positions: Doubles, start: NDArray[np.int64], end: NDArray[np.int64], step: float) -> Doubles:
    """Returns the positions moved by `step` towards the mean of their neighbours, weighted by inverse distance.

    Each edge, from `start` to `end`, is given once.
    """
    weights = 1.0 / (np.linalg.norm(positions[end] - positions[start], axis=1) + _TINY)

    count = len(positions)

    def sums(values: Doubles) -> Doubles:
        before, after = (
            np.bincount(start, weights * values[end], count),
            np.bincount(end, weights * values[start], count),
        )
        return np.asarray(before + after, np.float64)

    mean = np.stack([sums(axis) for axis in positions.T], axis=1)
    total = sums(np.ones(count))[:, None]
    mean = np.divide(mean, total, out=positions.copy(), where=total > 0.0)
    return np.asarray(positions + step * (mean - positions))
