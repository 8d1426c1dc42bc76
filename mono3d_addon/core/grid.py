# SPDX-License-Identifier: GPL-3.0-or-later
"""The grid mesh: one vertex a cell of the depth map, torn where the depth jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .islands import drop_islands
from .mesh import Bytes, Floats, Ints, Mesh
from .normals import grid_normals
from .photo import cells


@dataclass(frozen=True)
class Grid:
    """All points of a depth map with what connects them; the point cloud and the grid mesh are made from it.

    points     float32 (rows * columns, 3), camera frame, metres
    normals    float32 (rows * columns, 3), towards the camera
    colors     uint8 (rows * columns, 3), sRGB, the photo's pixel under each point
    triangles  int32 (m, 3), counter-clockwise seen from the camera, torn and without islands
    """

    points: Floats
    normals: Floats
    colors: Bytes
    triangles: Ints

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Which points, bool (rows * columns,), belong to a triangle."""
        used = np.zeros(len(self.points), dtype=bool)
        used[self.triangles] = True
        return used

    def mesh(self, camera: Camera) -> Mesh:
        """Returns the mesh of the points that belong to triangles."""
        used = self.connected
        number = np.cumsum(used, dtype=np.int32) - 1
        vertices = self.points[used]
        return Mesh(vertices, number[self.triangles], camera.uv(vertices), self.colors[used], self.normals[used])


def build_grid(
    depth: Floats,
    camera: Camera,
    pixels: Bytes,
    tear: float,
    min_island: float = 0.0,
    valid: NDArray[np.bool_] | None = None,
) -> Grid:
    """Returns the grid over a depth map, float32 (rows, columns) in metres.

    `pixels` is the photo, uint8 (height, width, 3). `tear` is the relative jump of depth that cuts, 0 for none;
    pieces with less than `min_island` (share, 0..1) of the triangles are dropped; cells that are not `valid`,
    bool (rows, columns), take no part.
    """
    rows, columns = depth.shape
    triangles = _triangles(depth, tear, valid)
    if min_island > 0.0:
        triangles = drop_islands(triangles, rows, columns, min_island)
    under = np.ix_(cells(pixels.shape[0], rows), cells(pixels.shape[1], columns))
    colors = pixels[under].reshape(-1, 3)
    return Grid(camera.back_project(depth), grid_normals(depth, camera, tear).reshape(-1, 3), colors, triangles)


def _triangles(depth: Floats, tear: float, valid: NDArray[np.bool_] | None) -> Ints:
    """Returns two triangles for every four neighbours, cut along the diagonal with the smaller jump of disparity."""
    rows, columns = depth.shape
    if rows < 2 or columns < 2:
        return np.empty((0, 3), dtype=np.int32)
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    inverse = 1.0 / depth
    corner = {
        "a": (slice(None, -1), slice(None, -1)),
        "b": (slice(None, -1), slice(1, None)),
        "c": (slice(1, None), slice(None, -1)),
        "d": (slice(1, None), slice(1, None)),
    }
    a, b, c, d = (inverse[where] for where in corner.values())
    falling = np.abs(a - d) <= np.abs(b - c)
    usable = np.isfinite(depth) if valid is None else np.isfinite(depth) & valid
    kept = []
    for wanted, halves in ((falling, ("acd", "adb")), (~falling, ("acb", "bcd"))):
        for half in halves:
            keep = wanted.copy()
            for name in half:
                keep &= usable[corner[name]]
            if tear > 0.0:
                keep &= _is_whole([inverse[corner[name]] for name in half], tear)
            kept.append(np.stack([number[corner[name]][keep] for name in half], axis=1))
    return np.concatenate(kept)


def _is_whole(inverse_depths: list[Floats], tear: float) -> NDArray[np.bool_]:
    """Tells which triangles stay: the ratio of farthest to nearest corner is at most 1 + tear, at any scale."""
    first, second, third = inverse_depths
    nearest = np.maximum(np.maximum(first, second), third)
    farthest = np.minimum(np.minimum(first, second), third)
    whole: NDArray[np.bool_] = nearest <= farthest * np.float32(1.0 + tear)
    return whole
