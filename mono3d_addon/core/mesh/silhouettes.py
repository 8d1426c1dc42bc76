# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the vertices on both sides of a tear onto one smooth line, the photo's edge.

The two sides of a tear end at cells of the grid, so silhouettes are stairs. Around each of these vertices a straight
line is fitted to what belongs to its own side. In a Gaussian window the share of a half plane determines the distance
of its border from the centre, and its first moments the direction. Both sides find the same line, which closes
the gap between them. A vertex moves within the picture and stays on the plane of its own side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats, Ints, folded, marked, rows_where
from ..camera.camera import Camera
from ..photo.resampling import resize_to

_SIGMA, _REACH = 1.4, 3
"""Standard deviation and half width of the window in cells."""
_LEAST_SIDE = 3
"""Number of cells away from the tear from which the colour of a side is known."""
_COLOR_NOISE = 0.02
"""Squared colour distance (0..1) of the two sides at which colours and cells count equally."""
_INWARD, _OUTWARD = -0.4, 0.95
"""Range of the movement towards the other side, in cells."""
_LEAST_MOMENT = 0.5
"""Least length of the first moments, as a fraction of those of a half plane. Thin objects have less and stay."""
_LEAST_AREA = 0.1
"""Least area of a triangle after the movement, as a fraction of a grid's triangle."""
_HALVINGS = 3

Cells = NDArray[np.intp]


def smooth_silhouettes(
    points: Floats, normals: Floats, triangles: Ints, depth: Floats, camera: Camera, pixels: Bytes, tear: float
) -> Floats:
    """Returns `points`, float32 (rows * columns, 3), with those beside tears moved onto the tear's line.

    points, normals  of the grid over `depth`, float32 (rows, columns), metres along z
    triangles        int32 (m, 3), the torn grid
    pixels           the photo, uint8 (height, width, 3), sRGB
    tear             threshold of a tear, far / near - 1

    Points move less than a cell in the picture. No triangle turns over.
    """
    rims = _rims(depth, triangles, tear)
    if len(rims.cells) == 0:
        return points
    across, down = _offsets(rims, depth, resize_to(pixels, depth.shape[1], depth.shape[0]))
    across, down = _inside(rims.cells, across, down, depth.shape)
    across, down = _without_turned(rims.cells, across, down, triangles, depth.shape)
    return _moved(points, normals, rims.cells, across, down, depth.shape, camera, tear)


@dataclass(frozen=True)
class _Rims:
    """The cells beside tears: flat indices, intp (n,), and the cell on the other side with the largest difference."""

    cells: Cells
    partners: Cells


