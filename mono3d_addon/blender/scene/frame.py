# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts between the core camera frame and Blender's: the one place where axes are swapped."""

from __future__ import annotations

import math

import numpy as np

from ...core.arrays import Floats
from ...core.camera.camera import Camera

CAMERA_ROTATION = (0.5 * math.pi, 0.0, 0.0)
"""Euler angles in radians (XYZ) of a Blender camera at the origin that looks along +Y with +Z up."""


def to_blender(vectors: Floats) -> Floats:
    """Returns points or directions in Blender's frame, float32 (n, 3) in the unit of `vectors`, float32 (n, 3).

    Core: x right, y down, z forward (OpenCV). Blender: x right, y forward, z up, so (x, y, z) -> (x, z, -y):
    a rotation, which preserves lengths and the winding order of triangles.
    """
    turned = np.empty(vectors.shape, dtype=np.float32)
    turned[:, 0] = vectors[:, 0]
    turned[:, 1] = vectors[:, 2]
    np.negative(vectors[:, 1], out=turned[:, 2])
    return turned


def to_core(place: tuple[float, float, float]) -> tuple[float, float, float]:
    """Returns one point of Blender's frame in the core camera frame."""
    x, y, z = place
    return x, -z, y


def pose(camera: Camera) -> list[list[float]]:
    """Returns the 4x4 matrix, rows first, from the photo's own frame to the scene, both in Blender's axes.

    In the photo's own frame the camera is at the origin, looking along +Y; the matrix applies its pitch, roll and
    elevation above the ground (see `core.camera.camera.Camera`).
    """
    axes = to_blender(np.eye(3, dtype=np.float32)).astype(np.float64)
    matrix = np.eye(4)
    if camera.has_pose:
        matrix[:3, :3] = axes.T @ camera.rotation @ axes
        matrix[:3, 3] = to_blender(camera.to_scene(np.zeros((1, 3), np.float32)))[0]
    return matrix.tolist()
