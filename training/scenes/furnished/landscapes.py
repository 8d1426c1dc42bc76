# SPDX-License-Identifier: GPL-3.0-or-later
"""Landscapes of the generator, photographed several times: ahead, to the sides, from above."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from training.scenes.furnished import lens
from training.scenes.furnished.choice import Store
from training.scenes.furnished.scene import Furnished, Shot
from training.scenes.kinds import landscapes
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import point
from training.scenes.stage import Scene


def landscape(random: Random, store: Store) -> Furnished:
    """Returns a landscape; `store` is not used."""
    scene = landscapes.landscape(random)
    made = Furnished("landscape", "landscape", stage=scene.stage, light=scene.light)
    made.shoot = partial(_shot, scene=scene)
    return made


def _shot(random: Random, scene: Scene) -> Shot:
    at = np.array(scene.view.at)
    if chance(random, 0.12):
        at = at + point(0, between(random, -20, 0), float(np.exp(random.uniform(1.5, 5.0))))
        pitch = -between(random, 0.1, 0.8)
    else:
        at = at + point(between(random, -1.5, 1.5), between(random, -1.5, 0.5), between(random, 0, 0.4))
        pitch = float(random.normal(-0.05, 0.12))
    turn = float(random.normal(0, 0.35))
    return lens.shot(random, at, at + point(math.sin(turn), math.cos(turn), pitch))
