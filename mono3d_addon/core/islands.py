# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and drops small loose pieces of a grid mesh, all in whole-array steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mesh import Ints


def drop_islands(triangles: Ints, rows: int, columns: int, smallest: float) -> Ints:
    """Returns the triangles, int32 (m, 3), of all pieces that hold at least the share `smallest` of them.

    The triangles index a grid of `rows` x `columns` points; pieces are connected through shared points.
    """
    if len(triangles) == 0:
        return triangles
    piece = piece_of_points(triangles, rows, columns)[triangles[:, 0]]
    size = np.bincount(piece)
    return triangles[size[piece] >= smallest * len(triangles)]


def piece_of_points(triangles: Ints, rows: int, columns: int) -> NDArray[np.intp]:
    """Returns the number of the piece, int (rows * columns,), that each grid point belongs to.

    Connected-component labelling by runs (Rosenfeld and Pfaltz 1966): neighbours along a row that share a
    triangle form a run, and only the few runs are then joined across rows.
    """
    count = rows * columns
    first, second = _edges(triangles)
    along = second == first + 1
    joined = np.zeros(count, dtype=bool)
    joined[second[along]] = True
    joined[::columns] = False
    run = np.cumsum(~joined) - 1
    pairs = np.stack([run[first[~along]], run[second[~along]]], axis=1)
    return _join(pairs, int(run[-1]) + 1)[run]


def _edges(triangles: Ints) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Returns both ends of every triangle's edges, the smaller index first."""
    one = np.concatenate([triangles[:, 0], triangles[:, 1], triangles[:, 2]])
    other = np.concatenate([triangles[:, 1], triangles[:, 2], triangles[:, 0]])
    return np.minimum(one, other), np.maximum(one, other)


def _join(pairs: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Returns a label for each of `count` nodes, equal for nodes that a chain of `pairs` connects.

    Min-label hooking and pointer jumping (Shiloach and Vishkin 1982).
    """
    keys = np.unique(pairs[:, 0].astype(np.int64) * count + pairs[:, 1])
    one, other = keys // count, keys % count
    label = np.arange(count)
    while True:
        low = np.minimum(label[one], label[other])
        high = np.maximum(label[one], label[other])
        open_pairs = low < high
        if not open_pairs.any():
            return label
        one, other = one[open_pairs], other[open_pairs]
        np.minimum.at(label, high[open_pairs], low[open_pairs])
        while True:
            jumped = label[label]
            if np.array_equal(jumped, label):
                break
            label = jumped
