# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of the background fill: a quadtree of squares, large where the sheet is flat and whole.

Squares of different sizes meet without gaps: each has all points along its sides that a neighbour uses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats, Ints, marked, rows_where
from ..camera.camera import Camera
from .mesh import Mesh
from .normals import vertex_normals

_SIDES = (16, 8, 4, 2, 1)
"""Sides of the squares in cells."""
_ERROR = np.float32(2e-3)
"""Largest deviation of the sheet from the plane through a square's corners, relative."""

Bools = NDArray[np.bool_]


def sheet_mesh(inverse: Floats, is_there: Bools, camera: Camera, texture: Bytes) -> Mesh | None:
    """Returns the mesh of a sheet with this inverse depth, float32 (rows, columns), 1 / m, where it `is_there`.

    Its colours are those of `texture`, uint8 (rows, columns, 3). None without a triangle.
    """
    cells = is_there[:-1, :-1] & is_there[:-1, 1:] & is_there[1:, :-1] & is_there[1:, 1:]
    if not cells.any():
        return None
    triangles = quadtree(inverse, cells)
    used = marked(triangles, inverse.size)
    number = np.cumsum(used, dtype=np.int32) - 1
    depth = np.where(is_there, 1 / inverse, np.float32(1)).astype(np.float32)
    vertices = rows_where(used, camera.back_project(depth))
    triangles = number[triangles]
    colors = rows_where(used, texture.reshape(-1, 3))
    return Mesh(vertices, triangles, camera.uv(vertices), colors, vertex_normals(vertices, triangles))


def quadtree(inverse: Floats, cells: Bools) -> Ints:
    """Returns the triangles, int32 (m, 3), that cover `cells`, bool (rows - 1, columns - 1), exactly once.

    They index the points of `inverse`, float32 (rows, columns), and are counter-clockwise seen from the camera.
    """
    rows, columns = inverse.shape
    left = cells.copy()
    is_corner = np.zeros((rows, columns), bool)
    squares: list[tuple[int, NDArray[np.intp], NDArray[np.intp]]] = []
    for side in _SIDES:
        high, wide = (rows - 1) // side, (columns - 1) // side
        part = left[: high * side, : wide * side].reshape(high, side, wide, side)
        found: Bools = np.asarray(part.all(axis=(1, 3)))
        if side > 1:
            found &= _is_flat(inverse[: high * side + 1, : wide * side + 1], side)
        part &= ~found[:, None, :, None]
        row, column = np.nonzero(found)
        row, column = row * side, column * side
        for down in (0, side):
            for right in (0, side):
                is_corner[row + down, column + right] = True
        squares.append((side, row, column))
    corner = is_corner.reshape(-1)
    return np.concatenate([_fans(side, row * columns + column, corner, columns) for side, row, column in squares])


def _is_flat(inverse: Floats, side: int) -> Bools:
    """Returns which squares of `side` lie on the plane through their corners, as far as their midpoints tell."""
    half = side // 2
    a, b = inverse[:-1:side, :-1:side], inverse[:-1:side, side::side]
    c, d = inverse[side::side, :-1:side], inverse[side::side, side::side]
    limit = _ERROR * np.minimum(np.minimum(a, b), np.minimum(c, d))
    flat = np.abs(a + d - b - c) <= limit
    middles = (
        (a + b, inverse[:-1:side, half::side]),
        (c + d, inverse[side::side, half::side]),
        (a + c, inverse[half::side, :-1:side]),
        (b + d, inverse[half::side, side::side]),
        (a + d, inverse[half::side, half::side]),
    )
    for ends, middle in middles:
        flat &= np.abs(ends * np.float32(0.5) - middle) <= limit
    return flat


def _fans(side: int, first: NDArray[np.intp], is_corner: Bools, columns: int) -> Ints:
    """Returns the triangles of the squares whose upper left points are `first`, intp (n,)."""
    below, right = side * columns, side
    a, b, c, d = first, first + right, first + below, first + below + right
    between = np.zeros(len(first), bool)
    for step in range(1, side):
        for start, offset in ((a, columns), (a, 1), (b, columns), (c, 1)):
            between |= is_corner[start + step * offset]
    whole = ~between
    parts = [np.stack([a, c, d], axis=1)[whole], np.stack([a, d, b], axis=1)[whole]]
    centre = first + (side // 2) * (columns + 1)
    # Around the square, counter-clockwise seen from the camera.
    for start, offset in ((a, columns), (c, 1), (d, -columns), (b, -1)):
        last = start
        for step in range(1, side + 1):
            there = start + step * offset
            take = between & is_corner[there]
            parts.append(np.stack([centre, last, there], axis=1)[take])
            last = np.where(take, there, last)
    return np.concatenate(parts).astype(np.int32)
