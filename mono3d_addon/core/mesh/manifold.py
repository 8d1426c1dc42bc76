# SPDX-License-Identifier: GPL-3.0-or-later
"""Which triangles hang together at a vertex: the step from a bag of triangles to a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints


@dataclass(frozen=True)
class Fans:
    """A triangle mesh in which every vertex has one fan of triangles, and every edge one or two of them.

    triangles  int32 (m, 3), with numbers of their own
    source     int32 (n,), the former number of each vertex
    is_copy    bool (n,), vertices whose former one had several fans and so became several
    rim        int32 (r, 2), the edges with one triangle, each in that triangle's direction
    """

    triangles: Ints
    source: Ints
    is_copy: NDArray[np.bool_]
    rim: Ints


def separate_fans(triangles: Ints, vertices: int) -> Fans:
    """Returns `triangles`, int32 (m, 3), of `vertices` vertices, cut apart wherever they are not a manifold.

    Triangles with a repeated corner, and all but the first with the same corners, are dropped; so are those beyond
    the first in either direction along an edge. Then a vertex where fans of triangles touch at their tips only, as
    where two tears meet, becomes one vertex for each fan.

    The corners around a vertex are linked across the edges that its triangles share, and pointer doubling finds
    for each corner the end of its chain or, where the fan is closed, the least corner of its ring.
    """
    triangles = _without_crowds(_without_repeats(triangles), vertices)
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


def _without_repeats(triangles: Ints) -> Ints:
    a, b, c = triangles.T
    kept = triangles[(a != b) & (b != c) & (c != a)]
    if not len(kept):
        return kept
    ordered = np.sort(kept, axis=1)
    order = np.lexsort(ordered.T[::-1])
    repeats = np.zeros(len(kept), bool)
    repeats[order[1:]] = (ordered[order[1:]] == ordered[order[:-1]]).all(axis=1)
    return kept[~repeats]


def _without_crowds(triangles: Ints, vertices: int) -> Ints:
    """Returns `triangles` without those that run along an edge in a direction that an earlier one has taken."""
    start = triangles.reshape(-1).astype(np.int64)
    key = start * vertices + np.roll(triangles, -1, axis=1).reshape(-1)
    order = np.argsort(key, kind="stable")
    later = order[1:][key[order[1:]] == key[order[:-1]]]
    return np.delete(triangles, np.unique(later // 3), axis=0) if len(later) else triangles


def previous_half_edges(half: NDArray[np.intp]) -> NDArray[np.intp]:
    """Returns the half-edges before `half` around their triangles. Number 3 t + k starts at corner k of t."""
    return half - half % 3 + (half + 2) % 3


def edge_keys(start: NDArray[np.int64], end: NDArray[np.int64], vertices: int) -> NDArray[np.int64]:
    """Returns a number for each edge, the same in either direction."""
    keys: NDArray[np.int64] = np.minimum(start, end) * vertices + np.maximum(start, end)
    return keys


def opposite_half_edges(start: NDArray[np.int64], end: NDArray[np.int64], vertices: int) -> NDArray[np.intp]:
    """Returns for each half-edge the one that runs along it the other way, intp; -1 where there is none."""
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
