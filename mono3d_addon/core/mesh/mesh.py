# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes and point clouds as arrays, in the camera frame: x right, y down, z forward, metres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..arrays import Bytes, Floats, Ints

BACKGROUND_TEXTURE = "behind"
"""Name, without its suffix, of the file with the texture of the background (see `background_fill`)."""


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh, coloured and textured per vertex.

    vertices   float32 (n, 3), metres, camera frame (x right, y down, z forward)
    triangles  int32 (m, 3), counter-clockwise seen from the camera
    uv         float32 (n, 2), 0..1 across the photo, origin at its lower left corner
    colors     uint8 (n, 3), sRGB
    normals    float32 (n, 3), unit length, towards the camera
    quads      int32 (k, 4), quad faces; their halves are the first 2 k triangles. For formats that support quads
    """

    vertices: Floats
    triangles: Ints
    uv: Floats
    colors: Bytes
    normals: Floats
    quads: Ints = field(default_factory=lambda: np.empty((0, 4), np.int32))

    @property
    def loose_triangles(self) -> Ints:
        """The triangles, int32 (m - 2 k, 3), that are not half of a quad."""
        return self.triangles[2 * len(self.quads) :]


def empty_mesh() -> Mesh:
    """Returns a mesh of nothing."""
    none = np.empty((0, 3), np.float32)
    return Mesh(none, none.astype(np.int32), none[:, :2], none.astype(np.uint8), none)


def joined(first: Mesh, second: Mesh) -> Mesh:
    """Returns both meshes as one, the second after the first. The second must not have quads."""
    triangles = np.concatenate([first.triangles, second.triangles + np.int32(len(first.vertices))])
    return Mesh(
        np.concatenate([first.vertices, second.vertices]),
        triangles,
        np.concatenate([first.uv, second.uv]),
        np.concatenate([first.colors, second.colors]),
        np.concatenate([first.normals, second.normals]),
        first.quads,
    )


@dataclass(frozen=True)
class PointCloud:
    """Coloured points with normals: `points` and `normals` float32 (n, 3), `colors` uint8 (n, 3) sRGB.

    Metres, camera frame (x right, y down, z forward); normals point towards the camera.
    """

    points: Floats
    normals: Floats
    colors: Bytes
