# SPDX-License-Identifier: GPL-3.0-or-later
"""People in scenes: baked bodies, and the characters and animals of the furniture libraries."""

from __future__ import annotations

import re

import numpy as np

from training.scenes import furniture, palette
from training.scenes.furnished.bodies import Body, Region
from training.scenes.furnished.dress import dressed
from training.scenes.furnished.surfaces import Place, stand
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array, box, point
from training.scenes.stage import Stage

_LIES_OR_RIDES = re.compile("horse|lying|mannequin", re.I)
_SPACE = 0.5


def bystander(place: Place, random: Random, x: float, y: float, z: float) -> None:
    """Puts a person or an animal somewhere, if there is room."""
    if place.store.people and chance(random, 0.6):
        person(place, random, x, y, z, between(random, 0, 6.3), 0)
        return
    asset = place.store.pick(
        random,
        lambda one: one.height > 0.25 and not _LIES_OR_RIDES.search(one.name),
        {"Characters": 1.0},
    )
    if asset is not None:
        stand(place, random, asset, x, y, between(random, 0, 6.3), 0.0)


def person(place: Place, random: Random, x: float, y: float, z: float, turn: float, strands: int) -> Array | None:
    """Puts a baked person somewhere; returns the middle of the head, (3,), or None if there is no room.

    `turn` 0 faces -y.
    """
    if not place.ground.is_free(x, y, _SPACE, _SPACE):
        return None
    file = place.store.people[int(random.integers(len(place.store.people)))]
    body = Body.load(file)
    made = dressed(random, body, strands)
    if body.seat > 0:
        _seat(made, random, body)
    place.made.stage.take(made, x, y, z, turn)
    place.ground.take(x, y, _SPACE, _SPACE)
    place.aim(x, y, z, z + body.height, random)
    head = body.middle_of(Region.HEAD, Region.SCALP)
    cosine, sine = np.cos(turn), np.sin(turn)
    return point(x + head[0] * cosine - head[1] * sine, y + head[0] * sine + head[1] * cosine, z + head[2])


def _seat(made: Stage, random: Random, body: Body) -> None:
    """Adds a stool or a box under a sitting body."""
    high = max(0.03, body.seat - 0.01)
    color = (between(random, 0.05, 0.7), between(random, 0.05, 0.6), between(random, 0.05, 0.5))
    pattern = palette.wood(random)
    if chance(random, 0.5):
        made.add(color, pattern, box(0.4, 0.36, high).moved(0, 0.05))
        return
    made.add(color, pattern, box(0.42, 0.4, 0.03).moved(0, 0.05, high - 0.03))
    made.add(color, palette.PLAIN, furniture.legs(random, 0.42, 0.4, high - 0.03).moved(0, 0.05))
    if chance(random, 0.6):
        made.add(color, pattern, box(0.42, 0.03, between(random, 0.3, 0.5)).moved(0, 0.27, high))
