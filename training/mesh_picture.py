# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of coloured meshes from a camera to the side of and above the photo's camera."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.arrays import Bytes, Floats
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.mesh.raster import Covered, cover

SIDEWAYS, RAISED = math.radians(14.0), math.radians(18.0)
BACKGROUND = 196
_SUPERSAMPLE = 2
_INSIDE = 0.99
"""Quantile of the vertices, on each side, that the view contains."""
_AMBIENT = 0.55
_NEAREST = 0.05
"""Near clipping distance in metres; triangles with a nearer corner are not drawn."""


@dataclass(frozen=True)
class View:
    """A camera at `eye`, float64 (3,), whose axes are the columns of `turn`, float64 (3, 3), in the photo's frame."""

    camera: Camera
    eye: NDArray[np.float64]
    turn: NDArray[np.float64]

    def points(self, vertices: Floats) -> Floats:
        """Returns points, float32 (n, 3), in the view's own frame."""
        return ((vertices.astype(np.float64) - self.eye) @ self.turn).astype(np.float32)


def raised_view(meshes: Sequence[Mesh], photo: Camera, size: tuple[int, int]) -> View:
    """Returns one view for several meshes of a photo, from the side and above, at the distance of the photo's camera.

    `size` is the picture's width and height in pixels; the meshes fill the picture.
    """
    vertices = np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float64)
    middle = np.median(vertices, axis=0)
    turn = _turn(SIDEWAYS, -RAISED)
    eye = middle - turn @ np.array([0.0, 0.0, np.linalg.norm(middle)])
    points = (vertices - eye) @ turn
    before = points[points[:, 2] > _NEAREST]
    low, high = np.quantile(before[:, :2] / before[:, 2:], [1.0 - _INSIDE, _INSIDE], axis=0)
    focal = float(min(np.array(size) / (high - low)))
    centre = 0.5 * np.array(size) - 0.5 * focal * (low + high)
    camera = dataclasses.replace(
        photo, width=size[0], height=size[1], fx=focal, fy=focal, cx=float(centre[0]), cy=float(centre[1])
    )
    return View(camera, eye, turn)


def picture(mesh: Mesh, view: View) -> Bytes:
    """Renders a mesh in its vertex colours, darker at grazing angles.

    Returns uint8 (height, width, 3).
    """
    rows, columns = _SUPERSAMPLE * view.camera.height, _SUPERSAMPLE * view.camera.width
    points = view.points(mesh.vertices)
    triangles = mesh.triangles[(points[mesh.triangles, 2] > _NEAREST).all(axis=1)]
    colors = mesh.colors.astype(np.float32)
    light = _light(points, triangles)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = _SUPERSAMPLE * view.camera.project(points).astype(np.float64)
        nearness = 1.0 / points[:, 2].astype(np.float64)
    nearest = np.zeros(rows * columns)
    shown = np.full((rows * columns, 3), BACKGROUND, np.float32)
    for part in cover(places, triangles, rows, columns):
        corners = triangles[part.triangle]
        found = np.einsum("ij,ij->i", part.weights, nearness[corners])
        np.maximum.at(nearest, part.cell, found)
        seen = Covered(*(values[found == nearest[part.cell]] for values in (part.cell, part.triangle, part.weights)))
        mixed = np.einsum("ij,ijk->ik", seen.weights.astype(np.float32), colors[triangles[seen.triangle]])
        shown[seen.cell] = mixed * light[seen.triangle, None]
    parts = shown.reshape(view.camera.height, _SUPERSAMPLE, view.camera.width, _SUPERSAMPLE, 3)
    return np.clip(np.rint(parts.mean(axis=(1, 3))), 0, 255).astype(np.uint8)


def _light(points: Floats, triangles: NDArray[np.int32]) -> Floats:
    """Returns the brightness of each triangle, float32 (m,), by its angle to the line of sight."""
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    normals = np.cross(second - first, third - first)
    lengths = np.linalg.norm(normals, axis=1) * np.linalg.norm(first, axis=1)
    facing = np.abs(np.einsum("ij,ij->i", normals, first)) / np.maximum(lengths, 1e-12)
    return (_AMBIENT + (1.0 - _AMBIENT) * facing).astype(np.float32)


def _turn(yaw: float, pitch: float) -> NDArray[np.float64]:
    c, s, d, t = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[1, 0, 0], [0, d, -t], [0, t, d]])
