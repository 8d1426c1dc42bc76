# SPDX-License-Identifier: GPL-3.0-or-later
"""Places a camera so that a whole mesh is in its picture; numpy only, in Blender's frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.arrays import Floats


@dataclass(frozen=True)
class View:
    """A camera pose and lens.

    position  float64 (3,), metres
    axes      float64 (3, 3), orthonormal rows: right, up, back (Blender cameras look along their -Z)
    tangents  half the picture's width and height at distance 1
    """

    position: NDArray[np.float64]
    axes: NDArray[np.float64]
    tangents: tuple[float, float]

    def matrix(self) -> list[list[float]]:
        """Returns the 4x4 matrix, rows first, from the camera's frame to the world."""
        pose = np.eye(4)
        pose[:3, :3] = self.axes.T
        pose[:3, 3] = self.position
        return pose.tolist()


def orbit_axes(sideways: float, above: float) -> NDArray[np.float64]:
    """Returns the axes (see `View`) of a camera that looks along +Y and orbits by these angles in radians.

    A positive `sideways` moves the camera to the right, a positive `above` raises it.
    """
    back = np.array([math.sin(sideways) * math.cos(above), -math.cos(sideways) * math.cos(above), math.sin(above)])
    right = np.array([math.cos(sideways), math.sin(sideways), 0.0])
    return np.stack([right, np.cross(back, right), back])


def frame_points(points: Floats, axes: NDArray[np.float64], tangents: tuple[float, float], margin: float) -> View:
    """Returns the closest view along `axes` that contains all `points`, float32 (n, 3).

    `margin` is the fraction of half the picture kept free at each side. A point with the coordinates (a, b) across and
    d ahead is inside if |a - a0| <= t (d - d0): for each pair of sides the two tightest points determine a0 and d0,
    and the d0 farther back is used (the other pair is centred between its sides).
    """
    across, up, back = (points @ axes.T.astype(np.float32)).astype(np.float64).T
    ahead = -back
    inner = [tangent * (1.0 - margin) for tangent in tangents]
    sides = [
        (np.max(values - t * ahead), np.max(-values - t * ahead)) for values, t in zip((across, up), inner, strict=True)
    ]
    start = min(-(high + low) / (2.0 * t) for (high, low), t in zip(sides, inner, strict=True))
    centre = [0.5 * (high - low) for high, low in sides]
    position = centre[0] * axes[0] + centre[1] * axes[1] - start * axes[2]
    return View(position, axes, tangents)
