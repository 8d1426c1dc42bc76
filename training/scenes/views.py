# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from training.scenes.palette import Random, between, chance
from training.scenes.stage import View

LENSES = (18.0, 24.0, 28.0, 35.0, 50.0, 70.0, 85.0, 135.0)


def lens(random: Random, shortest: float = 18, longest: float = 135) -> float:
    """Returns a focal length in millimetres, those of telephones more often than others."""
    if chance(random, 0.4):
        return float(np.clip(between(random, 22, 32), shortest, longest))
    return float(np.exp(random.uniform(np.log(shortest), np.log(longest))))


def view(random: Random, at: ArrayLike, towards: ArrayLike, focal: float, blurred: float = 0.15) -> View:
    """Returns a camera with some roll, and with a small depth of field in a share of all cases."""
    here, there = np.asarray(at, float), np.asarray(towards, float)
    roll = between(random, -25, 25) if chance(random, 0.12) else float(random.normal(0, 1.5))
    f_number = float(np.exp(random.uniform(np.log(1.2), np.log(8)))) if chance(random, blurred) else 0.0
    points = [(float(one[0]), float(one[1]), float(one[2])) for one in (here, there)]
    return View(points[0], points[1], focal, roll, f_number)


def around(random: Random, middle: ArrayLike, size: float, focal: float, lowest: float, highest: float) -> np.ndarray:
    """Returns a place from which a thing of a size about fills the picture, between two angles over the horizon."""
    distance = size * focal / 36 * between(random, 0.9, 1.8)
    height, turn = np.radians(between(random, lowest, highest)), between(random, 0, 2 * np.pi)
    direction = np.array([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)])
    return np.asarray(middle, float) + distance * direction
