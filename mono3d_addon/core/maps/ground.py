# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects the ground plane in a depth map and derives the camera's pose from it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..camera.camera import Camera

_POINTS = 6000
"""Number of sample points, on a regular grid over the picture."""
_CANDIDATES = 600
"""Number of RANSAC candidates: if a fifth of the points are ground, one candidate is ground in 99 % of scenes."""
_SEED = 20240607

_MAX_ROLL, _MAX_PITCH = math.radians(15.0), math.radians(60.0)
"""Largest plausible roll and pitch of a camera that sees the ground."""

_TOLERANCE = 0.02
"""Largest distance of an inlier from the plane, as a fraction of its distance from the camera."""
_CLEARLY_OFF = 0.08
"""Smallest distance of a point clearly below the plane, as a fraction of its distance from the camera."""

_ROUNDS = 8
_TUKEY = 4.685 * 1.4826
"""Cut-off of Tukey's biweight, 4.685 standard deviations, in units of the median absolute deviation."""

_MIN_SHARE = 0.12
"""Smallest fraction of all points that are ground."""
_MAX_BELOW = 0.05
"""Largest fraction of points clearly below the ground."""
_ALONG, _MIN_ALONG = math.cos(math.radians(45.0)), 0.75
"""Smallest cosine between the normals of an inlier and of the plane, and the smallest fraction of inliers that meet it.
This rejects hedges, whose normals face the camera."""
_LOWEST, _MIN_LOWEST = 2.0 / 3.0, 0.3
"""Start of the lowest part of a photo, and its smallest fraction of ground. This rejects planes above the ground."""
_MIN_WIDTH, _MIN_HEIGHT = 0.5, 0.15
"""Smallest extent of the ground as fractions of the picture's width and height."""
_MIN_DEPTH_RATIO = 1.3
"""Smallest ratio of the distances of the ground's far and near ends; below it the tilt is unreliable."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """A plane below the camera.

    up     float64 (3,), its unit normal in the camera frame
    below  distance from the camera in metres
    """

    up: Doubles
    below: float


def camera_on_ground(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None = None) -> Camera | None:
    """Returns the camera with pitch, roll and elevation from the ground in its depth map; None without a clear ground.

    depth  float32 (rows, columns), metres along z (for a panorama: from the camera), covering the photo
    valid  bool (rows, columns), cells to use; None for all
    """
    ground = find_ground(camera, depth, valid)
    if ground is None:
        return None
    across, down, ahead = ground.up
    pitch, roll = math.asin(max(-1.0, min(1.0, ahead))), math.atan2(across, -down)
    return dataclasses.replace(camera, pitch=pitch, roll=roll, elevation=ground.below)


def ground_below(held: Camera, found: Camera, depth: Floats, valid: NDArray[np.bool_] | None = None) -> float:
    """Returns the distance in metres between a camera and the ground for another pose: that of most of its ground.

    `found` is the camera that stands on the ground by `camera_on_ground`, of which the others are the arguments.
    """
    points, _, _ = _sample(found, depth, valid)
    is_ground = np.abs(points @ found.up + found.elevation) < _TOLERANCE * np.linalg.norm(points, axis=1)
    return float(np.median(-(points[is_ground] @ held.up)))


def find_ground(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None = None) -> Ground | None:
    """Returns the ground plane in a depth map; None without a clear one. Arguments as in `camera_on_ground`.

    Uses RANSAC (Fischler and Bolles 1981) with a fixed seed: of the planes through three points with a plausible
    normal, the one with the most inliers and few points below wins. Distances from a plane are relative to the distance
    from the camera, like the errors of a disparity. The best plane is refined by robust least squares.
    """
    points, normals, positions = _sample(camera, depth, valid)
    if len(points) < 100:
        return None
    reach = np.linalg.norm(points, axis=1)
    planes = _candidates(points)
    if not len(planes):
        return None
    weight = np.ones(len(points)) if camera.is_panorama else positions[:, 1]
    best = planes[np.argmax(_scores(planes, points, reach, weight))]
    ground = _refined(best, points, reach)
    if ground is None:
        return None
    near = np.abs(points @ ground.up + ground.below) < _TOLERANCE * reach
    is_flat = np.count_nonzero(normals[near] @ ground.up > _ALONG) >= _MIN_ALONG * np.count_nonzero(near)
    return ground if is_flat and _is_ground(ground, points, positions, reach, camera) else None


def _sample(camera: Camera, depth: Floats, valid: NDArray[np.bool_] | None) -> tuple[Doubles, Doubles, Doubles]:
    """Returns sample points and their normals, camera frame, float64 (n, 3), and image positions, 0..1, (n, 2)."""
    rows, columns = depth.shape
    step = max(1, math.isqrt(rows * columns // _POINTS))
    known = np.isfinite(depth) & (depth > 0.0)
    if valid is not None:
        known &= valid
    row, column = (part.ravel() for part in np.mgrid[step // 2 : rows : step, step // 2 : columns : step])
    chosen = known[row, column]
    row, column = row[chosen], column[chosen]
    points = camera.back_project(np.where(known, depth, np.float32(1.0))).reshape(rows, columns, 3).astype(np.float64)
    positions = np.stack([(column + 0.5) / columns, (row + 0.5) / rows], axis=1)
    return points[row, column], _normals(points, row, column), positions


def _normals(points: Doubles, row: NDArray[np.intp], column: NDArray[np.intp]) -> Doubles:
    """Returns the unit normals towards the camera, float64 (n, 3), at the given cells of a grid of points.

    They are central differences over several cells, which reduces noise.
    """
    rows, columns = points.shape[:2]
    reach = max(1, min(rows, columns) // 100)
    across = points[row, np.minimum(column + reach, columns - 1)] - points[row, np.maximum(column - reach, 0)]
    down = points[np.minimum(row + reach, rows - 1), column] - points[np.maximum(row - reach, 0), column]
    normals = np.cross(down, across)
    normals *= -np.sign(np.einsum("ij,ij->i", normals, points[row, column]))[:, None]
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30))


def _candidates(points: Doubles) -> Doubles:
    """Returns candidate planes as rows (normal, distance below the camera), float64 (n, 4), with plausible normals."""
    generator = np.random.default_rng(_SEED)
    # The ground is usually in the lower part of the picture.
    lower = np.argsort(points[:, 1] / np.linalg.norm(points, axis=1))[len(points) // 3 :]
    first, second, third = points[lower[generator.integers(0, len(lower), (3, _CANDIDATES))]]
    normals = np.cross(second - first, third - first)
    length = np.linalg.norm(normals, axis=1)
    usable = length > 1e-9 * np.linalg.norm(first, axis=1) ** 2
    normals, first = normals[usable] / length[usable, None], first[usable]
    # Orient the normals upwards; y points down.
    normals *= -np.sign(normals[:, 1:2])
    below = -np.einsum("ij,ij->i", normals, first)
    possible = (below > 0.0) & np.array([_is_plausible_up(normal) for normal in normals], bool)
    return np.column_stack([normals, below])[possible]


def _is_plausible_up(normal: Doubles) -> bool:
    across, down, ahead = normal
    return abs(math.atan2(across, -down)) < _MAX_ROLL and abs(math.asin(max(-1.0, min(1.0, ahead)))) < _MAX_PITCH


def _scores(planes: Doubles, points: Doubles, reach: Doubles, weight: Doubles) -> Doubles:
    """Returns the score of each plane, float64 (n,): weighted inliers minus twice the points clearly below."""
    shares = (points @ planes[:, :3].T + planes[:, 3]) / reach[:, None]
    # MSAC (Torr and Zisserman 2000): truncated squares prefer, among equal counts, the plane with smaller errors.
    near = weight @ np.maximum(0.0, 1.0 - (shares / (2.0 * _TOLERANCE)) ** 2)
    below = weight @ (shares < -_CLEARLY_OFF)
    return np.asarray(near - 2.0 * below)


def _refined(plane: Doubles, points: Doubles, reach: Doubles) -> Ground | None:
    """Returns the plane fitted to its inliers, weighted by 1 / distance; None if the result is not plausible.

    A plane `n . X + d = 0` with d > 0 is `(n / d) . X = -1`, linear in n / d. Iteratively reweighted least squares with
    Tukey's biweight suppress outliers such as the bottoms of walls.
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
    return Ground(normal, below) if _is_plausible_up(normal) else None


def _is_ground(ground: Ground, points: Doubles, positions: Doubles, reach: Doubles, camera: Camera) -> bool:
    """Returns whether a plane qualifies as ground by its size, extent, depth range, points below and lowest part."""
    shares = (points @ ground.up + ground.below) / reach
    near = np.abs(shares) < _TOLERANCE
    if np.count_nonzero(near) < _MIN_SHARE * len(points):
        return False
    if np.count_nonzero(shares < -_CLEARLY_OFF) > _MAX_BELOW * len(points):
        return False
    lowest = positions[:, 1] > _LOWEST
    if not camera.is_panorama and np.count_nonzero(near & lowest) < _MIN_LOWEST * np.count_nonzero(lowest):
        return False
    width, height = np.ptp(np.quantile(positions[near], [0.02, 0.98], axis=0), axis=0)
    if width < _MIN_WIDTH or height < _MIN_HEIGHT:
        return False
    ends = np.quantile(reach[near], [0.02, 0.98])
    return bool(camera.is_panorama or ends[1] > _MIN_DEPTH_RATIO * ends[0])
