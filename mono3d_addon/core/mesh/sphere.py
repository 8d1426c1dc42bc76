# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of a panorama: a grid around the camera, torn where the distance jumps, closed at its seam and its poles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats, Ints
from ..camera.camera import directions
from ..photo.resampling import centre_pixels
from .grid import torn_triangles
from .mesh import Mesh
from .normals import unit, vertex_normals


def build_sphere(
    distance: Floats,
    pixels: Bytes,
    tear: float,
    min_island: float = 0.0,
    valid: NDArray[np.bool_] | None = None,
) -> Mesh:
    """Returns the mesh of a map of distances, float32 (rows, columns) in metres, of all directions.

    A vertex for each cell, and two more rows and columns of them: both ends of the rows lie on the seam, where they
    share their places but not their texture coordinates, and all vertices of a pole lie at one place. `tear`,
    `min_island` and `valid` as in `grid.build_grid`; `pixels` is the panorama, uint8 (height, width, 3). Across the
    seam the mesh is torn like elsewhere.
    """
    padded = _padded(distance, tear)
    kept = None if valid is None else np.pad(valid, 1, mode="edge")
    rows, columns = padded.shape
    triangles = _without_degenerate(torn_triangles(padded, tear, min_island, kept), rows, columns)
    u, v = _places(columns), _places(rows)
    rays = directions((u[None, :] - 0.5) * 2.0 * math.pi, (v[:, None] - 0.5) * math.pi)
    vertices = (padded[..., None] * rays).astype(np.float32).reshape(-1, 3)
    normals = _closed(vertex_normals(vertices, triangles).reshape(rows, columns, 3)).reshape(-1, 3)
    uv = np.stack(np.broadcast_arrays(u[None, :], 1.0 - v[:, None]), axis=2).astype(np.float32).reshape(-1, 2)
    row, column = (np.pad(centre_pixels(pixels.shape[axis], distance.shape[axis]), 1, mode="edge") for axis in (0, 1))
    used = np.zeros(rows * columns, bool)
    used[triangles] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    return Mesh(
        vertices[used], number[triangles], uv[used], pixels[np.ix_(row, column)].reshape(-1, 3)[used], normals[used]
    )


def _places(count: int) -> NDArray[np.float64]:
    """Returns where rows or columns are, 0..1: the centres of all cells and both borders."""
    cell = np.arange(count - 2) + 0.5
    return np.concatenate([[0.0], cell / (count - 2), [1.0]])


def _padded(distance: Floats, tear: float) -> Floats:
    """Returns the distances with a row and a column more on each side, which are the poles and the seam."""
    inverse = 1.0 / distance.astype(np.float64)
    left, right = inverse[:, 0], inverse[:, -1]
    mean = 0.5 * (left + right)
    joined = (
        (np.maximum(left, right) <= np.minimum(left, right) * (1.0 + tear)) if tear > 0.0 else np.full(len(left), True)
    )
    inverse = np.column_stack([np.where(joined, mean, left), inverse, np.where(joined, mean, right)])
    poles = (np.full(inverse.shape[1], np.median(inverse[row])) for row in (0, -1))
    top, bottom = poles
    return np.asarray(1.0 / np.vstack([top, inverse, bottom]), np.float32)


def _without_degenerate(triangles: Ints, rows: int, columns: int) -> Ints:
    """Returns the triangles without those that have two corners at a pole."""
    row = triangles // columns
    at_pole = np.maximum((row == 0).sum(axis=1), (row == rows - 1).sum(axis=1))
    return triangles[at_pole < 2]


def _closed(normals: NDArray[np.float32]) -> Floats:
    """Returns the normals of the grid, the same at both ends of the seam and in all of a pole."""
    closed = normals.copy()
    closed[:, 0] = closed[:, -1] = normals[:, 0] + normals[:, -1]
    for row in (0, -1):
        closed[row] = normals[row].mean(axis=0)
    flat = closed.reshape(-1, 3)
    lost = ~(np.abs(flat).max(axis=1) > 1e-6)
    flat[lost] = normals.reshape(-1, 3)[lost]
    return unit(flat).reshape(normals.shape)
