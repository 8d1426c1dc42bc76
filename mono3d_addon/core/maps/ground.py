# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the ground that a scene stands on, and stands the camera above it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..camera.camera import Camera

_POINTS = 6000
"""Points that are looked at, evenly over the picture."""
_TRIES = 600
"""Planes that are tried: with a ground on a fifth of the points, one of them lies on it in 99 of 100 scenes."""
_SEED = 20240607

_MOST_ROLL, _MOST_PITCH = math.radians(15.0), math.radians(60.0)
"""Photographers hold their cameras no more askew than this, nor look up or down more steeply at a ground."""

_TOLERANCE = 0.02
"""Share of its distance by which a point of the ground may lie off the plane."""
_CLEARLY_OFF = 0.08
"""Share of its distance from which a point lies clearly below a plane; there is little below the ground."""

_ROUNDS = 8
_TUKEY = 4.685 * 1.4826
"""Medians of all deviations from which a point is left out: Tukey's 4.685 standard deviations of normal noise."""

_LEAST_SHARE = 0.12
"""Share of all points that a ground has at least."""
_MOST_BELOW = 0.05
"""Share of the points that may lie clearly below."""
_ALONG, _LEAST_ALONG = math.cos(math.radians(45.0)), 0.75
"""How well a point's own normal goes with the ground's, and which share of its points do: a hedge faces the camera."""
_LOWEST, _LEAST_LOWEST = 2.0 / 3.0, 0.3
"""Where the lowest part of a photo begins, and which share of it is ground at least: else it is what is in the air."""
_LEAST_WIDTH, _LEAST_HEIGHT = 0.5, 0.15
"""Shares of the picture that a ground covers across and down."""
_LEAST_DEPTH = 1.3
"""How many times as far its far end is, at least, as its near one: a plane seen at a glance tells no tilt."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """A plane below the camera: `up`, float64 (3,), its unit normal in the camera frame, and how far below, metres."""

    up: Doubles
    below: float


def camera_on_ground(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None = None) -> Camera | None:
    """Returns the camera with pitch, roll and elevation by the ground in its depth map; None without a clear ground.

    depth  float32 (rows, columns) in metres along z (a panorama's: from the camera), covering the photo
    valid  bool (rows, columns), which of it counts; None: all
    """
    ground = find_ground(camera, depth, valid)
    if ground is None:
        return None
    across, down, ahead = ground.up
    pitch, roll = math.asin(max(-1.0, min(1.0, ahead))), math.atan2(across, -down)
    return dataclasses.replace(camera, pitch=pitch, roll=roll, elevation=ground.below)


def find_ground(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None = None) -> Ground | None:
    """Returns the ground in a depth map; None where there is none that convinces. Arguments as in `camera_on_ground`.

    RANSAC (Fischler and Bolles 1981) with fixed random numbers: of the planes through three points whose normal could
    be up, that with the most points near it and few below. Distances to a plane count in shares of the distance to
    the camera, as the error of a disparity does. The best plane is then fitted to its points by least squares.
    """
    points, normals, places = _sample(camera, depth, valid)
    if len(points) < 100:
        return None
    reach = np.linalg.norm(points, axis=1)
    planes = _candidates(points)
    if not len(planes):
        return None
    weight = np.ones(len(points)) if camera.is_panorama else places[:, 1]
    best = planes[np.argmax(_scores(planes, points, reach, weight))]
    ground = _refined(best, points, reach)
    if ground is None:
        return None
    near = np.abs(points @ ground.up + ground.below) < _TOLERANCE * reach
    is_flat = np.count_nonzero(normals[near] @ ground.up > _ALONG) >= _LEAST_ALONG * np.count_nonzero(near)
    return ground if is_flat and _convinces(ground, points, places, reach, camera) else None


def _sample(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None) -> tuple[Doubles, Doubles, Doubles]:
    """Returns points and their normals, camera frame, float64 (n, 3), and their places in the picture, 0..1, (n, 2)."""
    rows, columns = depth.shape
    step = max(1, math.isqrt(rows * columns // _POINTS))
    known = np.isfinite(depth) & (depth > 0.0)
    if valid is not None:
        known &= valid
    row, column = (part.ravel() for part in np.mgrid[step // 2 : rows : step, step // 2 : columns : step])
    chosen = known[row, column]
    row, column = row[chosen], column[chosen]
    points = camera.back_project(np.where(known, depth, np.float32(1.0))).reshape(rows, columns, 3).astype(np.float64)
    places = np.stack([(column + 0.5) / columns, (row + 0.5) / rows], axis=1)
    return points[row, column], _normals(points, row, column), places


def _normals(points: Doubles, row: NDArray[np.intp], column: NDArray[np.intp]) -> Doubles:
    """Returns the unit normals towards the camera, float64 (n, 3), at some cells of a grid of points.

    By central differences over several cells, which even out the noise of a single one.
    """
    rows, columns = points.shape[:2]
    reach = max(1, min(rows, columns) // 100)
    across = points[row, np.minimum(column + reach, columns - 1)] - points[row, np.maximum(column - reach, 0)]
    down = points[np.minimum(row + reach, rows - 1), column] - points[np.maximum(row - reach, 0), column]
    normals = np.cross(down, across)
    normals *= -np.sign(np.einsum("ij,ij->i", normals, points[row, column]))[:, None]
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30))


def _candidates(points: Doubles) -> Doubles:
    """Returns planes as rows (normal, distance below the camera), float64 (n, 4), whose normals could be up."""
    generator = np.random.default_rng(_SEED)
    # The ground is most often in the lower half of the picture.
    lower = np.argsort(points[:, 1] / np.linalg.norm(points, axis=1))[len(points) // 3 :]
    first, second, third = points[lower[generator.integers(0, len(lower), (3, _TRIES))]]
    normals = np.cross(second - first, third - first)
    length = np.linalg.norm(normals, axis=1)
    usable = length > 1e-9 * np.linalg.norm(first, axis=1) ** 2
    normals, first = normals[usable] / length[usable, None], first[usable]
    # Of both directions, the one that points up, where y is down.
    normals *= -np.sign(normals[:, 1:2])
    below = -np.einsum("ij,ij->i", normals, first)
    possible = (below > 0.0) & np.array([_could_be_up(normal) for normal in normals], bool)
    return np.column_stack([normals, below])[possible]


def _could_be_up(normal: Doubles) -> bool:
    across, down, ahead = normal
    return abs(math.atan2(across, -down)) < _MOST_ROLL and abs(math.asin(max(-1.0, min(1.0, ahead)))) < _MOST_PITCH


def _scores(planes: Doubles, points: Doubles, reach: Doubles, weight: Doubles) -> Doubles:
    """Returns how well each plane does: points near it less twice the points clearly below it, each by its weight."""
    shares = (points @ planes[:, :3].T + planes[:, 3]) / reach[:, None]
    # Truncated squares (MSAC, Torr and Zisserman 2000) prefer, of two planes with as many points, the closer one.
    near = weight @ np.maximum(0.0, 1.0 - (shares / (2.0 * _TOLERANCE)) ** 2)
    below = weight @ (shares < -_CLEARLY_OFF)
    return np.asarray(near - 2.0 * below)


def _refined(plane: Doubles, points: Doubles, reach: Doubles) -> Ground | None:
    """Returns the plane that is nearest to its points in shares of the distance; None where none of them could be up.

    A plane `n . X + d = 0` with d > 0 is `(n / d) . X = -1`, linear in n / d. Tukey's weights draw ever less on the
    feet of walls, which are near the plane, too.
    """
    normal, below = plane[:3], plane[3]
    for _ in range(_ROUNDS):
        shares = np.abs(points @ normal + below) / reach
        near = shares < _TOLERANCE
        if np.count_nonzero(near) < 3:
            return None
        limit = min(_TOLERANCE, max(_TUKEY * float(np.median(shares[near])), 1e-5))
        weight = np.maximum(0.0, 1.0 - (shares[near] / limit) ** 2) / reach[near]
        solution = np.linalg.lstsq(points[near] * weight[:, None], -weight, rcond=None)[0]
        size = float(np.linalg.norm(solution))
        if not size > 0.0:
            return None
        normal, below = solution / size, 1.0 / size
    return Ground(normal, below) if _could_be_up(normal) else None


def _convinces(ground: Ground, points: Doubles, places: Doubles, reach: Doubles, camera: Camera) -> bool:
    """Tells whether a plane has what a ground has: size, extent, depth, little below it, and the foot of the photo."""
    shares = (points @ ground.up + ground.below) / reach
    near = np.abs(shares) < _TOLERANCE
    if np.count_nonzero(near) < _LEAST_SHARE * len(points):
        return False
    if np.count_nonzero(shares < -_CLEARLY_OFF) > _MOST_BELOW * len(points):
        return False
    lowest = places[:, 1] > _LOWEST
    if not camera.is_panorama and np.count_nonzero(near & lowest) < _LEAST_LOWEST * np.count_nonzero(lowest):
        return False
    width, height = np.ptp(np.quantile(places[near], [0.02, 0.98], axis=0), axis=0)
    if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
        return False
    ends = np.quantile(reach[near], [0.02, 0.98])
    return bool(camera.is_panorama or ends[1] > _LEAST_DEPTH * ends[0])
