# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds how a camera was rolled from upright edges in its photo: walls, doors, posts, trunks; numpy only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Bytes, Floats
from ..photo.resampling import resize_to
from .camera import Camera

_SIDE = 512
"""Longer side in pixels at which edges are looked for."""
_REACH = 2
"""Pixels on each side over which the direction of an edge is averaged."""
_STRAIGHT = 0.8
"""Least coherence of an edge, 0..1: 1 if all gradients around it have one direction."""
_STEEPEST = math.radians(30.0)
"""Largest angle of an edge from the photo's columns."""
_MOST_EDGES = 1500
_SEED = 20240607
_WIDTH = math.radians(1.0)
"""Standard deviation of the direction of an edge from that of an upright thing."""
_ROLLS = np.radians(np.arange(-15.0, 15.01, 0.5))
_PITCHES = np.radians(np.arange(-48.0, 48.01, 6.0))
_CLEAR = 0.6
"""Least contrast that counts."""
_DEVIATION, _HABIT = math.radians(0.8), math.radians(3.0)
"""Standard deviations of the roll: by clear edges, and without a look at the photo. The first one is measured on 141
photos that were turned by known angles: half of all errors are below 0.4 degrees, 95 % below 2."""
_FEWEST = 80
"""Least number of edges to judge by."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Uprights:
    """What upright edges say about a camera.

    roll      radians, as in `Camera`
    contrast  how much better the edges agree with this roll than with most others: 0, not at all
    """

    roll: float
    contrast: float

    @property
    def is_clear(self) -> bool:
        """Whether the edges are enough, and the roll is not at the end of those that were tried."""
        return self.contrast >= _CLEAR and abs(self.roll) < 0.95 * float(_ROLLS[-1])

    @property
    def likely(self) -> float:
        """The roll after weighing the edges against the habit to hold cameras level, as normal distributions."""
        return self.roll * _HABIT**2 / (_HABIT**2 + _DEVIATION**2)


def find_uprights(pixels: Bytes, camera: Camera) -> Uprights | None:
    """Returns the roll that most upright edges of a photo, uint8 (h, w, 3), agree with; None with too few edges.

    An upright line points at each place in a direction that follows from pitch and roll. Every pair of the two is
    scored by the edges whose direction agrees, as in a Hough transform.
    """
    places, angles, weights = _edges(pixels, camera)
    if len(angles) < _FEWEST:
        return None
    scores = np.max([_scores(pitch, places, angles, weights, camera) for pitch in _PITCHES], axis=0)
    best = int(np.argmax(scores))
    usual = float(np.median(scores))
    return Uprights(_between(scores, best), float(scores[best] / max(usual, 1e-12) - 1.0))


def _between(scores: Doubles, best: int) -> float:
    """Returns the place of the maximum between the steps of the roll: that of the parabola through three scores."""
    if not 0 < best < len(scores) - 1:
        return float(_ROLLS[best])
    left, middle, right = scores[best - 1 : best + 2]
    bend = left - 2.0 * middle + right
    step = 0.0 if bend >= 0.0 else 0.5 * (left - right) / bend
    return float(_ROLLS[best] + step * (_ROLLS[1] - _ROLLS[0]))


def _scores(pitch: float, places: Doubles, angles: Doubles, weights: Doubles, camera: Camera) -> Doubles:
    """Returns how well the edges agree with each roll at a pitch, float64 (rolls,)."""
    level = math.cos(pitch)
    across, down = level * np.sin(_ROLLS)[:, None], -level * np.cos(_ROLLS)[:, None]
    # The direction in which a point moves in the picture when it moves up: the derivative of its projection.
    x = camera.fx * (across - places[:, 0] * math.sin(pitch))
    y = camera.fy * (down - places[:, 1] * math.sin(pitch))
    off = np.arctan(x / np.where(y == 0.0, -1e-12, -y)) - angles
    return np.asarray(np.exp(-0.5 * (off / _WIDTH) ** 2) @ weights)


def _edges(pixels: Bytes, camera: Camera) -> tuple[Doubles, Doubles, Doubles]:
    """Returns edges that are nearly upright: rays through them, (n, 2), angles from the columns, (n,), and weights."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    rows, columns = max(8, round(height * scale)), max(8, round(width * scale))
    grey = np.asarray(resize_to(pixels, columns, rows).mean(axis=2), np.float32)
    # Differences across sharp edges exaggerate their slope.
    down, across = (np.asarray(part, np.float32) for part in np.gradient(_summed(_summed(grey, 1), 1)))
    xx, yy, xy = (_summed(part, _REACH) for part in (across * across, down * down, across * down))
    energy = xx + yy
    span = np.hypot(xx - yy, 2.0 * xy)
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    is_edge = (span > _STRAIGHT * energy) & (np.abs(angle) < _STEEPEST) & (energy > 2.0 * np.median(energy) + 0.08)
    row, column = np.nonzero(is_edge)
    if len(row) > _MOST_EDGES:
        chosen = np.random.default_rng(_SEED).choice(len(row), _MOST_EDGES, replace=False)
        row, column = row[chosen], column[chosen]
    places = np.stack(
        [
            ((column + 0.5) * width / columns - camera.cx) / camera.fx,
            ((row + 0.5) * height / rows - camera.cy) / camera.fy,
        ],
        axis=1,
    )
    # A few very strong edges must not outvote the others.
    weights = np.sqrt(np.sqrt(energy[row, column].astype(np.float64)))
    return places, angle[row, column].astype(np.float64), weights / max(1e-12, float(weights.sum()))


def _summed(values: Floats, reach: int) -> Floats:
    """Returns the sums over squares around each cell; beyond the borders the outermost values go on."""
    return windows.total(np.pad(values, reach, mode="edge"), reach)[reach:-reach, reach:-reach]
