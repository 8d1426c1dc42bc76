# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels connected components and removes small ones from a grid mesh; vectorised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints, rows_where

Links = NDArray[np.bool_]


def drop_islands(triangles: Ints, along: Links, down: Links, smallest: float) -> Ints:
    """Returns the triangles, int32 (m, 3), of all components that have at least the fraction `smallest` of them.

    The triangles index a grid of points that `along` and `down` connect, see `label_components`.
    """
    if len(triangles) == 0:
        return triangles
    piece = label_components(along, down).reshape(-1)[triangles[:, 0]]
    size = np.bincount(piece)
    return rows_where(size[piece] >= smallest * len(triangles), triangles)


def label_components(along: Links, down: Links) -> NDArray[np.intp]:
    """Returns the label of each grid point's connected component, intp (rows, columns).

    `along`, bool (rows, columns - 1), and `down`, bool (rows - 1, columns), are the connected neighbours in rows and
    in columns. Uses run-based labelling (Rosenfeld and Pfaltz 1966): connected points of a row form a run, and only
    the runs are joined across rows.
    """
    rows, columns = len(along), down.shape[1]
    starts = np.ones((rows, columns), dtype=bool)
    starts[:, 1:] = ~along
    run = (np.cumsum(starts) - 1).reshape(rows, columns)
    # Two runs that touch at several adjacent points are one pair.
    again = down[:, 1:] & down[:, :-1] & along[:-1] & along[1:]
    news = down.copy()
    news[:, 1:] &= ~again
    pairs = np.stack([run[:-1][news], run[1:][news]], axis=1)
    return component_labels(pairs, int(run[-1, -1]) + 1)[run]


def component_labels(pairs: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Returns a label for each of `count` nodes, intp (count,), equal for nodes connected by `pairs`, intp (n, 2).

    Uses min-label hooking and pointer jumping (Shiloach and Vishkin 1982).
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