def _rims(depth: Floats, triangles: Ints, tear: float) -> _Rims:
    columns = depth.shape[1]
    is_used = marked(triangles, depth.size).reshape(depth.shape)
    inverse = np.where(is_used, 1 / depth, np.float32(1))
    best, partner = np.zeros(depth.size, np.float32), np.full(depth.size, -1, np.intp)
    number = np.arange(depth.size, dtype=np.intp).reshape(depth.shape)
    apart, is_apart = [], np.zeros(depth.size, bool)
    for step, one, other in (
        (1, np.s_[:, :-1], np.s_[:, 1:]),
        (columns, np.s_[:-1], np.s_[1:]),
        (columns + 1, np.s_[:-1, :-1], np.s_[1:, 1:]),
        (columns - 1, np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        high = np.maximum(inverse[one], inverse[other])
        low = np.minimum(inverse[one], inverse[other])
        torn = is_used[one] & is_used[other] & (high > low * np.float32(1 + tear))
        first = number[one][torn]
        apart.append((step, first))
        is_apart[first] = is_apart[first + step] = True
    near = rows_where(folded(np.logical_or, is_apart.take(triangles)), triangles)
    linked, flat = _linked(near, columns, depth.size), inverse.ravel()
    for step, all_first in apart:
        first = all_first[~linked[step][all_first]]
        ratio = np.maximum(flat[first], flat[first + step]) / np.minimum(flat[first], flat[first + step])
        for here, there in ((first, first + step), (first + step, first)):
            more = ratio > best[here]
            best[here[more]], partner[here[more]] = ratio[more], there[more]
    cells = _on_boundary(np.flatnonzero(partner >= 0), near, depth.size)
    return _Rims(cells, partner[cells])


def _on_boundary(cells: Cells, triangles: Ints, count: int) -> Cells:
    """Returns those of `cells` that are ends of an edge with one triangle. There are `count` points."""
    chosen = np.zeros(count, bool)
    chosen[cells] = True
    corners = chosen[triangles]
    edges = []
    for one, other in ((0, 1), (1, 2), (2, 0)):
        ends = triangles[corners[:, one] & corners[:, other]][:, (one, other)]
        edges.append(folded(np.minimum, ends).astype(np.int64) * count + folded(np.maximum, ends))
    keys, times = np.unique(np.concatenate(edges), return_counts=True)
    single = keys[times == 1]
    return np.unique(np.concatenate([single // count, single % count])).astype(np.intp)


def _linked(triangles: Ints, columns: int, count: int) -> dict[int, NDArray[np.bool_]]:
    """Returns for each step between neighbours the cells, bool (count,), that a triangle connects to the next one."""
    linked = {step: np.zeros(count, bool) for step in (1, columns, columns + 1, columns - 1)}
    for one, other in ((0, 1), (1, 2), (2, 0)):
        first = np.minimum(triangles[:, one], triangles[:, other])
        apart = np.abs(triangles[:, one] - triangles[:, other])
        for step, cells in linked.items():
            cells[first[apart == step]] = True
    return linked


def _offsets(rims: _Rims, depth: Floats, guide: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Returns how far each rim cell moves to the right and down, float32 (n,) each, in cells."""
    rows, columns = depth.shape
    level = np.log(np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(1e9))).ravel()
    middle = (level[rims.cells] + level[rims.partners]) / 2
    own = np.where(level[rims.cells] > middle, np.float32(1), np.float32(-1))
    is_rim = np.zeros(depth.size, bool)
    is_rim[rims.cells] = True
    row, column = np.divmod(rims.cells, columns)
    window = _window()
    places = [
        np.clip(row + up, 0, rows - 1) * columns + np.clip(column + right, 0, columns - 1) for up, right, _ in window
    ]
    sides = [np.where((level[place] - middle) * own > 0, np.float32(1), np.float32(-1)) for place in places]
    soft = _soft_sides(places, sides, is_rim, guide.reshape(-1, 3))
    total, right_moment, down_moment = (np.zeros(len(rims.cells), np.float32) for _ in range(3))
    for (up, right, weight), side in zip(window, soft, strict=True):
        part = weight * side
        total += part
        right_moment -= part * np.float32(right)
        down_moment -= part * np.float32(up)
    distances, shares, moments = _half_plane()
    distance = np.interp(total, shares, distances).astype(np.float32)
    length = np.hypot(right_moment, down_moment)
    is_line = length > _LEAST_MOMENT * np.interp(distance, distances, moments)
    step = np.where(is_line, np.clip(distance, _INWARD, _OUTWARD), 0) / np.maximum(length, 1e-6)
    return (right_moment * step).astype(np.float32), (down_moment * step).astype(np.float32)


def _soft_sides(
    places: list[Cells], sides: list[Floats], is_rim: NDArray[np.bool_], colors: NDArray[np.float32]
) -> list[Floats]:
    """Returns for each cell of the window how far it is on the own side, float32 (n,), -1..1.

    Away from the tear it is `sides`, 1 or -1. Beside it the photo has mixed pixels, whose share is used as far as the
    colours of both sides differ.
    """
    sums, counts = np.zeros((2, len(sides[0]), 3), np.float32), np.zeros((2, len(sides[0])), np.float32)
    for place, side in zip(places, sides, strict=True):
        inner = ~is_rim[place]
        for number, sign in enumerate((1, -1)):
            weight = (inner & (side == sign)).astype(np.float32)
            sums[number] += colors[place] * weight[:, None]
            counts[number] += weight
    own, other = sums / np.maximum(counts, 1)[..., None]
    axis = own - other
    square = np.einsum("ij,ij->i", axis, axis)
    trust = np.where((counts >= _LEAST_SIDE).all(axis=0), square / (square + np.float32(_COLOR_NOISE)), np.float32(0))
    axis *= (2 / np.maximum(square, np.float32(1e-9)))[:, None]
    result = []
    for place, side in zip(places, sides, strict=True):
        share = np.clip(np.einsum("ij,ij->i", colors[place] - other, axis) - 1, -1, 1)
        weight = np.where(is_rim[place], trust, np.float32(0))
        result.append(side + weight * (share - side))
    return result


def _window() -> list[tuple[int, int, np.float32]]:
    """Returns offsets down and right, and weights that add up to 1, of the cells of the window."""
    reach = range(-_REACH, _REACH + 1)
    found = [
        (up, right, math.exp(-(up * up + right * right) / (2 * _SIGMA**2)))
        for up in reach
        for right in reach
        if up * up + right * right <= (_REACH + 0.5) ** 2
    ]
    total = sum(weight for _, _, weight in found)
    return [(up, right, np.float32(weight / total)) for up, right, weight in found]


def _half_plane() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns distances of a border from the window's centre, and the sum and first moment of its half plane there."""
    distances = np.linspace(-2.5, 2.5, 51)
    shares, moments = np.zeros(51), np.zeros(51)
    for _, right, weight in _window():
        side = np.clip(2 * (distances - right), -1, 1)
        shares += weight * side
        moments -= weight * side * right
    return distances, shares, moments


def _inside(cells: Cells, across: Floats, down: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Returns the movements, such that the grid's outermost rows and columns bound all points."""
    row, column = np.divmod(cells, shape[1])
    across = np.where((column == 0) | (column == shape[1] - 1), np.float32(0), across)
    down = np.where((row == 0) | (row == shape[0] - 1), np.float32(0), down)
    return across, down


def _without_turned(
    cells: Cells, across: Floats, down: Floats, triangles: Ints, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Returns the movements, reduced where a triangle would turn over or nearly so."""
    columns = shape[1]
    number = np.full(shape[0] * columns, -1, np.intp)
    number[cells] = np.arange(len(cells))
    is_moved = number >= 0
    near = triangles[folded(np.logical_or, is_moved.take(triangles))].astype(np.intp)
    corners = number[near]
    across, down = np.append(across, np.float32(0)), np.append(down, np.float32(0))
    attempt = 0
    while True:
        x, y = near % columns + across[corners], near // columns + down[corners]
        area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
        # Counter-clockwise seen from the camera is clockwise with rows counted downwards.
        turned = np.unique(corners[-area < _LEAST_AREA])
        turned = turned[turned >= 0]
        if len(turned) == 0:
            return across[:-1], down[:-1]
        # Unmoved triangles are not turned, so this ends.
        factor = np.float32(0.5 if attempt < _HALVINGS else 0)
        across[turned] *= factor
        down[turned] *= factor
        attempt += 1


def _moved(
    points: Floats,
    normals: Floats,
    cells: Cells,
    across: Floats,
    down: Floats,
    shape: tuple[int, ...],
    camera: Camera,
    tear: float,
) -> Floats:
    """Returns the points with those at `cells` moved by `across` and `down` cells on the planes of their normals."""
    rows, columns = shape
    old, normal = points[cells].astype(np.float64), normals[cells].astype(np.float64)
    ray = old / old[:, 2:]
    new = ray.copy()
    new[:, 0] += across * (camera.width / columns / camera.fx)
    new[:, 1] += down * (camera.height / rows / camera.fy)
    along, beside = np.einsum("ij,ij->i", normal, ray), np.einsum("ij,ij->i", normal, new)
    farther = np.clip(along / np.where(np.abs(beside) > 1e-9, beside, -1e-9), 1 / (1 + tear), 1 + tear)
    result = points.copy()
    result[cells] = new * (old[:, 2] * farther)[:, None]
    return result
