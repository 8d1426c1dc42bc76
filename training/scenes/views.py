# SPDX-License-Identifier: GPL-3.0-or-later
"""Random cameras."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array
from training.scenes.stage import View

SENSOR = 36.0
"""Width of the sensor in millimetres."""
WIDEST_BLUR = 0.025
"""Largest blur of a point as a share of the picture's longer side; with more, there are no edges to learn."""


def lens(random: Random, shortest: float = 18, longest: float = 135) -> float:
    """Returns a focal length in millimetres, often that of a phone."""
    if chance(random, 0.4):
        return float(np.clip(between(random, 22, 32), shortest, longest))
    return float(np.exp(random.uniform(np.log(shortest), np.log(longest))))


def view(random: Random, at: ArrayLike, towards: ArrayLike, focal: float, blurred: float = 0.15) -> View:
    """Returns a camera with some roll, and with a shallow depth of field with probability `blurred`."""
    here, there = np.asarray(at, float), np.asarray(towards, float)
    roll = between(random, -25, 25) if chance(random, 0.12) else float(random.normal(0, 1.5))
    f_number = float(np.exp(random.uniform(np.log(1.2), np.log(8)))) if chance(random, blurred) else 0.0
    points = [(float(one[0]), float(one[1]), float(one[2])) for one in (here, there)]
    return View(points[0], points[1], focal, roll, f_number)


def focused(random: Random, camera: View, disparity: NDArray[np.float32]) -> View:
    """Returns the camera focused near the middle of the picture, stopped down if the rest would be too blurred.

    `disparity` (h, w) is per metre.
    """
    if camera.f_number <= 0:
        return camera
    height, width = disparity.shape
    row, column = (int(size * between(random, 0.3, 0.7)) for size in (height, width))
    sharp = max(float(disparity[row, column]), 1e-3)
    nearest, farthest = np.percentile(disparity, (99.5, 1))
    # Thin lens: blur diameter = aperture diameter * focal length * difference of inverse depth.
    spread = max(abs(nearest - sharp), abs(farthest - sharp)) / 1000
    f_number = max(camera.f_number, camera.lens**2 * float(spread) / (WIDEST_BLUR * SENSOR))
    return replace(camera, f_number=f_number, focus=1 / sharp)


def around(random: Random, middle: ArrayLike, size: float, focal: float, lowest: float, highest: float) -> Array:
    """Returns a point, between two elevation angles, from which an object of a size about fills the picture."""
    distance = size * focal / 36 * between(random, 0.9, 1.8)
    height, turn = np.radians(between(random, lowest, highest)), between(random, 0, 2 * np.pi)
    direction = np.array([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)])
    return np.asarray(middle, float) + distance * direction
