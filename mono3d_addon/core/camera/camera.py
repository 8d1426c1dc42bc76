# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of a photo: intrinsics, projection, the source of its field of view, and its pose in the scene."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from .sphere_part import WHOLE_SPHERE, SpherePart

DEFAULT_FIELD_OF_VIEW = math.radians(55.0)
"""Field of view across the longer side if nothing is known: about that of a 35 mm lens on full frame."""

FULL_FRAME_MM = (36.0, 24.0)

Projection = Literal["pinhole", "equirectangular"]


@dataclass(frozen=True)
class Camera:
    """The intrinsics of a camera without distortion, and its pose in the scene.

    width, height  size of the upright photo in pixels
    fx, fy         focal lengths in pixels
    cx, cy         principal point in pixels, from the upper left corner of the picture (pixel centres at +0.5)
    source         source of the field of view, for the user ("EXIF, 28 mm equivalent")
    projection     'pinhole', or 'equirectangular': columns are longitudes, rows latitudes, fx, fy pixels per radian
    pitch, roll    radians; pitch is positive above the horizon, roll is positive clockwise
    elevation      metres above the ground

    `to_scene` converts points from the *camera frame* (x right, y down, z forward) to the *scene frame*: y points
    straight down, z is horizontal, and the origin is on the ground beneath the camera. Without a pose (pitch, roll and
    elevation 0) both frames are the same.
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
        """Whether the photo is a panorama: of all directions, or of the part that its borders enclose."""
        return self.projection == "equirectangular"

    @property
    def sphere_part(self) -> SpherePart:
        """The longitudes and latitudes of a panorama's borders, exact for whole turns and poles."""
        borders = (-self.cx / self.fx, (self.width - self.cx) / self.fx)
        heights = (-self.cy / self.fy, (self.height - self.cy) / self.fy)
        return SpherePart(*(_exact(angle) for angle in (*borders, *heights)))

    @property
    def has_pose(self) -> bool:
        """Whether the camera frame and the scene frame differ."""
        return (self.pitch, self.roll, self.elevation) != (0.0, 0.0, 0.0)

    @property
    def up(self) -> NDArray[np.float64]:
        """The unit vector that points up, away from the ground, in the camera frame, float64 (3,)."""
        level = math.cos(self.pitch)
        return np.array([level * math.sin(self.roll), -level * math.cos(self.roll), math.sin(self.pitch)])

    @property
    def rotation(self) -> NDArray[np.float64]:
        """The rotation matrix from the camera frame to the scene frame, float64 (3, 3); it keeps the heading."""
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
        """Returns the y coordinates, in pixels, at which the horizon crosses the photo's left and right borders.

        The horizon is where `ray . up = 0`. Values above the photo are negative. For a panorama, returns the y
        coordinates at its centre and at its seam.
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
            return max(self.sphere_part.width, self.sphere_part.height)
        side, focal = (self.width, self.fx) if self.width >= self.height else (self.height, self.fy)
        return 2.0 * math.atan(0.5 * side / focal)

    @classmethod
    def from_field_of_view(cls, width: int, height: int, angle: float, source: str) -> Camera:
        """Returns the camera whose longer side covers `angle` radians, with square pixels, looking at the centre."""
        focal = 0.5 * max(width, height) / math.tan(0.5 * angle)
        return cls(width, height, focal, focal, 0.5 * width, 0.5 * height, source)

    def shifted(self, right: float, down: float) -> Camera:
        """Returns the camera with its principal point moved by fractions of the photo's width and height.

        The principal point of a cropped photo is not at its centre.
        """
        cx, cy = self.cx + right * self.width, self.cy + down * self.height
        return dataclasses.replace(self, cx=cx, cy=cy)

    @classmethod
    def panorama(cls, width: int, height: int, source: str, part: SpherePart = WHOLE_SPHERE) -> Camera:
        """Returns the camera of a panorama that shows a part of the sphere; longitude and latitude 0 are ahead."""
        fx, fy = width / part.width, height / part.height
        cx, cy = 0.5 * width, 0.5 * height
        if part != WHOLE_SPHERE:
            cx, cy = -part.longitude_from * fx, -part.latitude_from * fy
        return cls(width, height, fx, fy, cx, cy, source, "equirectangular")

    def project(self, points: Floats) -> Floats:
        """Returns the pixel coordinates, float32 (n, 2), of `points`, float32 (n, 3), in front of the camera."""
        if self.is_panorama:
            longitude = np.arctan2(points[:, 0], points[:, 2])
            latitude = np.arctan2(points[:, 1], np.hypot(points[:, 0], points[:, 2]))
            return np.stack([self.fx * longitude + self.cx, self.fy * latitude + self.cy], axis=1)
        x, y, z = points[:, 0], points[:, 1], points[:, 2]
        return np.stack([self.fx * x / z + self.cx, self.fy * y / z + self.cy], axis=1)

    def uv(self, points: Floats) -> Floats:
        """Returns the texture coordinates, float32 (n, 2) with the origin at the lower left corner, of `points`.

        They depend on point and camera only, so every mesh shows the full photo exactly.
        """
        pixels = self.project(points)
        return np.stack([pixels[:, 0] / self.width, 1.0 - pixels[:, 1] / self.height], axis=1)

    def back_project(self, depth: NDArray[np.float32]) -> Floats:
        """Returns the points, float32 (h * w, 3), camera frame, metres, of a depth map, float32 (h, w), metres along z.

        The map covers the whole photo at any resolution; each value belongs to the centre of its cell. For a panorama
        it holds distances from the camera.
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


def _exact(angle: float) -> float:
    """Returns the angle without the rounding of its way through pixels, where it is a quarter or a half of a turn."""
    quarters = round(angle / (0.5 * math.pi))
    whole = quarters * 0.5 * math.pi
    return whole if quarters and abs(angle - whole) < 1e-9 else angle


def directions(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns unit vectors in the camera frame, float64 (..., 3); angles in radians, to the right and downwards."""
    level = np.cos(latitude)
    parts = (level * np.sin(longitude), np.sin(latitude) * np.ones_like(longitude), level * np.cos(longitude))
    return np.stack(parts, axis=-1)
