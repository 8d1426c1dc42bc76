# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms: furniture, shelves, lamps, windows, pictures on the walls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from training.scenes import figure, fittings, furniture, lights, palette, things, views
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Shape, block, box, lathe, sheet
from training.scenes.stage import Light, Point, Scene, Stage, Sun, View


def room(random: Random) -> Scene:
    """Returns a furnished room seen from inside."""
    stage = Stage()
    width, depth, height = between(random, 2.6, 7), between(random, 3, 9), between(random, 2.3, 3.6)
    _shell(stage, random, width, depth, height)
    places = _furnish(stage, random, width, depth)
    for _ in range(random.integers(0, 3)):
        drop = between(random, 0.4, 1.4)
        hanging = furniture.hanging_lamp(random, drop)
        stage.take(hanging, between(random, 0.25, 0.75) * width, between(random, 0.3, 0.8) * depth, height)
    light = _light(random, (width, depth, height))
    return Scene(stage, light, _view(random, (width, depth, height), places))


def _shell(stage: Stage, random: Random, width: float, depth: float, height: float) -> None:
    color, pattern = palette.floor(random)
    stage.add(color, pattern, sheet(width, depth).moved(width / 2, depth / 2))
    stage.add(
        palette.hsv(0.1, between(random, 0, 0.1), 0.95), PLAIN, sheet(width, depth).moved(width / 2, depth / 2, height)
    )
    wall = palette.wall_color(random)
    paper = palette.some(random, between(random, 0.5, 2)) if chance(random, 0.3) else PLAIN
    if paper.kind != "plain":
        paper = replace(paper, second=palette.like(random, wall, 0.4), gloss=0.0)
    ends = [_wall(stage, random, length, height) for length in (width, depth, depth, width)]
    turned = [
        [one.moved(0, depth) for one in ends[0]],
        [one.turned(np.pi / 2) for one in ends[1]],
        [one.turned(-np.pi / 2).moved(width, depth) for one in ends[2]],
        [one.turned(np.pi).moved(width) for one in ends[3]],
    ]
    for side in turned:
        odd = palette.any_color(random, 0.9) if chance(random, 0.15) else wall
        stage.add(odd, paper, *side)
    if chance(random, 0.6):
        strip = palette.like(random, wall, 0.5)
        stage.add(strip, PLAIN, block((0, depth - 0.02, 0), (width, depth, 0.1)), block((0, 0, 0), (0.02, depth, 0.1)))
        stage.add(strip, PLAIN, block((width - 0.02, 0, 0), (width, depth, 0.1)))
    if chance(random, 0.2):
        for y in np.arange(0.5, depth, between(random, 0.7, 1.5)):
            stage.add(palette.wood_color(random), PLAIN, block((0, y, height - 0.18), (width, y + 0.12, height)))
    for _ in range(random.integers(0, 5)):
        _picture(stage, random, width, depth, height)
    _outside(stage, random, width, depth)


def _wall(stage: Stage, random: Random, length: float, height: float) -> list[Shape]:
    """Returns a wall along x of a room at negative y, sometimes with a window or a doorway."""
    kind = str(random.choice(["closed", "window", "door"], p=[0.45, 0.35, 0.2]))
    if kind == "closed" or length < 2.4:
        return [block((0, 0, 0), (length, 0.12, height))]
    left = between(random, 0.2, length - 1.9)
    if kind == "door":
        return fittings.wall_with_hole(
            length, height, (left, 0), (left + between(random, 0.8, 1.4), min(2.1, height - 0.15))
        )
    right = left + between(random, 0.7, 1.6)
    low, high = between(random, 0.3, 1.0), height - between(random, 0.2, 0.5)
    parts = fittings.wall_with_hole(length, height, (left, low), (right, high))
    bar = between(random, 0.015, 0.04)
    for share in np.linspace(0, 1, int(random.integers(2, 5))):
        x = left + (right - left) * share
        parts.append(block((x - bar, 0.03, low), (x + bar, 0.07, high)))
    for share in np.linspace(0, 1, int(random.integers(2, 5))):
        z = low + (high - low) * share
        parts.append(block((left, 0.03, z - bar), (right, 0.07, z + bar)))
    if chance(random, 0.4):
        parts += [_curtain(random, 0.45, high + 0.1).moved(x, -0.08) for x in (left - 0.25, right - 0.2)]
    if chance(random, 0.15):
        parts += [
            box(right - left, 0.03, 0.004).turned(0, 0.6).moved((left + right) / 2, -0.03, z)
            for z in np.arange(low, high, 0.05)
        ]
    return parts


