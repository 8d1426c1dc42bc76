# SPDX-License-Identifier: GPL-3.0-or-later
"""Open roads as seen from a car: several lanes with traffic, verges, trees and houses far apart, bridges."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from training.scenes import fittings, palette
from training.scenes import trees as own_trees
from training.scenes.furnished import lens, streets
from training.scenes.furnished.choice import Store
from training.scenes.furnished.scene import Furnished, Shot
from training.scenes.furnished.surfaces import Place, stand
from training.scenes.kinds import streets as own_streets
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import block, box, joined, point
from training.scenes.stage import Lamp, Pattern

_LONG = 160.0
"""Metres of road before the camera that have traffic and things beside them."""


def road(random: Random, store: Store) -> Furnished:
    """Returns a road along y without anything close to the camera."""
    made = Furnished("street", "road")
    place = Place(made, store)
    lanes, lane = int(random.integers(2, 7)), between(random, 2.8, 3.8)
    half = lanes * lane / 2
    verge = between(random, 0.3, 2.5)
    own_streets.ground(made.stage, random, half, verge)
    if lanes > 2:
        _lane_lines(place, lanes, lane)
    _traffic(place, random, lanes, lane)
    lamps: list[Lamp] = []
    for side in (-1, 1):
        _beside(place, random, side, half + verge)
    if chance(random, 0.4):
        own_streets.poles(made.stage, random, half + verge, lamps)
    if chance(random, 0.2):
        _bridge(place, random, half + verge)
    made.light = streets.light(random, lamps)
    made.shoot = partial(_shot, place=place, lanes=lanes, lane=lane)
    return made


def _lane_lines(place: Place, lanes: int, lane: float) -> None:
    lines = [
        box(0.14, 3.5, 0.006).moved((number - lanes / 2) * lane, y)
        for number in range(1, lanes)
        for y in np.arange(-20.0, 120.0, 9.0)
    ]
    place.made.stage.add((0.8, 0.8, 0.76), PLAIN, joined(lines))


def _traffic(place: Place, random: Random, lanes: int, lane: float) -> None:
    """Adds vehicles in the lanes, coming on the left and driving ahead on the right, or the other way round."""
    density = between(random, 0.0, 0.8)
    other = float(random.choice([-1, 1]))
    for number in range(lanes):
        x = (number - (lanes - 1) / 2) * lane
        turn = math.pi if x * other > 0 else 0.0
        y = 5.0 + float(random.exponential(15))
        while y < _LONG:
            car = place.store.pick(random, streets.is_car, {"Vehicles": 1.0}) if chance(random, density) else None
            if car is not None:
                stand(
                    place, random, car, x + float(random.normal(0, 0.25)), y, turn + float(random.normal(0, 0.03)), 0.0
                )
            y += 8.0 + float(random.exponential(18))


def _beside(place: Place, random: Random, side: int, edge: float) -> None:
    """Adds what stands along one side of the road."""
    stage = place.made.stage
    kind = str(random.choice(["rail", "wall", "houses", "open"], p=[0.3, 0.15, 0.2, 0.35]))
    if kind == "rail":
        rail = fittings.railing(_LONG, between(random, 0.6, 1.1), between(random, 1.5, 4), between(random, 0.02, 0.06))
        stage.add(palette.any_color(random, 0.3), PLAIN, rail.turned(np.pi / 2).moved(side * edge, -10))
    elif kind == "wall":
        color = palette.wall_color(random)
        pattern = Pattern("bricks", between(random, 0.3, 2), palette.like(random, color, 0.3))
        near, far = sorted((side * edge, side * (edge + 0.3)))
        stage.add(color, pattern, block((near, -20, 0), (far, _LONG, between(random, 1.0, 5.0))))
    elif kind == "houses":
        own_streets.houses(stage, random, side, edge + between(random, 3, 25))
    spacing, setback = float(np.exp(random.uniform(1.2, 3.4))), between(random, 0.5, 12.0)
    for y in np.arange(between(random, 4, 20), _LONG, spacing):
        x = side * (edge + setback + float(random.exponential(4)))
        tree = place.store.pick(random, streets.is_tree, {"Exterior": 1.0})
        if tree is not None and chance(random, 0.5):
            stand(place, random, tree, x, float(y), between(random, 0, 6.3), 0.0)
        elif chance(random, 0.7):
            stage.take(own_trees.tree(random, between(random, 4, 12), leaves=160), x, float(y))
    if chance(random, 0.5):
        # A dark row of wood or hills closes the view.
        far, high = edge + between(random, 30, 150), between(random, 5, 25)
        near, outer = sorted((side * far, side * (far + 40)))
        leaf = palette.leaf_color(random)
        pattern = palette.rough(random, between(random, 0.1, 0.6), palette.like(random, leaf, 0.5))
        stage.add(leaf, pattern, block((near, -40, 0), (outer, 400, high)))


def _bridge(place: Place, random: Random, edge: float) -> None:
    """Adds a bridge across the road, or a gantry."""
    y, low = between(random, 18, 90), between(random, 4.8, 7)
    deep, tall = (between(random, 5, 14), between(random, 0.8, 1.8)) if chance(random, 0.6) else (0.5, 0.6)
    color = palette.wall_color(random)
    parts = [block((-edge - 25, y, low), (edge + 25, y + deep, low + tall))]
    parts += [block((side * (edge + 1) - 0.5, y, 0), (side * (edge + 1) + 0.5, y + deep, low)) for side in (-1, 1)]
    place.made.stage.add(color, palette.rough(random, 1.0, palette.like(random, color, 0.3)), joined(parts))


def _shot(random: Random, place: Place, lanes: int, lane: float) -> Shot | None:
    """Returns a photo from the height of a driver or a roof, level and ahead, now and then turned aside."""
    x = (int(random.integers(lanes)) - (lanes - 1) / 2) * lane + float(random.normal(0, 0.3))
    at = point(x, between(random, -6, 50), between(random, 1.15, 2.4))
    if not place.ground.is_free(at[0], at[1] + 3.0, 1.5, 7.0):
        return None
    turn = float(random.normal(0, 0.06 if chance(random, 0.75) else 0.4))
    goal = at + point(math.sin(turn), math.cos(turn), float(random.normal(-0.01, 0.03)))
    return lens.shot(random, at, goal, between(random, 40, 85), steady=True)
