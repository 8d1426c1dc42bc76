# SPDX-License-Identifier: GPL-3.0-or-later
"""Which triangles of a mesh cross each other: a bounding-volume tree finds candidates, exact fractions decide."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDING = 1e-12
"""Volumes below this share of the largest possible one are zero to rounding."""


def crossing_pairs(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> list[tuple[int, int]]:
    """Returns the pairs of triangles (n, 3) without a common corner, not in one plane, that have a point in common."""
    corners = vertices.astype(np.float64)[triangles]
    pairs = overlapping_boxes(corners.min(axis=1), corners.max(axis=1))
    shares = (triangles[pairs[:, 0]][:, :, None] == triangles[pairs[:, 1]][:, None, :]).any(axis=(1, 2))
    pairs = pairs[~shares]
    suspects = np.zeros(len(pairs), bool)
    for one, other in (pairs.T, pairs.T[::-1]):
        for start, end in combinations(range(3), 2):
            suspects |= _may_pierce(corners[one, start], corners[one, end], corners[other])
    return [(int(one), int(other)) for one, other in pairs[suspects] if cross(corners[one], corners[other])]


def overlapping_boxes(low: Floats, high: Floats) -> Ints:
    """Returns the pairs (m, 2) of boxes, given by their corners (n, 3), that overlap, each pair once."""
    order = np.argsort(_along_a_curve((low + high) / 2), kind="stable")
    size = 1 << max(0, (len(low) - 1).bit_length())
    levels = []
    for values, padding, join in ((low, np.inf, np.minimum), (high, -np.inf, np.maximum)):
        level = np.full((size, 3), padding)
        level[: len(order)] = values[order]
        levels.append([level])
        while len(level) > 1:
            level = join(level[::2], level[1::2])
            levels[-1].append(level)
    pairs = np.zeros((1, 2), np.int64)
    for lows, highs in list(zip(*levels, strict=True))[-2::-1]:
        same = pairs[pairs[:, 0] == pairs[:, 1]] * 2
        apart = pairs[pairs[:, 0] != pairs[:, 1]] * 2
        steps = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
        pairs = np.concatenate([*(same + step for step in steps[:3]), *(apart + step for step in steps)])
        one, other = pairs.T
        pairs = pairs[((lows[one] <= highs[other]) & (lows[other] <= highs[one])).all(axis=1)]
    return np.asarray(order[pairs[pairs[:, 0] != pairs[:, 1]]], np.int64)


def _along_a_curve(points: Floats) -> Ints:
    """Returns places on a Z-order curve, on which neighbours in space are mostly neighbours."""
    span = np.maximum(np.ptp(points, axis=0), 1e-30)
    cells = ((points - points.min(axis=0)) / span * 1023).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(10):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code


def _may_pierce(start: Floats, end: Floats, triangles: Floats) -> NDArray[np.bool_]:
    """Returns where a segment passes through its triangle, by more than rounding."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    size = np.abs(np.concatenate([triangles - start[:, None], (end - start)[:, None]], axis=1)).max(axis=(1, 2))
    zero = ROUNDING * size**3
    above, below = _volumes(a, b, c, start), _volumes(a, b, c, end)
    around = np.stack([_volumes(start, end, *side) for side in ((a, b), (b, c), (c, a))])
    is_inside = (around >= -zero).all(axis=0) | (around <= zero).all(axis=0)
    return is_inside & (np.abs(above) > zero) & (np.abs(below) > zero) & (above * below < 0)


def _volumes(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    return np.asarray((np.cross(b - a, c - a) * (d - a)).sum(axis=1), np.float64)


def cross(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    """Returns exactly whether two triangles without common corners, not in one plane, have a point in common."""
    first, second = ([tuple(map(Fraction, map(float, corner))) for corner in part] for part in (one, other))
    return any(
        _pierces(start, end, triangle)
        for edges, triangle in ((first, second), (second, first))
        for start, end in combinations(edges, 2)
    )


def _pierces(start: Any, end: Any, triangle: Any) -> bool:
    a, b, c = triangle
    one, other = _volume(a, b, c, start), _volume(a, b, c, end)
    if one * other > 0 or one == other == 0:
        return False
    around = [_volume(start, end, *side) for side in ((a, b), (b, c), (c, a))]
    return all(turn >= 0 for turn in around) or all(turn <= 0 for turn in around)


def _volume(a: Any, b: Any, c: Any, d: Any) -> Fraction:
    (px, py, pz), (qx, qy, qz), (rx, ry, rz) = (
        tuple(end - start for start, end in zip(a, corner, strict=True)) for corner in (b, c, d)
    )
    result: Fraction = px * (qy * rz - qz * ry) - py * (qx * rz - qz * rx) + pz * (qx * ry - qy * rx)
    return result
