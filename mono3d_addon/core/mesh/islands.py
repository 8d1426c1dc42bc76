# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and drops small loose pieces of a grid mesh, all in whole-array steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints

Links = NDArray[np.bool_]


def drop_islands(triangles: Ints, along: Links, down: Links, smallest: float) -> Ints:
    """Returns the triangles, int32 (m, 3), of all pieces that hold at least the share `smallest` of them.

    The triangles index a grid of points whose neighbours `along` and `down` link, see `label_components`.
    """
    if len(triangles) == 0:
        return triangles
    piece = label_components(along, down).reshape(-1)[triangles[:, 0]]
    size = np.bincount(piece)
    return triangles[size[piece] >= smallest * len(triangles)]


def label_components(along: Links, down: Links) -> NDArray[np.intp]:
    """Returns the number of the piece, int (rows, columns), that each grid point belongs to.

    `along`, bool (rows, columns - 1), tells which neighbours in a row are linked, `down`, bool (rows - 1, columns),
    which in a column. Connected-component labelling by runs (Rosenfeld and Pfaltz 1966): linked points of a row form
    a run, and only the few runs are then joined across rows.
    """
    rows, columns = len(along), down.shape[1]
    starts = np.ones((rows, columns), dtype=bool)
    starts[:, 1:] = ~along
    run = (np.cumsum(starts) - 1).reshape(rows, columns)
    # Two runs that touch at many neighbouring points are one pair.
    again = down[:, 1:] & down[:, :-1] & along[:-1] & along[1:]
    news = down.copy()
    news[:, 1:] &= ~again
    pairs = np.stack([run[:-1][news], run[1:][news]], axis=1)
    return component_labels(pairs, int(run[-1, -1]) + 1)[run]


def component_labels(pairs: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Returns a label, int (count,), for each node, equal where a chain of `pairs`, int (n, 2), connects them.

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
