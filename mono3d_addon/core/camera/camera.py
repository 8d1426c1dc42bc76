# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo: intrinsics, projection, where the field of view comes from, and how it stands in the scene."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

DEFAULT_FIELD_OF_VIEW = math.radians(55.0)
"""Angle across the longer side where nothing is known: about a 35 mm lens on full frame."""

FULL_FRAME_MM = (36.0, 24.0)

Projection = Literal["pinhole", "equirectangular"]


@dataclass(frozen=True)
class Camera:
    """A camera without distortion, and how it stands in the scene.

    width, height  size of the upright photo in pixels
    fx, fy         focal lengths in pixels
    cx, cy         principal point in pixels, from the upper left corner of the picture (pixel centres at +0.5)
    source         where the field of view comes from, for the user ("EXIF, 28 mm equivalent")
    projection     'pinhole', or 'equirectangular': columns are longitudes, rows latitudes, fx and fy pixels a radian
    pitch, roll    radians; positive where the camera looks above the horizon, and where it is turned clockwise
    elevation      metres above the floor

    Points in the *camera frame* (x right, y down, z forward) become points of the *scene frame* by `to_scene`: the
    same axes, but y is straight down, z is level, and the floor beneath the camera is the origin. Without a floor
    (pitch, roll and elevation 0) both are one.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    source: str
    projection: Projection = "pinhole"
    pitch: float = 0.0
    roll: float = 0.0
    elevation: float = 0.0

    @property
    def is_panorama(self) -> bool:
        """Whether the photo shows all directions."""
        return self.projection == "equirectangular"

    @property
    def has_pose(self) -> bool:
        """Whether the camera frame and the scene frame differ."""
        return (self.pitch, self.roll, self.elevation) != (0.0, 0.0, 0.0)

    @property
    def up(self) -> NDArray[np.float64]:
        """The direction away from the floor in the camera frame, float64 (3,), unit length."""
        level = math.cos(self.pitch)
        return np.array([level * math.sin(self.roll), -level * math.cos(self.roll), math.sin(self.pitch)])

    @property
    def rotation(self) -> NDArray[np.float64]:
        """The rotation from the camera frame to the scene frame, float64 (3, 3); the view keeps its compass bearing."""
        down = -self.up
        forward = np.array([0.0, 0.0, 1.0]) - down[2] * down
        forward /= np.linalg.norm(forward)
        return np.stack([np.cross(down, forward), down, forward])

    def directions_to_scene(self, directions: Floats) -> Floats:
        """Returns directions of the camera frame, float32 (n, 3), in the scene frame."""
        if not self.has_pose:
            return directions
        return np.asarray(directions @ self.rotation.T, np.float32)

    def to_scene(self, points: Floats) -> Floats:
        """Returns points of the camera frame, float32 (n, 3), metres, in the scene frame."""
        if not self.has_pose:
            return points
        return np.asarray(points @ self.rotation.T - np.array([0.0, self.elevation, 0.0]), np.float32)

    def horizon(self) -> tuple[float, float]:
        """Returns how many pixels below the photo's upper border the horizon crosses its left and its right border.

        Where `ray . up = 0`; above the photo the numbers are negative. A panorama's, at its centre and at its seam.
        """
        across, down, ahead = self.up
        if self.is_panorama:
            centre, seam = (self.cy + self.fy * math.atan2(sign * ahead, -down) for sign in (1.0, -1.0))
            return centre, seam
        left, right = (
            self.cy - self.fy / down * (across * (border - self.cx) / self.fx + ahead) for border in (0.0, self.width)
        )
        return float(left), float(right)

    @property
    def field_of_view(self) -> float:
        """Angle in radians across the longer side of the photo."""
        if self.is_panorama:
            return 2.0 * math.pi
        side, focal = (self.width, self.fx) if self.width >= self.height else (self.height, self.fy)
        return 2.0 * math.atan(0.5 * side / focal)

    @classmethod
    def from_field_of_view(cls, width: int, height: int, angle: float, source: str) -> Camera:
        """Returns the camera whose longer side covers `angle` radians, with square pixels, looking at the centre."""
        focal = 0.5 * max(width, height) / math.tan(0.5 * angle)
        return cls(width, height, focal, focal, 0.5 * width, 0.5 * height, source)

    def shifted(self, right: float, down: float) -> Camera:
        """Returns the camera with its principal point moved by these shares of the photo's width and height.

        That of a photo cropped from a larger one does not lie at its centre.
        """
        cx, cy = self.cx + right * self.width, self.cy + down * self.height
        return dataclasses.replace(self, cx=cx, cy=cy)

    @classmethod
    def panorama(cls, width: int, height: int, source: str) -> Camera:
        """Returns the camera of a panorama that shows all directions, its centre straight ahead."""
        fx, fy = width / (2.0 * math.pi), height / math.pi
        return cls(width, height, fx, fy, 0.5 * width, 0.5 * height, source, "equirectangular")

    def project(self, points: Floats) -> Floats:
        """Returns the pixel coordinates, float32 (n, 2), of `points`, float32 (n, 3), metres, before the camera."""
        if self.is_panorama:
            longitude = np.arctan2(points[:, 0], points[:, 2])
            latitude = np.arctan2(points[:, 1], np.hypot(points[:, 0], points[:, 2]))
            return np.stack([self.fx * longitude + self.cx, self.fy * latitude + self.cy], axis=1)
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

        The map covers the whole photo at any size; each value belongs to the centre of its cell. A panorama's holds
        distances from the camera.
        """
        rows, columns = depth.shape
        u = ((np.arange(columns) + 0.5) * (self.width / columns) - self.cx) / self.fx
        v = ((np.arange(rows) + 0.5) * (self.height / rows) - self.cy) / self.fy
        if self.is_panorama:
            return (depth[..., None] * directions(u[None, :], v[:, None])).astype(np.float32).reshape(-1, 3)
        points = np.empty((rows, columns, 3), dtype=np.float32)
        np.multiply(depth, u[None, :], out=points[..., 0], casting="same_kind")
        np.multiply(depth, v[:, None], out=points[..., 1], casting="same_kind")
        points[..., 2] = depth
        return points.reshape(-1, 3)


def directions(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns unit vectors of the camera frame, float64 (..., 3), for angles in radians to the right and downwards."""
    level = np.cos(latitude)
    parts = (level * np.sin(longitude), np.sin(latitude) * np.ones_like(longitude), level * np.cos(longitude))
    return np.stack(parts, axis=-1)
