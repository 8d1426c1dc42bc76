# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups the cells of a map into small connected-looking clusters of like cells; vectorised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

_ROUNDS = 4


def superpixels(features: Floats, step: int, compactness: float) -> NDArray[np.intp]:
    """Returns the cluster of each cell, intp (rows, columns), numbered from 0.

    features     float32 (rows, columns, n), scaled so that a difference of 1 separates two surfaces
    step         distance of the clusters' seeds in cells
    compactness  how much a distance of `step` cells counts against a difference of 1

    SLIC (Achanta et al. 2012): k-means of features and position in which each cell chooses among the nine clusters
    whose seeds are nearest.
    """
    rows, columns = features.shape[:2]
    down, across = -(-rows // step), -(-columns // step)
    row, column = np.mgrid[:rows, :columns]
    place = np.stack([row, column], -1).astype(np.float32) * np.float32(compactness / step)
    values = np.concatenate([features, place], -1).reshape(rows * columns, -1)
    seed_row, seed_column = (row // step).ravel(), (column // step).ravel()
    label = seed_row * across + seed_column
    inside = []
    for beside in (-1, 0, 1):
        for ahead in (-1, 0, 1):
            other_row, other_column = seed_row + beside, seed_column + ahead
            known = (other_row >= 0) & (other_row < down) & (other_column >= 0) & (other_column < across)
            inside.append(np.where(known, other_row * across + other_column, -1))
    for _ in range(_ROUNDS):
        count = np.maximum(np.bincount(label, minlength=down * across), 1)
        centres = np.stack(
            [np.bincount(label, weights=part, minlength=down * across) / count for part in values.T], -1
        ).astype(np.float32)
        nearest = np.full(len(values), np.inf, np.float32)
        for candidate in inside:
            away = values - centres[candidate]
            distance = np.einsum("ij,ij->i", away, away)
            better = (distance < nearest) & (candidate >= 0)
            nearest[better] = distance[better]
            label = np.where(better, candidate, label)
    return np.unique(label, return_inverse=True)[1].reshape(rows, columns)
