# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of a tiled room, whose edges run in three directions at right angles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.arrays import Bytes
from mono3d_addon.core.camera.camera import Camera
from tests.core.ray_caster import Array, Item, Paint, Plane, render

SIZE = (320, 240)


def turned(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Returns the directions of a room in the camera frame, rows: right, down, ahead, for angles in degrees."""
    a, b, c = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return np.asarray((about_z @ about_x @ about_y).T)


def room(axes: NDArray[np.float64], degrees: float, size: tuple[int, int] = SIZE) -> Bytes:
    """Returns a photo of a room with tiles on floor, ceiling and walls."""
    view = Camera.from_field_of_view(*size, math.radians(degrees), "test")
    dark, light = np.array([[0.35, 0.3, 0.25], [0.85, 0.8, 0.75]], np.float32)

    def tiles(shift: float) -> Paint:
        def paint(places: Array) -> Array:
            odd = np.floor((places @ axes.T.astype(np.float32) + shift) / 0.7).sum(axis=1) % 2 > 0
            return np.where(odd[:, None], light, dark)

        return paint

    def wall(axis: int, sign: float, distance: float) -> Item:
        x, y, z = (sign * axes[axis]).tolist()
        return Item(Plane((x, y, z), distance), tiles(0.013 + 0.31 * axis))

    places = ((0, 1.0, 2.1), (0, -1.0, 1.7), (1, 1.0, 1.5), (1, -1.0, 1.2), (2, 1.0, 4.3), (2, -1.0, 1.9))
    return render(tuple(wall(*place) for place in places), view).pixels
