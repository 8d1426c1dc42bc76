# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the edges of a mesh, several times faster than Blender does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints

_SLOTS = 8
"""Hash table slots per vertex: one for the edge to the vertex with the next index, seven for all others."""

_BLOCK = 1 << 18


def edges_of_faces(faces: tuple[Ints, Ints], vertices: int) -> tuple[Ints, Ints]:
    """Returns the edges, int32 (e, 2), of `faces`, and the edge of each corner, int32 (corners,).

    faces     quads, int32 (k, 4), and triangles, int32 (m, 3), which follow them
    vertices  number of vertices

    A corner's edge leads from that corner to the next one of its face; see `edges_between`.
    """
    starts = np.concatenate([some.reshape(-1) for some in faces])
    ends = np.concatenate([np.roll(some, -1, axis=1).reshape(-1) for some in faces])
    return edges_between(starts, ends, vertices)


def edges_between(start: Ints, end: Ints, vertices: int) -> tuple[Ints, Ints]:
    """Returns the unique edges, int32 (e, 2), of the half-edges `start` to `end`, int32 (k,) each.

    Also returns the index of each half-edge's edge, int32 (k,). The lower vertex of an edge comes first. Works for all
    faces without repeated corners, including non-manifold edges.

    Instead of sorting, it uses a hash table with a few slots per lower vertex, each for one higher vertex. Edges that
    collide go to another round with a new table. A grid needs one round, because neighbours in its next row have
    consecutive indices. Blocks fit the processor's cache, because memory access costs more than the arithmetic.
    """
    of_corner = np.empty(len(start), dtype=np.int32)
    found: list[Ints] = []
    count = 0
    corners: NDArray[np.intp] | None = None
    stride = 1
    while corners is None or len(corners):
        highs = np.full(vertices * _SLOTS, -1, dtype=np.int32)
        for piece in _blocks(len(start), corners):
            slot, high = _slots(start[piece], end[piece], stride)
            highs[slot] = high
        used = highs >= 0
        number = np.cumsum(used, dtype=np.int32)
        number += count - 1
        collided = []
        for piece in _blocks(len(start), corners):
            slot, high = _slots(start[piece], end[piece], stride)
            of_corner[piece] = number[slot]
            collisions = np.flatnonzero(highs[slot] != high)
            if len(collisions):
                collided.append(piece[collisions] if corners is not None else collisions + piece.start)
        edges = np.empty((int(number[-1]) + 1 - count if vertices else 0, 2), dtype=np.int32)
        np.floor_divide(np.flatnonzero(used), _SLOTS, out=edges[:, 0], casting="same_kind")
        edges[:, 1] = highs[used]
        found.append(edges)
        count += len(edges)
        corners = np.concatenate(collided) if collided else np.empty(0, dtype=np.intp)
        stride = stride * (_SLOTS - 1) if stride < vertices else 1
    return (found[0] if len(found) == 1 else np.concatenate(found)), of_corner


def _blocks(count: int, corners: NDArray[np.intp] | None) -> Iterator[Any]:
    """Yields the indices of all of `count` corners (slices), or of the given ones (arrays), in blocks."""
    for begin in range(0, count if corners is None else len(corners), _BLOCK):
        piece = slice(begin, begin + _BLOCK)
        yield piece if corners is None else corners[piece]


def _slots(start: Ints, end: Ints, stride: int) -> tuple[NDArray[np.intp], Ints]:
    """Returns the slot of each edge in the table and its higher vertex."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    apart = high - low
    slot = low.astype(np.intp)
    slot *= _SLOTS
    slot += np.where(apart == 1, 0, 1 + (apart // stride) % (_SLOTS - 1))
    return slot, high
