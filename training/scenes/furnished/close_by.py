# SPDX-License-Identifier: GPL-3.0-or-later
"""Things close before the camera, as a hand holds them or as they come into the picture from a side."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from training.scenes.furnished.choice import Store
from training.scenes.furnished.scene import Placed, Shot, tint
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import point
from training.scenes.views import SENSOR

SHARE = 0.14
"""Share of photos with such a thing."""
LARGEST = 0.5
"""Size of the largest such thing in metres."""
NEAREST, FARTHEST = 0.22, 1.1
"""Metres between the camera and its near side."""


def sometimes(random: Random, shot: Shot, store: Store) -> Shot:
    """Returns a photo, `SHARE` of them with a thing between `NEAREST` and `FARTHEST` metres before the camera."""
    if not chance(random, SHARE):
        return shot
    asset = store.small(random, LARGEST)
    if asset is None:
        return shot
    here, there = np.array(shot.view.at), np.array(shot.view.towards)
    ahead = (there - here) / np.linalg.norm(there - here)
    across = np.cross(ahead, point(0, 0, 1))
    if np.linalg.norm(across) < 0.05:
        return shot
    across /= np.linalg.norm(across)
    up = np.cross(across, ahead)
    distance = asset.extent / 2 + float(np.exp(random.uniform(math.log(NEAREST), math.log(FARTHEST))))
    half = distance * SENSOR / 2 / shot.view.lens / max(shot.width, shot.height)
    aside, above = half * shot.width * between(random, -0.9, 0.9), half * shot.height * between(random, -0.95, 0.45)
    middle = here + distance * ahead + aside * across + above * up
    at = (float(middle[0]), float(middle[1]), float(middle[2] - asset.height / 2))
    return replace(shot, close=(Placed(asset, at, between(random, 0, 6.3), tint(random)),))