def _curtain(random: Random, width: float, height: float) -> Shape:
    x = np.linspace(0, width, 24)
    y = 0.03 * np.sin(x * between(random, 30, 60))
    corners = np.concatenate([np.c_[x, y, np.full(24, 0.03)], np.c_[x, y, np.full(24, height)]])
    first = np.arange(23)
    return Shape(corners, (np.stack([first, first + 1, first + 25, first + 24], 1),), True)


def _outside(stage: Stage, random: Random, width: float, depth: float) -> None:
    """Adds what is visible through windows and doorways: ground, other walls, trees."""
    stage.add(
        palette.leaf_color(random),
        palette.rough(random, 1, palette.leaf_color(random)),
        sheet(60, 60).moved(width / 2, depth / 2, -0.4),
    )
    for _ in range(12):
        turn, far = between(random, 0, 6.3), between(random, 9, 25)
        at = width / 2 + far * np.cos(turn), depth / 2 + far * np.sin(turn), -0.4
        if chance(random, 0.5):
            stage.add(
                palette.wall_color(random),
                PLAIN,
                box(*random.uniform(2, 8, 3)).turned(between(random, 0, 1.5)).moved(*at),
            )
        else:
            crown = lathe([(0.1, 0), (0.15, 1.5), (1.6, 2), (1.8, 3.5), (0.3, 5)], 9)
            stage.add(
                palette.leaf_color(random), palette.rough(random, 2, palette.leaf_color(random)), crown.moved(*at)
            )


def _picture(stage: Stage, random: Random, width: float, depth: float, height: float) -> None:
    hung = fittings.picture(random, between(random, 0.3, 1.4), between(random, 0.3, 1.1))
    z = between(random, 1.2, max(1.3, height - 0.8))
    place = int(random.integers(3))
    if place == 0:
        stage.take(hung, between(random, 0.2, 0.8) * width, depth - 0.02, z)
    elif place == 1:
        stage.take(hung, 0.02, between(random, 0.2, 0.8) * depth, z, np.pi / 2)
    else:
        stage.take(hung, width - 0.02, between(random, 0.2, 0.8) * depth, z, -np.pi / 2)


