# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinhole camera of a photo: intrinsics, projection, and where the field of view comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Floats

DEFAULT_FIELD_OF_VIEW = math.radians(55.0)
"""Angle across the longer side where nothing is known: about a 35 mm lens on full frame."""

FULL_FRAME_MM = (36.0, 24.0)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    width, height  size of the upright photo in pixels
    fx, fy         focal lengths in pixels
    cx, cy         principal point in pixels, from the upper left corner of the picture (pixel centres at +0.5)
    source         where the field of view comes from, for the user ("EXIF, 28 mm equivalent")
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    source: str

    @property
    def field_of_view(self) -> float:
        """Angle in radians across the longer side of the photo."""
        side, focal = (self.width, self.fx) if self.width >= self.height else (self.height, self.fy)
        return 2.0 * math.atan(0.5 * side / focal)

    @classmethod
    def from_field_of_view(cls, width: int, height: int, angle: float, source: str) -> Camera:
        """Returns the camera whose longer side covers `angle` radians, with square pixels, looking at the centre."""
        focal = 0.5 * max(width, height) / math.tan(0.5 * angle)
        return cls(width, height, focal, focal, 0.5 * width, 0.5 * height, source)

    def project(self, points: Floats) -> Floats:
        """Returns the pixel coordinates, float32 (n, 2), of `points`, float32 (n, 3), metres, before the camera."""
        x, y, z = points[:, 0], points[:, 1], points[:, 2]
        return np.stack([self.fx * x / z + self.cx, self.fy * y / z + self.cy], axis=1)

    def uv(self, points: Floats) -> Floats:
        """Returns the texture coordinates, float32 (n, 2) with the origin at the lower left corner, of `points`.

        A pure function of the point and the camera, so that every mesh is textured exactly by the full photo.
        """
        pixels = self.project(points)
        return np.stack([pixels[:, 0] / self.width, 1.0 - pixels[:, 1] / self.height], axis=1)

    def back_project(self, depth: NDArray[np.float32]) -> Floats:
        """Returns the points, float32 (h * w, 3), of a depth map, float32 (h, w) in metres along z.

        The map covers the whole photo at any size; each value belongs to the centre of its cell.
        """
        rows, columns = depth.shape
        u = ((np.arange(columns) + 0.5) * (self.width / columns) - self.cx) / self.fx
        v = ((np.arange(rows) + 0.5) * (self.height / rows) - self.cy) / self.fy
        points = np.empty((rows, columns, 3), dtype=np.float32)
        np.multiply(depth, u[None, :], out=points[..., 0], casting="same_kind")
        np.multiply(depth, v[:, None], out=points[..., 1], casting="same_kind")
        points[..., 2] = depth
        return points.reshape(-1, 3)
