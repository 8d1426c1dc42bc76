# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, shelves and floors full of objects, close by; a fifth of the photos from straight above."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from training.scenes import furniture as own
from training.scenes import palette
from training.scenes.furnished import indoor_light, lens, room_shots, walls
from training.scenes.furnished.choice import Store
from training.scenes.furnished.hanging import hang
from training.scenes.furnished.rooms import MIXES
from training.scenes.furnished.scene import Furnished, Shot
from training.scenes.furnished.surfaces import Place, Surface, stand, strew
from training.scenes.furnished.walls import Shell
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, block, box, point
from training.scenes.stage import Color, Pattern

_SHOTS = ("thing", "surface", "frontal")
_SHARES = (0.35, 0.5, 0.15)


def table(random: Random, store: Store) -> Furnished:
    """Returns a surface with many things on it, before walls, in a room."""
    made = Furnished("object", "table")
    place = Place(made, store)
    shell = Shell.of(between(random, 2.2, 5.5), between(random, 2.2, 5.5), between(random, 2.3, 3.0))
    walls.build(made.stage, random, shell)
    surface = _surface(place, random, shell)
    place.surfaces.append(surface)
    place.ground.take(surface.middle[0], surface.middle[1], surface.width, surface.depth)
    single = chance(random, 0.2)
    strew(place, random, surface, 0.2 if single else between(random, 1.0, 4.5))
    if single or not place.targets:
        _single(place, random, surface)
    goals = list(place.targets)
    for wall in shell.walls:
        hang(place, random, wall, shell.height)
    for _ in range(int(random.integers(0, 5))):
        asset = store.furniture(
            random, MIXES["living"], lambda one: one.height > 0.4 and max(one.width, one.depth) < 1.4
        )
        wall = shell.walls[int(random.integers(4))]
        if asset is not None:
            x, y = wall.at(between(random, -0.4, 0.4) * wall.length, asset.depth / 2 + 0.03)
            stand(place, random, asset, x, y, wall.turn + float(random.normal(0, 0.05)))
    made.light = indoor_light.light(random, shell, [])
    made.shoot = partial(_shot, goals=goals, shell=shell, surface=surface)
    return made


def _surface(place: Place, random: Random, shell: Shell) -> Surface:
    """Adds a table, a board by the wall, or takes a part of the floor."""
    width, depth = between(random, 0.5, 1.8), between(random, 0.45, 1.1)
    kind = str(random.choice(["table", "wall", "floor"], p=[0.55, 0.33, 0.12]))
    height = {"table": 0.74, "wall": between(random, 0.4, 1.1), "floor": 0.0}[kind]
    x, y = between(random, -0.2, 0.2) * shell.width, between(random, -0.2, 0.2) * shell.depth
    if kind == "wall":
        width = min(width * 1.3, shell.width - 0.2)
        x, y = between(random, -0.5, 0.5) * (shell.width - width), shell.depth / 2 - depth / 2 - 0.002
    color, pattern = _top(random)
    if kind != "floor":
        place.made.stage.add(color, pattern, box(width, depth, 0.03).moved(x, y, height - 0.03))
    if kind == "table":
        legs = own.legs(random, width, depth, height - 0.03)
        place.made.stage.add(palette.like(random, color), PLAIN, legs.moved(x, y))
    if kind == "wall":
        low = (x - width / 2 + 0.02, y - depth / 2 + 0.03, 0)
        place.made.stage.add(
            palette.any_color(random, 0.95), PLAIN, block(low, (x + width / 2 - 0.02, y + depth / 2, height - 0.03))
        )
    return Surface((x, y, height), width, depth, 0.0)


def _top(random: Random) -> tuple[Color, Pattern]:
    kind = random.random()
    if kind < 0.4:
        return palette.wood_color(random), palette.wood(random)
    if kind < 0.6:
        return palette.hsv(0.1, random.beta(1, 10), between(random, 0.75, 0.98)), PLAIN
    if kind < 0.75:
        return palette.any_color(random, 0.9), palette.shiny(random)
    return palette.any_color(random, 0.95), palette.some(random, between(random, 0.4, 1.2))


def _single(place: Place, random: Random, surface: Surface) -> None:
    """Puts one thing in the middle."""
    asset = place.store.small(random, min(0.7, surface.width))
    if asset is not None:
        x, y, z = surface.middle
        place.made.put(asset, x, y, z + 0.002, between(random, 0, 6.3))
        place.targets.append(point(x, y, z + asset.height / 2))


def _shot(random: Random, goals: list[Array], shell: Shell, surface: Surface) -> Shot | None:
    kind = str(random.choice(_SHOTS, p=_SHARES))
    if kind == "surface" or not goals:
        return room_shots.of_surface(random, [surface], shell)
    goal = goals[int(random.integers(len(goals)))]
    if kind == "frontal":
        far = between(random, 0.6, 1.8)
        at = goal + point(float(random.normal(0, 0.12)), -far, between(random, 0.0, 0.35) * far)
    else:
        distance = float(np.exp(random.uniform(math.log(0.25), math.log(1.1))))
        up = math.radians(between(random, 60, 90) if chance(random, 0.15) else between(random, 3, 55))
        turn = float(random.normal(-math.pi / 2, 0.9))
        at = goal + distance * point(math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up))
    if not shell.contains(at[0], at[1], 0.1) or not 0.1 < at[2] < shell.height - 0.1:
        return None
    return lens.shot(random, at, goal)
