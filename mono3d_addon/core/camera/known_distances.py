# SPDX-License-Identifier: GPL-3.0-or-later
"""Computes near and far from distances that the user measured, which makes a reconstruction metric.

A network's disparity v gives inverse depth up to scale and shift, 1/z = a v + b (Ranftl et al. 2022, section 5). Near
and far are another form of the two, with v = 1 at near and v = 0 at far: b = 1/far, a = 1/near - 1/far.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import Mono3DError

# The panel reads stored distances; importing numpy would delay it.
if TYPE_CHECKING:
    from .camera import Camera

_SMALLEST_STEP = 1e-4
"""Smallest difference of two disparities from which scale and shift can be computed."""


@dataclass(frozen=True)
class Sighting:
    """A point of the mesh in image coordinates.

    u, v       pixels from the upper left corner of the photo
    disparity  1 at near, 0 at far, linear in inverse depth; independent of the values of near and far
    """

    u: float
    v: float
    disparity: float

    def point(self, camera: Camera, near: float, far: float) -> tuple[float, float, float]:
        """Returns the point for these values of near and far, metres, camera frame."""
        z = 1.0 / (self.disparity * (1.0 / near - 1.0 / far) + 1.0 / far)
        x, y = self.slopes(camera)
        return x * z, y * z, z

    def slopes(self, camera: Camera) -> tuple[float, float]:
        """Returns x / z and y / z of the point."""
        return (self.u - camera.cx) / camera.fx, (self.v - camera.cy) / camera.fy


def sighting(point: tuple[float, float, float], camera: Camera, near: float, far: float) -> Sighting:
    """Returns the image coordinates of a `point`, metres, camera frame, of a mesh made with `near` and `far`.

    Raises Mono3DError if the point is not in front of the camera.
    """
    x, y, z = point
    if not z > 0.0:
        raise Mono3DError("A point lies behind the camera; pick points that are visible in the photo.")
    disparity = (1.0 / z - 1.0 / far) / (1.0 / near - 1.0 / far)
    return Sighting(camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy, disparity)


@dataclass(frozen=True)
class KnownDistances:
    """Two points of the mesh and the distances that the user measured.

    distances    straight-line distances in metres: from the camera to each point, or one value between the points
    keeps_ratio  whether far / near is right as it is, because a network measures the depth up to a scale
    """

    first: Sighting
    second: Sighting
    distances: tuple[float, ...]
    keeps_ratio: bool = False

    @property
    def words(self) -> str:
        """The measurement as text for the user."""
        if len(self.distances) == 1:
            return f"two points {self.distances[0]:.4g} m apart"
        return f"two points {self.distances[0]:.4g} m and {self.distances[1]:.4g} m away"

    def solve(self, camera: Camera, near: float, far: float) -> tuple[float, float]:
        """Returns near and far, metres, for which the points have the measured distances exactly.

        Two distances from the camera determine both. A distance between the points determines the scale only; the
        ratio of the given `near` and `far` is kept. Where it is kept anyway, two distances are met as well as one scale
        can, with the same factor too far as too near. Raises Mono3DError if there is no solution.
        """
        if any(not (math.isfinite(distance) and distance > 0.0) for distance in self.distances):
            raise Mono3DError("Distances must be greater than 0; enter the measured distances.")
        if len(self.distances) == 1:
            return self._scaled(camera, near, far)
        return self._nearest_scale(camera, near, far) if self.keeps_ratio else self._from_camera(camera)

    def _scaled(self, camera: Camera, near: float, far: float) -> tuple[float, float]:
        apart = math.dist(self.first.point(camera, near, far), self.second.point(camera, near, far))
        if not apart > 1e-6 * far:
            raise Mono3DError("Both points are at the same position; pick two different points.")
        scale = self.distances[0] / apart
        return near * scale, far * scale

    def _nearest_scale(self, camera: Camera, near: float, far: float) -> tuple[float, float]:
        factors = [
            distance / math.hypot(*one.point(camera, near, far))
            for one, distance in zip((self.first, self.second), self.distances, strict=True)
        ]
        scale = math.sqrt(math.prod(factors))
        return near * scale, far * scale

    def _from_camera(self, camera: Camera) -> tuple[float, float]:
        inverse = [
            math.hypot(*one.slopes(camera), 1.0) / distance
            for one, distance in zip((self.first, self.second), self.distances, strict=True)
        ]
        step = self.first.disparity - self.second.disparity
        if abs(step) < _SMALLEST_STEP:
            raise Mono3DError("Both points have the same estimated depth; pick a near one and a far one.")
        slope = (inverse[0] - inverse[1]) / step
        at_far = inverse[0] - slope * self.first.disparity
        if not slope > 0.0:
            raise Mono3DError("The point that is nearer in the photo has the larger distance; swap the two distances.")
        if not at_far > 0.0:
            raise Mono3DError(
                "With these distances the farthest parts would lie behind the camera; measure again, or pick a point "
                "that is farther away."
            )
        return 1.0 / (at_far + slope), 1.0 / at_far

    def to_json(self) -> str:
        """Returns the distances as one JSON object."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> KnownDistances:
        """Returns the distances stored by `to_json`. Raises Mono3DError if the text is not valid."""
        try:
            stored = json.loads(text)
            first, second = (Sighting(**stored[name]) for name in ("first", "second"))
            distances = tuple(float(one) for one in stored["distances"])
            return cls(first, second, distances, bool(stored.get("keeps_ratio", False)))
        except (ValueError, KeyError, TypeError) as error:
            raise Mono3DError(f"The stored distances cannot be read: {error}.") from error
