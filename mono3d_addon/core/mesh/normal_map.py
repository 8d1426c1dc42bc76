# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes the relief of the full depth map into a normal map for a mesh with fewer triangles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from ..camera.camera import Camera
from ..photo.png_writer import encoded
from .grid import Grid
from .mesh import Mesh
from .raster import cover

NAME = "normal_map.png"
_EFFORT = 3

_FLAT = (128, 128, 255)


def write_normal_map(normals: Bytes, folder: Path) -> Path:
    """Writes a normal map, uint8 (rows, columns, 3), into `folder` as PNG and returns its path."""
    path = folder / NAME
    path.write_bytes(encoded(normals, _EFFORT))
    return path


def normal_map(mesh: Mesh, grid: Grid, shape: tuple[int, ...], camera: Camera) -> Bytes:
    """Returns the normals of `grid` in the tangent space of `mesh`, uint8 (rows, columns, 3), over the whole photo.

    mesh   the surface that the map is for, before it is closed to a solid
    grid   points and normals of the depth map
    shape  (rows, columns) of depth map and normal map

    The convention is that of glTF 2.0 and Blender (OpenGL): red is right, green is up in the picture, blue points out
    of the surface, 0..255 for -1..1. The tangent frames are those of `tangents`, interpolated over each triangle as in
    renderers. The map is flat where mesh or grid have no surface.
    """
    rows, columns = shape
    result = np.full((rows * columns, 3), _FLAT, np.uint8)
    known = grid.connected
    across = tangents(mesh)[:, :3]
    places = camera.project(mesh.vertices).astype(np.float64) * (columns / camera.width, rows / camera.height)
    inverse = 1.0 / mesh.vertices[:, 2].astype(np.float64)
    for part in cover(places, mesh.triangles, rows, columns):
        corners = mesh.triangles[part.triangle]
        # Perspective-correct interpolation.
        weights = part.weights * inverse[corners]
        weights /= weights.sum(axis=1, keepdims=True)
        out, right = (_unit(np.einsum("ij,ijk->ik", weights, values[corners])) for values in (mesh.normals, across))
        up = np.cross(out, right)
        wanted = grid.normals[part.cell].astype(np.float64)
        values = np.stack([np.einsum("ij,ij->i", axis, wanted) for axis in (right, up, out)], axis=1)
        values[:, 2] = np.maximum(values[:, 2], 0.0)
        encoded = np.rint(_unit(values) * 127.5 + 127.5).astype(np.uint8)
        shown = known[part.cell]
        result[part.cell[shown]] = encoded[shown]
    return result.reshape(rows, columns, 3)


def tangents(mesh: Mesh) -> Floats:
    """Returns the tangent of each vertex, float32 (n, 4): the direction of increasing u, and a handedness of 1.

    Follows MikkTSpace (Mikkelsen 2008), the standard of Blender and glTF: the u directions of the adjacent triangles,
    projected onto the plane perpendicular to the vertex normal and averaged with weights by angle.
    `cross(normal, tangent)` is the direction of increasing v, upwards in the picture.
    """
    triangles = np.asarray(mesh.triangles)
    vertices, uv = mesh.vertices.astype(np.float64), mesh.uv.astype(np.float64)
    normals = mesh.normals.astype(np.float64)
    corner = [triangles[:, index] for index in range(3)]
    first, second = (vertices[corner[index]] - vertices[corner[0]] for index in (1, 2))
    one, other = (uv[corner[index]] - uv[corner[0]] for index in (1, 2))
    area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    along = first * other[:, 1:] - second * one[:, 1:]
    # Triangles along viewing rays have no area in the picture and no u direction.
    along *= np.where(np.abs(area) > 1e-14, np.sign(area), 0.0)[:, None]
    total = np.zeros_like(vertices)
    for index in range(3):
        here, after, before = (corner[(index + step) % 3] for step in range(3))
        legs = (_unit(vertices[end] - vertices[here]) for end in (after, before))
        angle = np.arccos(np.clip(np.einsum("ij,ij->i", *legs), -1.0, 1.0))
        normal = normals[here]
        laid = _unit(along - normal * np.einsum("ij,ij->i", normal, along)[:, None]) * angle[:, None]
        for axis in range(3):
            total[:, axis] += np.bincount(here, laid[:, axis], len(vertices))
    result = np.ones((len(vertices), 4), np.float32)
    result[:, :3] = _unit(
        np.where(np.abs(total).max(axis=1, keepdims=True, initial=0) > 0, total, _any_perpendicular(normals))
    )
    return result


def _any_perpendicular(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a vector perpendicular to each normal, to the right if possible."""
    across = np.array([1.0, 0.0, 0.0]) - normals * normals[:, :1]
    return np.where(np.abs(normals[:, :1]) < 0.999, across, (0.0, 0.0, 1.0))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.maximum(length, 1e-300)[:, None]
