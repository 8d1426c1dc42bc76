# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera sees that has moved around the middle of the scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.mesh import Mesh

SAMPLES = 2
_EDGE = 3


def covered_share(meshes: Sequence[Mesh], camera: Camera, wall: float, right: float, up: float) -> float:
    """Returns the share, 0..1, of the rays that hit a mesh, of a camera that has moved by `right` and `up` degrees.

    The rays are those through the part of a wall at that many metres that the photo's frame bounds, but for a margin
    of a few cells. The camera turns about the wall's middle.
    """
    turn, tilt = np.radians([right, up])
    across = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    rotation = across @ np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    eye = np.array([0, 0, wall]) - rotation @ np.array([0, 0, wall])
    x = (np.arange(_EDGE * SAMPLES, (camera.width - _EDGE) * SAMPLES) + 0.37) / SAMPLES
    y = (np.arange(_EDGE * SAMPLES, (camera.height - _EDGE) * SAMPLES) + 0.41) / SAMPLES
    # A picture from the moved camera whose pixels lie evenly on the wall: a projection through the eye onto it.
    hit = np.zeros((len(y), len(x)), bool)
    for mesh in meshes:
        points = mesh.vertices.astype(float)
        share = (wall - eye[2]) / (points[:, 2] - eye[2])
        on_wall = eye + (points - eye) * share[:, None]
        column = on_wall[:, 0] / wall * camera.fx + camera.cx
        row = on_wall[:, 1] / wall * camera.fy + camera.cy
        _mark(hit, column, row, mesh.triangles, x, y)
    return float(hit.mean())


def _mark(
    hit: np.ndarray, column: np.ndarray, row: np.ndarray, triangles: np.ndarray, x: np.ndarray, y: np.ndarray
) -> None:
    """Marks the samples, at columns x and rows y, that lie in a triangle."""
    u, v = column[triangles], row[triangles]
    left, right = np.searchsorted(x, u.min(axis=1)), np.searchsorted(x, u.max(axis=1))
    top, bottom = np.searchsorted(y, v.min(axis=1)), np.searchsorted(y, v.max(axis=1))
    extents = np.stack([bottom - top, right - left], axis=1)
    for high, wide in np.unique(extents, axis=0):
        these = np.flatnonzero((extents == (high, wide)).all(axis=1))
        if not high * wide:
            continue
        down, across = np.mgrid[:high, :wide].reshape(2, -1)
        lines, places = top[these, None] + down, left[these, None] + across
        p, q, ends, heights = x[places], y[lines], u[these], v[these]
        sides = [
            (ends[:, k - 1] - ends[:, k])[:, None] * (q - heights[:, k, None])
            - (heights[:, k - 1] - heights[:, k])[:, None] * (p - ends[:, k, None])
            for k in range(3)
        ]
        inside = (np.min(sides, axis=0) >= -1e-9) | (np.max(sides, axis=0) <= 1e-9)
        hit[lines[inside], places[inside]] = True