def _furnish(stage: Stage, random: Random, width: float, depth: float) -> list[Point]:
    """Adds furniture along the walls and in the middle; returns its positions."""
    wallside: list[Callable[[Random], Stage]] = [
        furniture.shelf,
        furniture.cupboard,
        furniture.sofa,
        furniture.big_plant,
        furniture.lamp,
        furniture.table,
        furniture.bed,
        furniture.shelf,
    ]
    places: list[Point] = []
    for _ in range(random.integers(3, 9)):
        made = wallside[int(random.integers(len(wallside)))](random)
        low, high = made.bounds()
        wide, deep = high[0] - low[0], high[1] - low[1]
        side = int(random.integers(3))
        room_for = width if side == 0 else depth
        along = between(random, min(wide / 2, room_for / 2), max(room_for - wide / 2, room_for / 2))
        spots = [
            (along, depth - deep / 2 - 0.06, 0.0),
            (deep / 2 + 0.06, along, np.pi / 2),
            (width - deep / 2 - 0.06, along, -np.pi / 2),
        ]
        x, y, turn = spots[side]
        if any(abs(x - a) + abs(y - b) < 0.9 for a, b, _ in places):
            continue
        stage.take(made, x, y, 0, turn)
        places.append((float(x), float(y), high[2] / 2))
    if chance(random, 0.8):
        places += _dining(stage, random, width, depth)
    if chance(random, 0.5):
        stage.take(fittings.rug(random), width / 2, depth / 2, 0, between(random, 0, 3))
    if chance(random, 0.25):
        person = figure.standing(random, figure.Dress.drawn(random))
        x, y = between(random, 0.3, 0.7) * width, between(random, 0.35, 0.8) * depth
        stage.take(person, x, y, 0, between(random, 0, 6.3))
        places.append((x, y, 1.3))
    if chance(random, 0.15):
        rail = fittings.railing(
            between(random, 1, 2.5),
            between(random, 0.8, 1.1),
            between(random, 0.08, 0.15),
            between(random, 0.006, 0.015),
        )
        stage.add(
            palette.any_color(random),
            palette.shiny(random),
            rail.turned(between(random, -0.4, 0.4)).moved(
                between(random, 0, 0.4) * width, depth * between(random, 0.3, 0.6)
            ),
        )
    return places


def _dining(stage: Stage, random: Random, width: float, depth: float) -> list[Point]:
    x, y = between(random, 0.3, 0.7) * width, between(random, 0.35, 0.7) * depth
    turn = between(random, 0, 3.2)
    made = furniture.table(random)
    low, high = made.bounds()
    for _ in range(random.integers(0, 6)):
        spot = between(random, 0.7 * low[0], 0.7 * high[0]), between(random, 0.7 * low[1], 0.7 * high[1])
        made.take(things.thing(random, between(random, 0.12, 0.4)), *spot, high[2], between(random, 0, 6))
    stage.take(made, x, y, 0, turn)
    kind = random.bit_generator.state
    for number in range(random.integers(0, 6)):
        # Chairs of one table are equal: each is generated from the same random state.
        alike = np.random.default_rng(int(kind["state"]["state"]) % 2**32)
        angle = turn + number * 1.1 + between(random, -0.1, 0.1)
        reach = max(high[0], high[1]) + between(random, 0.0, 0.5)
        stage.take(
            furniture.chair(alike),
            x + reach * np.sin(angle),
            y + reach * np.cos(angle),
            0,
            -angle + between(random, -0.3, 0.3),
        )
    return [(x, y, 0.5)]


def _light(random: Random, size: Point) -> Light:
    light = lights.indoors(random, (0, 0, 0), size)
    if chance(random, 0.35):
        day = lights.outdoors(random)
        sun = Sun(between(random, 15, 50), between(random, 0, 360), between(random, 3, 12))
        return replace(
            light, sky=replace(day.sky, strength=day.sky.strength * between(random, 1, 2)), suns=(sun,), lamps=()
        )
    return light


def _view(random: Random, size: Point, places: list[Point]) -> View:
    width, depth, height = size
    at = np.array(
        [
            between(random, 0.15, 0.85) * width,
            between(random, 0.08, 0.35) * depth,
            min(height - 0.25, between(random, 0.25, 2.2)),
        ]
    )
    kind = str(random.choice(["across", "thing", "up", "down"], p=[0.45, 0.35, 0.1, 0.1]))
    target = np.array([between(random, 0.1, 0.9) * width, depth, between(random, 0.4, 1.6)])
    focal = views.lens(random, 16, 40)
    if kind == "thing" and places:
        target = np.array(places[int(random.integers(len(places)))]) + random.normal(0, 0.15, 3)
        focal = views.lens(random, 22, 85)
    elif kind == "up":
        target[2] = height + between(random, 0, 2)
    elif kind == "down":
        at[2] = height - between(random, 0.2, 0.6)
        target = np.array([between(random, 0.2, 0.8) * width, between(random, 0.5, 0.8) * depth, 0])
    return views.view(random, at, target, focal, 0.15)
