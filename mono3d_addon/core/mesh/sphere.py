# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of a panorama: a grid around the camera, torn at depth discontinuities, closed at its seam and poles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats, Ints, marked, rows_where
from ..camera.camera import directions
from ..camera.sphere_part import WHOLE_SPHERE, SpherePart
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
    part: SpherePart = WHOLE_SPHERE,
) -> Mesh:
    """Returns the mesh of an equirectangular distance map, float32 (rows, columns), metres.

    pixels                   the panorama, uint8 (height, width, 3), sRGB
    tear, min_island, valid  as in `grid.build_grid`
    part                     the part of the sphere that the map covers

    There is one vertex per cell and one more row or column on each side. In a full turn the first and the last column
    are the seam, with equal positions but different texture coordinates; all vertices of a row at a pole have one
    position. The other borders are open. The mesh is torn across the seam as elsewhere.
    """
    padded = _padded(distance, tear, part)
    kept = None if valid is None else np.pad(valid, 1, mode="edge")
    rows, columns = padded.shape
    triangles = _without_degenerate(torn_triangles(padded, tear, min_island, kept), rows, columns, part)
    u, v = _coordinates(columns), _coordinates(rows)
    longitude = (u[None, :] - 0.5) * part.width + 0.5 * (part.longitude_from + part.longitude_to)
    latitude = (v[:, None] - 0.5) * part.height + 0.5 * (part.latitude_from + part.latitude_to)
    rays = directions(longitude, latitude)
    vertices = (padded[..., None] * rays).astype(np.float32).reshape(-1, 3)
    of_grid = vertex_normals(vertices, triangles).reshape(rows, columns, 3)
    normals = _merged_normals(of_grid, part).reshape(-1, 3)
    uv = np.stack(np.broadcast_arrays(u[None, :], 1.0 - v[:, None]), axis=2).astype(np.float32).reshape(-1, 2)
    row, column = (np.pad(centre_pixels(pixels.shape[axis], distance.shape[axis]), 1, mode="edge") for axis in (0, 1))
    used = marked(triangles, rows * columns)
    number = np.cumsum(used, dtype=np.int32) - 1
    colors = pixels[np.ix_(row, column)].reshape(-1, 3)
    return Mesh(
        rows_where(used, vertices),
        number[triangles],
        rows_where(used, uv),
        rows_where(used, colors),
        rows_where(used, normals),
    )


def _coordinates(count: int) -> NDArray[np.float64]:
    """Returns the coordinates of rows or columns, 0..1, float64 (count,): both borders and the cell centres."""
    cell = np.arange(count - 2) + 0.5
    return np.concatenate([[0.0], cell / (count - 2), [1.0]])


def _padded(distance: Floats, tear: float, part: SpherePart) -> Floats:
    """Returns the distances with a row and a column added on each side: the poles and the seam, or open borders."""
    inverse = 1.0 / distance.astype(np.float64)
    left, right = inverse[:, 0], inverse[:, -1]
    mean = 0.5 * (left + right)
    joined = (
        (np.maximum(left, right) <= np.minimum(left, right) * (1.0 + tear)) if tear > 0.0 else np.full(len(left), True)
    )
    joined &= part.is_closed
    inverse = np.column_stack([np.where(joined, mean, left), inverse, np.where(joined, mean, right)])
    top, bottom = (
        np.full(inverse.shape[1], np.median(inverse[row])) if is_pole else inverse[row]
        for row, is_pole in ((0, part.has_top), (-1, part.has_bottom))
    )
    return np.asarray(1.0 / np.vstack([top, inverse, bottom]), np.float32)


def _without_degenerate(triangles: Ints, rows: int, columns: int, part: SpherePart) -> Ints:
    """Returns the triangles without the degenerate ones that have two corners at a pole."""
    row = triangles // columns
    at_pole = np.maximum(part.has_top * (row == 0).sum(axis=1), part.has_bottom * (row == rows - 1).sum(axis=1))
    return triangles[at_pole < 2]


def _merged_normals(normals: NDArray[np.float32], part: SpherePart) -> Floats:
    """Returns the normals of the grid, made equal on both sides of the seam and at all vertices of a pole."""
    closed = normals.copy()
    if part.is_closed:
        closed[:, 0] = closed[:, -1] = normals[:, 0] + normals[:, -1]
    for row, is_pole in ((0, part.has_top), (-1, part.has_bottom)):
        if is_pole:
            closed[row] = normals[row].mean(axis=0)
    flat = closed.reshape(-1, 3)
    lost = ~(np.abs(flat).max(axis=1) > 1e-6)
    flat[lost] = normals.reshape(-1, 3)[lost]
    return unit(flat).reshape(normals.shape)
