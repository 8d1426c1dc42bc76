# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras beside the photo's, from which a result looks good; numpy only, for Blender too.

Camera frame throughout: x right, y down, z forward, metres.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..camera.camera import Camera

PARALLAX = 0.07
"""Largest shift of near parts against far ones between the photo and a view, as a fraction of the picture's width."""
MOST_SIDEWAYS = math.radians(12.0)
ABOVE_PER_SIDEWAYS = 0.4

_OUTSIDE = (math.radians(30.0), math.radians(35.0))
"""Angles to the side and above from which a panorama is seen."""
_OUTSIDE_TANGENTS = (0.6, 0.3)
_MARGIN = 0.03
"""Fraction of half the picture that is kept free at each side."""
_LEFT_OUT = 0.001
"""Share of the vertices that may lie outside, so that a few outliers do not make the rest small, on each side."""
_ENOUGH_POINTS = 20_000
_SKY_GAP = 1.8
"""Ratio of two depths, with nothing between them, from which on what is behind is only the backdrop of a scene."""
_LEAST_SCENE = 0.1
"""Share of the points that is a scene at least."""


@dataclass(frozen=True)
class View:
    """A camera: `turn` @ point + `shift` is a point, (3,), in its frame.

    turn     float64 (3, 3), a rotation
    shift    float64 (3,), metres
    tangents half the picture's width and height at distance 1
    centre   where the middle of the picture is, at distance 1 (not 0 for the photo of a shifted lens)
    """

    turn: NDArray[np.float64]
    shift: NDArray[np.float64]
    tangents: tuple[float, float]
    centre: tuple[float, float] = (0.0, 0.0)

    def places(self, points: Floats, width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns pixel coordinates, float64 (n, 2), of points, float32 (n, 3), and their distances ahead, (n,).

        Pixels are counted from the picture's upper left corner. They have no meaning for points that are not ahead.
        """
        x, y, ahead = (np.asarray(points) @ self.turn.T.astype(np.float32)).T.astype(np.float64) + self.shift[:, None]
        places = np.empty((len(points), 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            for axis, (values, side) in enumerate(((x, width), (y, height))):
                scale = 0.5 * side / self.tangents[axis]
                places[:, axis] = values / ahead * scale + (0.5 * side - self.centre[axis] * scale)
        return places, ahead


@dataclass(frozen=True)
class Orbit:
    """The points of a result that its views contain, float32 (n, 3), and the point that they orbit.

    sideways  radians, the largest angle to the side at which the result still looks good
    """

    points: Floats
    pivot: NDArray[np.float64]
    tangents: tuple[float, float]
    centre: tuple[float, float]
    sideways: float

    def views(self, angles: Sequence[tuple[float, float]]) -> list[View]:
        """Returns a view for each pair of angles to the right and above, radians.

        All are moved alike against the orbit, and as near as they can be while they contain the points: the pivot
        stays at the same place of the picture.
        """
        turns = [_turned(*pair) for pair in angles]
        high, low = (functools.reduce(np.maximum, sides) for sides in zip(*map(self._extent, turns), strict=True))
        inner = np.array(self.tangents) * (1.0 - _MARGIN)
        ahead = float(np.min(-(high + low) / (2.0 * inner)))
        move = np.array([*(0.5 * (high - low) + ahead * np.array(self.centre)), ahead])
        return [View(turn, self.pivot - turn @ self.pivot - move, self.tangents, self.centre) for turn in turns]

    def _extent(self, turn: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns for both sides of the picture, across and down, what bounds a turned camera, each float64 (2,).

        A point at (a, b), with the middle ray at 0, and d ahead is inside the view of a camera moved by (a0, b0, d0) if
        |a - a0| <= t (d - d0): the largest a - t d and the largest -a - t d determine a0 and d0.
        """
        if not len(self.points):
            return np.zeros(2), np.zeros(2)
        seen = (self.points - self.pivot) @ turn.T + self.pivot
        ahead = seen[:, 2:]
        aside = seen[:, :2] - ahead * self.centre
        reach = ahead * (np.array(self.tangents) * (1.0 - _MARGIN))
        high, low = (np.quantile(one, 1.0 - _LEFT_OUT, axis=0) for one in (aside - reach, -aside - reach))
        return high, low


def orbit_of(vertices: Floats, camera: Camera) -> Orbit:
    """Returns the orbit of views of `vertices`, float32 (n, 3), the surface of a photo taken by `camera`.

    Between views the middle of the picture stays where it is: views orbit the point on the middle ray that halves the
    parallax between near and far parts. The sky, or what else is far behind everything, counts as if it were at the
    farthest part of the rest: a view that contained all of it would make the rest small.
    """
    points = np.asarray(vertices[:: max(1, len(vertices) // _ENOUGH_POINTS)], np.float32)
    if camera.is_panorama:
        distance = np.linalg.norm(points, axis=1)
        inner = points[distance <= np.quantile(distance, 0.97)] if len(points) else points
        return Orbit(inner, np.zeros(3), _OUTSIDE_TANGENTS, (0.0, 0.0), MOST_SIDEWAYS)
    tangents = (0.5 * camera.width / camera.fx, 0.5 * camera.height / camera.fy)
    centre = ((0.5 * camera.width - camera.cx) / camera.fx, (0.5 * camera.height - camera.cy) / camera.fy)
    points = _with_near_backdrop(points)
    near, far = np.quantile(points[:, 2], [0.05, 0.95]) if len(points) else (1.0, 2.0)
    middle = 2.0 / (1.0 / near + 1.0 / far)
    return Orbit(
        points, middle * np.array([*centre, 1.0]), tangents, centre, sideways(float(near), float(far), tangents[0])
    )


def _with_near_backdrop(points: Floats) -> Floats:
    """Returns the points, float32 (n, 3), with those behind the farthest gap in depth brought forward to it.

    They stay where they are in the photo, so that a view still shows about what the photo shows.
    """
    if len(points) < 2:
        return points
    depth = np.sort(points[:, 2])
    gaps = np.flatnonzero(depth[1:] > _SKY_GAP * depth[:-1])
    if not len(gaps) or gaps[-1] + 1 < _LEAST_SCENE * len(points):
        return points
    return points * np.minimum(1.0, depth[gaps[-1]] / points[:, 2:]).astype(np.float32)


def sideways(near: float, far: float, tangent: float) -> float:
    """Returns the angle in radians whose parallax is `PARALLAX`: small for a deep street, larger for a relief.

    An orbit by the angle a about a point at the distance p moves the camera by p tan(a), and thus a point at the depth
    z in the picture by p tan(a) (1/p - 1/z).
    """
    middle = 2.0 / (1.0 / near + 1.0 / far)
    spread = max(middle * (1.0 / near - 1.0 / far), 1e-6)
    return min(MOST_SIDEWAYS, math.atan(PARALLAX * 2.0 * tangent / spread))


def beside(orbit: Orbit, *, is_panorama: bool) -> View:
    """Returns the view of a still picture: from the right and slightly above, a panorama from outside."""
    angles = _OUTSIDE if is_panorama else (orbit.sideways, orbit.sideways * ABOVE_PER_SIDEWAYS)
    return orbit.views([angles])[0]


def sway(orbit: Orbit, frames: int, *, is_panorama: bool) -> list[View]:
    """Returns the views of a loop that sways to both sides and back, at an even height.

    It passes every place but the ends twice: the views there are the same object.
    """
    start, above = _OUTSIDE if is_panorama else (0.0, orbit.sideways * ABOVE_PER_SIDEWAYS)
    # Rounded, so that both passes are the same number.
    phases = [round(math.sin(2.0 * math.pi * frame / frames), 6) for frame in range(frames)]
    places = sorted(set(phases))
    found = dict(zip(places, orbit.views([(start + orbit.sideways * place, above) for place in places]), strict=True))
    return [found[phase] for phase in phases]


def _turned(right: float, above: float) -> NDArray[np.float64]:
    """Returns the rotation of the scene, float64 (3, 3), before a camera that moves to the right and rises."""
    c, s, d, e = math.cos(right), math.sin(right), math.cos(above), math.sin(above)
    return np.array([[1, 0, 0], [0, d, -e], [0, e, d]]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
