# SPDX-License-Identifier: GPL-3.0-or-later
"""The side views: the camera orbits a point on its axis, at the middle of the depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ANGLES = (5.0, 10.0, 20.0)


@dataclass(frozen=True)
class SideView:
    """One orbit of the camera: degrees to the right (about its up axis) and upwards (about its right axis)."""

    right: float
    up: float

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"right{self.right:+03.0f}_up{self.up:+03.0f}"

    @property
    def angle(self) -> float:
        """Degrees between this view and the photo's, whatever the direction."""
        return abs(self.right) + abs(self.up)


SIDE_VIEWS = tuple(
    SideView(*pair) for angle in ANGLES for pair in ((-angle, 0.0), (angle, 0.0), (0.0, angle), (0.0, -angle))
)


def orbit(view: SideView, pivot: float) -> NDArray[np.float64]:
    """Returns the moved camera in the frame of the photo's, float64 (4, 4), for a pivot that many metres ahead.

    Axes as Blender's and glTF's cameras have them: x right, y up, looking along -z.
    """
    right, up = np.radians([view.right, view.up])
    turn_right = np.array([[np.cos(right), 0, np.sin(right)], [0, 1, 0], [-np.sin(right), 0, np.cos(right)]])
    turn_up = np.array([[1, 0, 0], [0, np.cos(up), np.sin(up)], [0, -np.sin(up), np.cos(up)]])
    centre = np.array([0.0, 0.0, -pivot])
    moved = np.eye(4)
    moved[:3, :3] = turn_right @ turn_up
    moved[:3, 3] = centre - moved[:3, :3] @ centre
    return moved


def middle_depth(depth: NDArray[np.float32]) -> float:
    """Returns the depth of the pivot: the median of what is not sky (infinite) or unknown."""
    known = depth[np.isfinite(depth) & (depth > 0)]
    return float(np.median(known))
