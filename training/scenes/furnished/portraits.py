# SPDX-License-Identifier: GPL-3.0-or-later
"""Portraits and groups: people in rooms, gardens and streets, from close by to the whole figure."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from training.scenes import lights
from training.scenes.furnished import lens, rooms, streets
from training.scenes.furnished.choice import Store
from training.scenes.furnished.people import person
from training.scenes.furnished.scene import Furnished, Shot
from training.scenes.furnished.surfaces import Place
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array, point
from training.scenes.stage import Lamp

_SHARE_INDOORS = 0.5
_STRANDS = 5000


def people(random: Random, store: Store) -> Furnished:
    """Returns a room, garden or street with one to five people to photograph.

    Raises ValueError if there are no baked people.
    """
    if not store.people:
        raise ValueError("There are no baked people: give their folder with --people.")
    if chance(random, _SHARE_INDOORS):
        surroundings = rooms.room(random, store, str(random.choice(["living", "bedroom", "office", "hall", "kitchen"])))
        place, around = _place_of(surroundings), (3.0, 3.0)
    else:
        surroundings = (streets.garden if chance(random, 0.5) else streets.street)(random, store)
        place, around = _place_of(surroundings), (5.0, 12.0)
    heads = _group(place, random, around)
    if not heads:
        return surroundings
    surroundings.kind, surroundings.name = "person", "people"
    if surroundings.light is not None and chance(random, 0.35):
        surroundings.light = replace(surroundings.light, lamps=(*surroundings.light.lamps, _lamp(random, heads[0])))
    surroundings.shoot = partial(_shot, heads=heads, place=place)
    surroundings.may_be_flat = False
    return surroundings


def _place_of(surroundings: Furnished) -> Place:
    """Returns the place that a scene's photos are taken in."""
    shoot = surroundings.shoot
    assert isinstance(shoot, partial)
    place = shoot.keywords["place"]
    assert isinstance(place, Place)
    return place


def _group(place: Place, random: Random, around: tuple[float, float]) -> list[Array]:
    wanted = 1 if chance(random, 0.45) else int(random.integers(2, 6))
    facing = between(random, -math.pi, math.pi)
    heads: list[Array] = []
    for _ in range(60):
        x, y = between(random, -0.5, 0.5) * around[0], between(random, -0.5, 0.5) * around[1]
        if heads and chance(random, 0.7):
            x, y = heads[0][:2] + random.normal(0, 0.7, 2)
        turn = facing + float(random.normal(0, 0.5)) if chance(random, 0.8) else between(random, 0, 6.3)
        head = person(place, random, float(x), float(y), 0.0, turn, _STRANDS if not heads else 800)
        if head is not None:
            heads.append(np.append(head, turn))
        if len(heads) == wanted:
            break
    return heads


def _lamp(random: Random, head: Array) -> Lamp:
    """Returns a lamp in front of a person."""
    turn = head[3] + float(random.normal(0, 0.8))
    x, y = head[0] + 1.6 * math.sin(turn), head[1] - 1.6 * math.cos(turn)
    at = (float(x), float(y), float(head[2] + between(random, 0, 0.8)))
    color = lights.lamp_color(random)
    return Lamp(
        at, (float(head[0]), float(head[1]), float(head[2])), between(random, 0.2, 1.0), between(random, 15, 70), color
    )


def _shot(random: Random, heads: list[Array], place: Place) -> Shot | None:
    """Returns a photo of a person, mostly from the front: a portrait, half or all of the figure, or a group."""
    head = heads[int(random.integers(len(heads)))] if chance(random, 0.4) else heads[0]
    size = float(np.exp(random.uniform(math.log(0.35), math.log(2.6))))
    goal = np.array(head[:3])
    goal[2] = max(0.3, head[2] - size * between(random, 0.0, 0.24))
    beside = [one for one in heads if 0.1 < np.hypot(*(one[:2] - head[:2])) < 1.5]
    if beside and size > 1.0:
        goal[:2] = (head[:2] + beside[0][:2]) / 2
    degrees = lens.angle(random)
    distance = size / 2 / math.tan(math.radians(degrees) / 2) * between(random, 0.9, 1.5)
    up = math.radians(between(random, -12, 22))
    turn = head[3] + float(random.normal(0, 0.6))
    ahead = point(math.sin(turn) * math.cos(up), -math.cos(turn) * math.cos(up), math.sin(up))
    at = goal + distance * ahead
    at[2] = max(0.15, at[2])
    if distance < 0.3 or not _is_inside(place, at):
        return None
    return lens.shot(random, at, goal, degrees)


def _is_inside(place: Place, at: Array) -> bool:
    """Returns whether a camera is within the room, if it is one, and not in anything."""
    shoot = place.shell
    if shoot is not None and (not shoot.contains(at[0], at[1], 0.1) or at[2] > shoot.height - 0.1):
        return False
    return bool(at[2] > 2.2 or place.ground.is_free(at[0], at[1], 0.15, 0.15))
