# SPDX-License-Identifier: GPL-3.0-or-later
"""Random lenses and picture shapes, as of ordinary photos."""

from __future__ import annotations

import math

import numpy as np

from training.scenes.furnished.scene import Shot
from training.scenes.palette import Random, between, chance
from training.scenes.stage import View
from training.scenes.views import SENSOR

SHAPES = ((1.0, 0.75), (0.75, 1.0), (1.0, 0.667), (1.0, 0.5625), (0.5625, 1.0), (0.8, 0.8), (1.0, 0.45))
SHAPE_SHARES = (0.36, 0.2, 0.1, 0.11, 0.07, 0.1, 0.06)
NARROWEST, WIDEST = 18.0, 100.0


def angle(random: Random) -> float:
    """Returns a field of view of the longer side in degrees: mostly about 62, a fifth anything from 18 to 100."""
    if chance(random, 0.2):
        return between(random, NARROWEST, WIDEST)
    return float(np.clip(random.normal(62, 13), NARROWEST, WIDEST))


def millimetres(degrees: float) -> float:
    """Returns the focal length of a field of view of the longer side, for a sensor of 36 mm."""
    return SENSOR / 2 / math.tan(math.radians(degrees) / 2)


def sides(random: Random, longer: int) -> tuple[int, int]:
    """Returns the width and height of a picture, multiples of 16."""
    wide, tall = SHAPES[int(random.choice(len(SHAPES), p=SHAPE_SHARES))]
    width, height = (max(32, round(longer * share / 16) * 16) for share in (wide, tall))
    return width, height


def longer_side(random: Random) -> int:
    """Returns the longer side of a picture in pixels."""
    return int(random.choice([256, 288, 320]))


def shot(random: Random, at: object, towards: object, degrees: float | None = None, steady: bool = False) -> Shot:
    """Returns a photo from a point towards another, of a random shape; `steady`: without roll."""
    width, height = sides(random, longer_side(random))
    roll = 0.0 if steady or chance(random, 0.35) else float(random.normal(0, 2.5))
    here, there = np.asarray(at, float), np.asarray(towards, float)
    view = View(
        (float(here[0]), float(here[1]), float(here[2])),
        (float(there[0]), float(there[1]), float(there[2])),
        millimetres(angle(random) if degrees is None else degrees),
        roll,
    )
    return Shot(view, width, height)
