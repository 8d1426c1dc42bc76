# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes triangle meshes manifold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints


@dataclass(frozen=True)
class Fans:
    """A manifold triangle mesh: every vertex has one fan of triangles, every edge has one or two triangles.

    triangles  int32 (m, 3), indices of the new vertices
    source     int32 (n,), index of each vertex in the original mesh
    is_copy    bool (n,), vertices that were split because the original one had several fans
    rim        int32 (r, 2), boundary edges (with one triangle), in the direction of that triangle
    """

    triangles: Ints
    source: Ints
    is_copy: NDArray[np.bool_]
    rim: Ints


def separate_fans(triangles: Ints, vertices: int) -> Fans:
    """Returns `triangles`, int32 (m, 3), with `vertices` vertices, as a manifold mesh.

    Removes triangles with a repeated corner, all but the first triangle with the same corners, and all but the first
    triangle in each direction of an edge. Then splits every vertex that several fans of triangles share, as where two
    tears meet, into one vertex per fan.

    The corners around a vertex are linked across the edges that its triangles share. Pointer doubling finds for each
    corner the end of its chain or, if the fan is closed, the smallest corner of its ring.
    """
    triangles = _without_duplicate_half_edges(_without_duplicates(triangles), vertices)
    start = triangles.reshape(-1).astype(np.int64)
    end = np.roll(triangles, -1, axis=1).reshape(-1).astype(np.int64)
    mate = opposite_half_edges(start, end, vertices)
    corner = np.arange(len(start))
    following = mate[previous_half_edges(corner)]
    is_last = following < 0
    jump = np.where(is_last, corner, following)
    least = corner.copy()
    fullest = int(np.bincount(start, minlength=1).max())
    for _ in range(fullest.bit_length()):
        np.minimum(least, least[jump], out=least)
        jump = jump[jump]
    label = np.where(is_last[jump], jump, least)
    used = np.zeros(len(start), bool)
    used[label] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    split = number[label].reshape(-1, 3)
    source = start[used].astype(np.int32)
    is_copy = np.bincount(source, minlength=vertices)[source] > 1
    open_edges = np.flatnonzero(mate < 0)
    rim = np.stack([split.reshape(-1), np.roll(split, -1, axis=1).reshape(-1)], axis=1)[open_edges]
    return Fans(split, source, is_copy, rim)


def _without_duplicates(triangles: Ints) -> Ints:
    a, b, c = triangles.T
    kept = triangles[(a != b) & (b != c) & (c != a)]
    if not len(kept):
        return kept
    ordered = np.sort(kept, axis=1)
    order = np.lexsort(ordered.T[::-1])
    repeats = np.zeros(len(kept), bool)
    repeats[order[1:]] = (ordered[order[1:]] == ordered[order[:-1]]).all(axis=1)
    return kept[~repeats]


def _without_duplicate_half_edges(triangles: Ints, vertices: int) -> Ints:
    """Returns `triangles` without those that have an edge in the same direction as an earlier triangle."""
    start = triangles.reshape(-1).astype(np.int64)
    key = start * vertices + np.roll(triangles, -1, axis=1).reshape(-1)
    order = np.argsort(key, kind="stable")
    later = order[1:][key[order[1:]] == key[order[:-1]]]
    return np.delete(triangles, np.unique(later // 3), axis=0) if len(later) else triangles


def previous_half_edges(half: NDArray[np.intp]) -> NDArray[np.intp]:
    """Returns the half-edges before `half` around their triangles. Number 3 t + k starts at corner k of t."""
    return half - half % 3 + (half + 2) % 3


def edge_keys(start: NDArray[np.int64], end: NDArray[np.int64], vertices: int) -> NDArray[np.int64]:
    """Returns a key for each edge, the same in both directions, int64 (k,)."""
    keys: NDArray[np.int64] = np.minimum(start, end) * vertices + np.maximum(start, end)
    return keys


def opposite_half_edges(start: NDArray[np.int64], end: NDArray[np.int64], vertices: int) -> NDArray[np.intp]:
    """Returns the opposite of each half-edge, intp (k,); -1 at boundaries and edges with more than two triangles."""
    mate = np.full(len(start), -1, np.intp)
    key = edge_keys(start, end, vertices)
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    is_new = np.ones(len(key) + 1, bool)
    is_new[1:-1] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(is_new[:-1])
    pairs = first[np.diff(np.append(first, len(key))) == 2]
    one, other = order[pairs], order[pairs + 1]
    mate[one], mate[other] = other, one
    return mate
