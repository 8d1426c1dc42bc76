# SPDX-License-Identifier: GPL-3.0-or-later
"""Streets, squares and gardens with vehicles, trees, street furniture and people."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from training.scenes import fittings, lights, palette
from training.scenes import trees as own_trees
from training.scenes.furnished import lens
from training.scenes.furnished.catalogue import Asset
from training.scenes.furnished.choice import Store
from training.scenes.furnished.people import bystander
from training.scenes.furnished.scene import Furnished, Shot, tint
from training.scenes.furnished.surfaces import Place, stand
from training.scenes.kinds import streets
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, block, point, sheet
from training.scenes.stage import Lamp, Light, Pattern, Scatter

_NOT_IN_STREETS = re.compile(
    "pool|parking|arrow|crossing|rails|goal|diving|jacuzzi|faucet|unit|bell|under snow|rowboat", re.I
)
_NOT_IN_GARDENS = re.compile(
    "parking|arrow|crossing|rails|diving|unit|bell|pedestrian|hydrant|under snow|sidewalk", re.I
)
_STREET_THINGS = re.compile("ladder|cone|street|park light|lamppost|container|barrel|crate|bin", re.I)
_CAR = re.compile("bus|truck|leon|peugeot|scenic|suv|chevrolet|van|smart|focus|concept|beetle", re.I)
_SHOTS = ("along", "road", "across", "thing", "up", "high", "aerial")
_SHARES = (0.28, 0.22, 0.14, 0.22, 0.04, 0.06, 0.04)
_FREE_AHEAD = 5.0
"""Metres of road without anything before the camera of a photo of the road."""


def street(random: Random, store: Store) -> Furnished:
    """Returns a road along y with houses, vehicles, trees and people."""
    made = Furnished("street", "street")
    place = Place(made, store)
    half, pavement = between(random, 2.5, 7), between(random, 1, 4)
    streets.ground(made.stage, random, half, pavement)
    lamps: list[Lamp] = []
    for side in (-1, 1):
        _side(place, random, side, half, pavement)
        _parked(place, random, side, half)
        for _ in range(int(random.poisson(7))):
            along = between(random, -4, 60) * random.random()
            _thing(place, random, side * (half + between(random, 0.3, pavement + 1)), along, _is_of_street, 0.12)
    for _ in range(int(random.poisson(1.3))):
        car = store.pick(random, is_car, {"Vehicles": 1.0})
        if car is not None:
            turn = float(random.choice([0, math.pi])) + float(random.normal(0, 0.08))
            stand(place, random, car, between(random, -0.5, 0.5) * half, 4 + float(random.exponential(20)), turn, 0.0)
    for _ in range(int(random.poisson(3))):
        x = float(random.choice([-1, 1])) * (half + between(random, 0.2, pavement))
        bystander(place, random, x, 1 + float(random.exponential(9)), 0.12)
    if chance(random, 0.4):
        streets.poles(made.stage, random, half + 0.35, lamps)
    if chance(random, 0.4):
        _end(place, random)
    made.light = light(random, lamps)
    made.shoot = partial(_shot, place=place, wide=half + pavement, far=60.0)
    return made


def garden(random: Random, store: Store) -> Furnished:
    """Returns a lawn or terrace by a house, with garden furniture, plants, hedges and people."""
    made = Furnished("street", "garden")
    place = Place(made, store)
    wide, deep = between(random, 6, 22), between(random, 8, 30)
    green = palette.leaf_color(random)
    made.stage.add(
        green, palette.rough(random, between(random, 1, 6), palette.like(random, green, 0.5)), sheet(500, 500)
    )
    if chance(random, 0.5):
        tufts = tuple(own_trees.tuft(random, between(random, 0.05, 0.16)) for _ in range(3))
        made.stage.scatters.append(
            Scatter(sheet(7, 7).moved(0, 3), tufts, between(random, 8, 30), (0.5, 1.2), int(random.integers(1 << 20)))
        )
    if chance(random, 0.7):
        _terrace(place, random, wide)
    for side in (-1, 1):
        _border(place, random, side * wide / 2, deep)
    for _ in range(int(random.integers(3, 15))):
        x, y = between(random, -0.5, 0.5) * wide, between(random, 0.5, deep)
        _thing(place, random, x, y, _is_of_garden, 0.0)
    for _ in range(int(random.integers(0, 6))):
        x, y = between(random, -1, 1) * wide, deep + between(random, 0, 15)
        made.stage.take(own_trees.tree(random, between(random, 4, 9), leaves=260), x, y)
    for _ in range(int(random.poisson(1.2))):
        bystander(place, random, between(random, -0.4, 0.4) * wide, between(random, 1.5, 10), 0.0)
    if chance(random, 0.45):
        streets.houses(made.stage, random, int(random.choice([-1, 1])), wide / 2 + between(random, 1, 8))
    made.light = light(random, [])
    made.shoot = partial(_shot, place=place, wide=wide / 2, far=deep)
    return made


def _side(place: Place, random: Random, side: int, half: float, pavement: float) -> None:
    edge = half + pavement
    kind = str(random.choice(["houses", "trees", "fence", "open"], p=[0.62, 0.16, 0.14, 0.08]))
    if kind == "houses":
        streets.houses(place.made.stage, random, side, edge + (0 if chance(random, 0.6) else between(random, 1, 8)))
    elif kind == "fence":
        rail = fittings.railing(40, between(random, 0.9, 2), between(random, 0.12, 0.3), between(random, 0.008, 0.03))
        place.made.stage.add(palette.any_color(random), PLAIN, rail.turned(np.pi / 2).moved(side * edge, -6))
    if kind != "open":
        for y in np.arange(between(random, -2, 6), 60, between(random, 6, 14)):
            if chance(random, 0.75 if kind in ("trees", "fence") else 0.35):
                tree = place.store.pick(random, is_tree, {"Exterior": 1.0})
                x = side * (half + min(1.2, pavement / 2) if kind == "houses" else edge + between(random, 1, 4))
                if tree is not None and not chance(random, 0.3):
                    stand(place, random, tree, x, float(y), between(random, 0, 6.3), 0.0)
                else:
                    grown = own_trees.tree(random, between(random, 3, 8), leaves=240)
                    place.made.stage.take(grown, x, float(y))


def _parked(place: Place, random: Random, side: int, half: float) -> None:
    y, density = between(random, -6, 2), between(random, 0, 0.9)
    while y < 60:
        if chance(random, density):
            car = place.store.pick(random, lambda one: one.depth < 8, {"Vehicles": 1.0})
            if car is not None:
                x = side * (half - car.width / 2 - 0.2) + float(random.normal(0, 0.1))
                turn = (0 if side > 0 else math.pi) + float(random.normal(0, 0.05))
                stand(place, random, car, x, y, turn, 0.0)
        y += 4.5 + float(random.exponential(2.5))


def _thing(place: Place, random: Random, x: float, y: float, wanted: Callable[[Asset], bool], z: float) -> None:
    asset = place.store.pick(random, wanted)
    if asset is not None and place.ground.is_free(x, y, asset.width, asset.width):
        place.ground.take(x, y, max(asset.width, asset.depth), max(asset.width, asset.depth))
        place.made.put(asset, x, y, z + asset.elevation, between(random, 0, 6.3), tint(random))
        place.aim(x, y, z, z + asset.height, random)


def _is_of_street(one: Asset) -> bool:
    if one.elevation > 0.1 or one.height < 0.4:
        return False
    return (one.category == "Exterior" and not _NOT_IN_STREETS.search(one.name)) or bool(
        _STREET_THINGS.search(one.name)
    )


def _is_of_garden(one: Asset) -> bool:
    return one.category == "Exterior" and one.elevation < 0.1 and one.width < 9 and not _NOT_IN_GARDENS.search(one.name)


def is_car(one: Asset) -> bool:
    """Returns whether an asset is a vehicle that drives on roads."""
    return bool(_CAR.search(one.name))


def is_tree(one: Asset) -> bool:
    """Returns whether an asset is a tree."""
    return one.height > 3.5 and one.width > 1.2 and not _NOT_IN_STREETS.search(one.name)


def _end(place: Place, random: Random) -> None:
    wall = palette.earth_color(random)
    pattern = Pattern("bricks", between(random, 1, 3), palette.like(random, wall, 0.5))
    place.made.stage.add(wall, pattern, block((-60, 62, 0), (60, 66, between(random, 5, 25))))


def _terrace(place: Place, random: Random, wide: float) -> None:
    """Adds paving and often a wall of the house."""
    color, pattern = palette.floor(random)
    long = between(random, 2, 6)
    place.made.stage.add(color, pattern, block((-wide / 2, -3, 0), (wide / 2, long, 0.03)))
    if chance(random, 0.5):
        wall, side = palette.wall_color(random), float(random.choice([-1, 1]))
        bricks = Pattern("bricks", between(random, 1, 4), palette.like(random, wall, 0.3))
        low, high = sorted((side * wide / 2, side * (wide / 2 + 6)))
        height = between(random, 2.5, 7)
        place.made.stage.add(wall, bricks if chance(random, 0.5) else PLAIN, block((low, -4, 0), (high, 12, height)))
        window = place.store.opening(random, lambda one: one.height < height)
        for y in np.arange(0.5, 11, 2.5):
            if window is not None and chance(random, 0.7):
                place.made.put(window, side * wide / 2, y, max(window.elevation, 0.03), math.pi / 2 * -side)


def _border(place: Place, random: Random, x: float, deep: float) -> None:
    kind = str(random.choice(["hedge", "fence", "wall", "bushes", "none"], p=[0.3, 0.25, 0.15, 0.2, 0.1]))
    hedge = place.store.named(random, "hedge|fence") if kind == "hedge" else None
    if hedge is not None:
        for y in np.arange(0, deep, max(0.5, hedge.width * 0.97)):
            place.made.put(hedge, x, float(y), 0, math.pi / 2)
    elif kind == "fence":
        rail = fittings.railing(
            deep, between(random, 0.8, 1.8), between(random, 0.1, 0.2), between(random, 0.008, 0.03)
        )
        place.made.stage.add(palette.any_color(random), PLAIN, rail.turned(np.pi / 2).moved(x))
    elif kind == "wall":
        color = palette.wall_color(random)
        bricks = Pattern("bricks", between(random, 1, 4), palette.like(random, color, 0.3))
        place.made.stage.add(color, bricks, block((x - 0.1, -2, 0), (x + 0.1, deep, between(random, 0.8, 2.4))))
    elif kind == "bushes":
        for y in np.arange(0.5, deep, between(random, 1.2, 3)):
            place.made.stage.take(own_trees.bush(random, between(random, 0.6, 1.6)), x, float(y))


def light(random: Random, lamps: list[Lamp]) -> Light:
    """Returns daylight, or night with up to three of the lamps."""
    found = lights.outdoors(random)
    if lights.is_night(found):
        if not lamps:
            return replace(found, sky=replace(found.sky, strength=4.0), suns=(replace(found.suns[0], strength=0.4),))
        return Light(found.sky, found.suns, tuple(lamps[:3]))
    return found


def _shot(random: Random, place: Place, wide: float, far: float) -> Shot | None:
    kind = str(random.choice(_SHOTS, p=_SHARES))
    eye = float(np.clip(random.normal(1.55, 0.25), 0.3, 3)) if chance(random, 0.85) else between(random, 0.3, 1.2)
    at = point(between(random, -1, 1) * wide, between(random, -4, 0.35 * far), eye)
    if kind == "thing":
        return _of_thing(random, place)
    if kind == "road":
        return of_road(random, place, wide, far)
    if kind == "across":
        side = float(random.choice([-1, 1]))
        at[0] = -side * wide * between(random, 0.2, 1)
        goal = point(side * wide, at[1] + between(random, -4, 4), between(random, 0.3, 3))
    elif kind == "aerial":
        at = point(between(random, -30, 30), between(random, -40, 0), float(np.exp(random.uniform(3.0, 5.3))))
        goal = at + point(float(random.normal(0, 0.3)), 1.0, -between(random, 0.35, 2.5))
    else:
        at[2] = between(random, 3.5, 15) if kind == "high" else eye
        pitch = {
            "along": float(random.normal(-0.03, 0.07)),
            "up": between(random, 0.2, 0.7),
            "high": -between(random, 0.1, 0.6),
        }
        turn = float(random.normal(0, 0.4))
        goal = at + point(math.sin(turn), math.cos(turn), pitch[kind])
    if at[2] < 3.5 and not place.ground.is_free(at[0], at[1], 0.5, 0.5):
        return None
    return lens.shot(random, at, goal)


def of_road(random: Random, place: Place, wide: float, far: float) -> Shot | None:
    """Returns a photo along a road or lawn, as from a car or of somebody who stands back: nothing is close."""
    at = point(between(random, -0.6, 0.6) * wide, between(random, -8, 0.3 * far), between(random, 1.1, 2.2))
    if not place.ground.is_free(at[0], at[1] + _FREE_AHEAD / 2, 1.2, _FREE_AHEAD):
        return None
    turn = float(random.normal(0, 0.12))
    goal = at + point(math.sin(turn), math.cos(turn), float(random.normal(-0.02, 0.05)))
    return lens.shot(random, at, goal, between(random, 35, 75) if chance(random, 0.6) else None)


def _of_thing(random: Random, place: Place) -> Shot | None:
    near = [one for one in place.targets if abs(one[1]) < 25]
    if not near:
        return None
    goal: Array = near[int(random.integers(len(near)))]
    distance = float(np.exp(random.uniform(math.log(0.8), math.log(7))))
    up, turn = math.radians(between(random, -3, 30)), between(random, 0, 2 * math.pi)
    at = goal + distance * point(math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up))
    at[2] = max(0.25, at[2])
    if not place.ground.is_free(at[0], at[1], 0.3, 0.3):
        return None
    return lens.shot(random, at, goal)
