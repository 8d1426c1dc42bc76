# SPDX-License-Identifier: GPL-3.0-or-later
"""Divides a disparity map into regions over each of which it is as linear as that of a plane.

The regions minimise the functional of Mumford and Shah (1989) for piecewise linear maps, greedily by merging
neighbours (Koepfler, Lopez and Morel 1994): squared residuals of a plane in each region, plus the length of borders.
A border costs less along an edge of the photo, so that a wall that a network has bent is not cut into facets.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .superpixels import superpixels

Doubles = NDArray[np.float64]
Labels = NDArray[np.intp]
Moments = tuple[float, ...]

_STEP, _COMPACTNESS = 8, 0.35
"""Distance of the seeds of superpixels in cells, and the weight of their compactness."""
_COLOR, _DISPARITY = 0.08, 0.06
"""Differences of colour (0..1) and of disparity (relative to its range) that separate superpixels."""
_SIGMA = 0.02
"""Residual, relative to the range of the disparity, that costs as much as ..."""
_BORDER = 150.0
"""... this many cells divided by the length of a border in cells, where the photo has no edge."""
_EDGE = 0.03
"""Difference of colour (0..1) across a border that halves its cost, roughly."""
_SHADING = 0.6
"""Share of the further change of colour that is taken off the change across a border."""
_LEAST_BORDER = 1e-3


def find_regions(disparity: Floats, guide: Floats, weight: Floats) -> Labels:
    """Returns the region of each cell, intp (rows, columns), numbered from 0.

    disparity  float32 (rows, columns), scaled to a range of 1
    guide      the photo at that size, float32 (rows, columns, 3) in 0..1
    weight     float32 (rows, columns), 0 for cells on a depth discontinuity, which belong to no plane, else 1
    """
    features = np.concatenate(
        [guide / np.float32(_COLOR), disparity[..., None] / np.float32(_DISPARITY)], axis=2, dtype=np.float32
    )
    return _merged(superpixels(features, _STEP, _COMPACTNESS), disparity, guide, weight)


def positions(shape: tuple[int, ...]) -> tuple[Doubles, Doubles]:
    """Returns x and y of the cells, float64 (rows, columns), from the middle, in halves of the longer side."""
    rows, columns = shape
    half = max(rows, columns) / 2
    x = (np.arange(columns) + 0.5 - columns / 2) / half
    y = (np.arange(rows) + 0.5 - rows / 2) / half
    across, down = np.meshgrid(x, y)
    return across, down


def plainness(guide: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Returns how little the photo has an edge between each cell and the next along an axis: 1 none, 0 a clear one.

    `guide` is float32 (rows, columns, 3) in 0..1; the result has one cell less along `axis`.
    """
    size = guide.shape[axis]
    wide = np.pad(guide, [(3, 3) if each == axis else (0, 0) for each in range(3)], mode="edge")

    def change(reach: int) -> NDArray[np.float32]:
        after = wide.take(range(3 + reach, size + 2 + reach), axis)
        return np.sqrt(np.square(after - wide.take(range(4 - reach, size + 3 - reach), axis)).sum(-1))

    # Across three cells: edges of photos are soft, and borders of superpixels are not exactly on them. What changes on
    # over seven cells is no edge but the shading of something round.
    near, far = change(2), change(4)
    edge = np.maximum(0.0, near - _SHADING * np.maximum(far - near, 0.0))
    return (1.0 / (1.0 + np.square(edge / _EDGE))).astype(np.float32)


def _moments(label: Labels, disparity: Floats, weight: Floats) -> list[Moments]:
    """Returns the weighted sums of 1, x, y, xx, xy, yy, d, xd, yd, dd over each region."""
    x, y = positions(disparity.shape)
    d = disparity.astype(np.float64)
    parts = (np.ones_like(d), x, y, x * x, x * y, y * y, d, x * d, y * d, d * d)
    where = label.ravel()
    sums = np.stack([np.bincount(where, weights=(part * weight).ravel()) for part in parts], axis=1)
    return [tuple(one) for one in sums.tolist()]


def _residual(sums: Moments) -> float:
    """Returns the least sum of squares off a plane, from the sums of `_moments`."""
    n, x, y, xx, xy, yy, d, xd, yd, dd = sums
    if n < 3.0:
        return 0.0
    cxx, cxy, cyy = xx - x * x / n, xy - x * y / n, yy - y * y / n
    cxd, cyd, cdd = xd - x * d / n, yd - y * d / n, dd - d * d / n
    determinant = cxx * cyy - cxy * cxy
    if determinant > 1e-9 * (cxx + cyy) ** 2:
        explained = (cyy * cxd * cxd - 2.0 * cxy * cxd * cyd + cxx * cyd * cyd) / determinant
    else:
        explained = cxd * cxd / cxx if cxx > cyy else cyd * cyd / max(cyy, 1e-12)
    return max(cdd - explained, 0.0)


def _merged(label: Labels, disparity: Floats, guide: Floats, weight: Floats) -> Labels:
    """Returns the regions that remain when no merging of two neighbours lowers the functional."""
    sums = _moments(label, disparity, weight)
    energy = [_residual(one) / _SIGMA**2 for one in sums]
    neighbours: list[dict[int, float]] = [{} for _ in sums]
    for (one, other), cost in _borders(label, guide).items():
        neighbours[one][other] = neighbours[other][one] = cost
    age = [0] * len(sums)
    parent = list(range(len(sums)))

    def candidate(one: int, other: int) -> tuple[float, int, int, int, int]:
        cost = neighbours[one][other]
        both = tuple(map(float.__add__, sums[one], sums[other]))
        change = _residual(both) / _SIGMA**2 - energy[one] - energy[other]
        return change / cost - _BORDER, one, other, age[one], age[other]

    heap = [candidate(one, other) for one, others in enumerate(neighbours) for other in others if one < other]
    heapq.heapify(heap)
    while heap:
        change, one, other, *ages = heapq.heappop(heap)
        if change >= 0.0:
            break
        if [age[one], age[other]] != ages:
            continue
        sums[one] = tuple(map(float.__add__, sums[one], sums[other]))
        energy[one] = _residual(sums[one]) / _SIGMA**2
        parent[other] = one
        age[one] += 1
        age[other] = -1
        for third, cost in neighbours[other].items():
            del neighbours[third][other]
            if third != one:
                neighbours[one][third] = neighbours[third][one] = neighbours[one].get(third, 0.0) + cost
        neighbours[other] = {}
        for third in neighbours[one]:
            heapq.heappush(heap, candidate(one, third))
    for number in range(len(parent)):
        root = number
        while parent[root] != root:
            root = parent[root]
        parent[number] = root
    return np.unique(np.array(parent)[label], return_inverse=True)[1].reshape(label.shape)


def _borders(label: Labels, guide: Floats) -> dict[tuple[int, int], float]:
    """Returns the cost of the border between each pair of neighbours: its length, less along edges of the photo."""
    count = int(label.max()) + 1
    keys, costs = [], []
    for axis in (0, 1):
        size = label.shape[axis]
        one, other = label.take(range(size - 1), axis), label.take(range(1, size), axis)
        apart = one != other
        keys.append(np.minimum(one, other)[apart] * count + np.maximum(one, other)[apart])
        costs.append(plainness(guide, axis)[apart])
    pairs, where = np.unique(np.concatenate(keys), return_inverse=True)
    total = np.maximum(np.bincount(where, weights=np.concatenate(costs)), _LEAST_BORDER)
    return {(pair // count, pair % count): cost for pair, cost in zip(pairs.tolist(), total.tolist(), strict=True)}
