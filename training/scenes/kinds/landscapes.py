# SPDX-License-Identifier: GPL-3.0-or-later
"""Landscapes: hills, mountains, meadows, woods, water, with scattered grass, flowers, stones and trees."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.scenes import fittings, lights, palette, trees, views
from training.scenes.noise import heights
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, Shape, block, joined, polygon, sagging, sheet, terrain, tube
from training.scenes.stage import Light, Pattern, Scatter, Scene, Stage, View

SIZE = 80.0
CELLS = 90


def landscape(random: Random) -> Scene:
    """Returns a landscape seen from eye height, from near the ground, or from a hill."""
    stage = Stage()
    kind = str(random.choice(["meadow", "hills", "mountains", "wood"], p=[0.3, 0.25, 0.2, 0.25]))
    rise = {
        "meadow": between(random, 0.2, 2),
        "hills": between(random, 4, 14),
        "mountains": between(random, 3, 10),
        "wood": between(random, 0.5, 5),
    }[kind]
    field = heights(random, CELLS, between(random, 2.6, 3.6)) * rise
    ground = terrain(field, SIZE, SIZE)
    color = palette.leaf_color(random) if chance(random, 0.65) else palette.earth_color(random)
    if chance(random, 0.1):
        color = (0.85, 0.87, 0.9)
    stage.add(color, palette.rough(random, between(random, 0.2, 3), palette.like(random, color, 0.5)), ground)
    _far(stage, random, kind, rise)
    at = _stand(random, field)
    _strew(stage, random, kind, ground, field, at)
    _near(stage, random, at)
    if chance(random, 0.2):
        stage.add(
            palette.hsv(0.55, 0.4, 0.5),
            Pattern("plain", gloss=0.25, roughness=0.1),
            sheet(400, 400).moved(0, 0, rise * between(random, 0.2, 0.45)),
        )
    light = lights.outdoors(random)
    if lights.is_night(light):
        light = Light(light.sky, light.suns, lights.studio(random, (at[0], at[1] + 2, at[2]), 3).lamps)
    return Scene(stage, light, _view(random, at, rise))


def height_at(field: Array, x: float, y: float) -> float:
    """Returns the height of the ground at a point."""
    column, row = ((np.array([x, y]) / SIZE + 0.5) * (CELLS - 1)).clip(0, CELLS - 1).round().astype(int)
    return float(field[row, column])


def _stand(random: Random, field: Array) -> Array:
    x, y = between(random, -8, 8), between(random, -34, -22)
    above = between(random, 1.2, 1.9) if chance(random, 0.65) else between(random, 0.25, 0.9)
    if chance(random, 0.12):
        above = between(random, 4, 12)
    return np.array([x, y, height_at(field, x, y) + above])


def _far(stage: Stage, random: Random, kind: str, rise: float) -> None:
    """Adds the background: a plain with hills or mountains."""
    color = palette.leaf_color(random)
    stage.add(color, palette.rough(random, 0.05, palette.like(random, color, 0.4)), sheet(8000, 8000).moved(0, 0, -0.3))
    if kind == "mountains" or chance(random, 0.35):
        rough = heights(random, 80, between(random, 2.2, 3.2))
        y = np.linspace(-1, 1, 80)
        ridge = np.exp(-((y / 0.45) ** 2))[:, None] * rough
        tall = between(random, 60, 500) if kind == "mountains" else between(random, 20, 80)
        stone = palette.earth_color(random) if chance(random, 0.6) else palette.leaf_color(random)
        snow = (0.85, 0.87, 0.9) if chance(random, 0.4) else palette.like(random, stone, 0.5)
        mountains = terrain(ridge * tall, tall * 9, tall * 3).moved(0, tall * 1.5 + between(random, 80, 500), -2)
        stage.add(stone, palette.rough(random, 4 / tall, snow), mountains)
    if chance(random, 0.3):
        stage.take(_hut(random), between(random, -12, 12), between(random, -10, 25), rise * 0.45, between(random, 0, 3))


def _hut(random: Random) -> Stage:
    made = Stage()
    width, depth, height = between(random, 3, 8), between(random, 3, 6), between(random, 2.2, 3.5)
    wall = palette.wall_color(random)
    made.add(wall, palette.some(random, 1), block((-width / 2, -depth / 2, -3), (width / 2, depth / 2, height)))
    roof = polygon([(-width / 2 - 0.4, 0), (width / 2 + 0.4, 0), (0, between(random, 1, 3))], depth + 0.8)
    made.add(
        palette.earth_color(random),
        Pattern("bricks", 3, palette.earth_color(random)),
        roof.turned(0, np.pi / 2).moved(0, depth / 2 + 0.4, height),
    )
    made.add(
        (0.03, 0.03, 0.04),
        PLAIN,
        block((-0.5, -depth / 2 - 0.03, 0), (0.5, -depth / 2, 2)),
        block((width / 4, -depth / 2 - 0.03, 1), (width / 4 + 0.8, -depth / 2, 1.9)),
    )
    return made


def _patch(ground: Shape, at: Array, near: float, far: float) -> Shape:
    """Returns the faces of the ground whose centre is ahead of a point, between two distances."""
    middle = ground.corners[ground.faces[0]].mean(axis=1)
    ahead = middle - at
    distance = np.hypot(ahead[:, 0], ahead[:, 1])
    wanted = (distance < far) & (distance > near) & (ahead[:, 1] > -0.2 * np.abs(ahead[:, 0]))
    kept = ground.faces[0][wanted]
    return Shape(ground.corners, (kept,), True)


def _strew(stage: Stage, random: Random, kind: str, ground: Shape, field: Array, at: Array) -> None:
    seed = int(random.integers(1 << 20))
    if kind == "meadow" or chance(random, 0.45):
        tall = between(random, 0.1, 0.7)
        tufts = tuple(trees.tuft(random, tall) for _ in range(3))
        stage.scatters.append(Scatter(_patch(ground, at, 0.0, 14), tufts, between(random, 3, 14), (0.5, 1.2), seed))
    if chance(random, 0.4):
        flowers = tuple(trees.flower(random, between(random, 0.15, 0.8)) for _ in range(3))
        stage.scatters.append(
            Scatter(_patch(ground, at, 0.5, 14), flowers, between(random, 0.3, 4), (0.6, 1.2), seed + 11)
        )
    if chance(random, 0.5):
        stones = tuple(trees.stone(random, between(random, 0.1, 0.8)) for _ in range(3))
        stage.scatters.append(
            Scatter(_patch(ground, at, 1.0, 50), stones, between(random, 0.03, 0.6), (0.3, 1.8), seed + 23, False)
        )
    wooded = {"wood": 0.06, "meadow": 0.004, "hills": 0.015, "mountains": 0.015}[kind]
    grown = tuple(tuple(trees.tree(random, between(random, 3, 9), leaves=220).painted) for _ in range(3))
    density = wooded * between(random, 0.5, 1.5)
    stage.scatters.append(Scatter(_patch(ground, at, 2.5, 70), grown, density, (0.6, 1.3), seed + 37))
    for _ in range(random.integers(0, 4)):
        x, y = at[0] + between(random, -5, 5), at[1] + between(random, 3, 12)
        stage.take(trees.tree(random, between(random, 2, 7), 0.4, 350), x, y, height_at(field, x, y) - 0.1)


def _near(stage: Stage, random: Random, at: Array) -> None:
    """Adds something in the foreground: a fence, branches from above, a wire, a pole."""
    kind = random.random()
    y = at[1] + between(random, 1.2, 6)
    if kind < 0.2:
        for _ in range(random.integers(1, 5)):
            branch = trees.twig(random, between(random, 0.6, 1.8))
            stage.take(
                branch,
                at[0] + between(random, -1.2, 1.2),
                at[1] + between(random, 0.8, 2),
                at[2] + between(random, 0.1, 0.9),
                between(random, 0, 6.3),
            )
    elif kind < 0.4:
        posts, wires = [], []
        places = np.arange(-12, 12, between(random, 1.2, 2.5))
        base = at[2] - between(random, 1.2, 1.9)
        for x in places:
            posts.append(
                tube(
                    [(at[0] + x, y, base - 1), (at[0] + x + between(random, -0.08, 0.08), y, base + 1.1)],
                    between(random, 0.03, 0.06),
                    6,
                )
            )
        for z in (0.4, 0.7, 1.0):
            thick = between(random, 0.004, 0.04)
            wires += [
                tube(sagging((at[0] + a, y, base + z), (at[0] + b, y, base + z), 0.03), thick, 4)
                for a, b in pairwise(places)
            ]
        stage.add(palette.wood_color(random), palette.rough(random, 8, palette.wood_color(random)), *posts)
        stage.add((0.3, 0.3, 0.3), PLAIN, joined(wires))
    elif kind < 0.5:
        rail = fittings.railing(10, 1.1, between(random, 0.1, 0.4), between(random, 0.008, 0.03))
        stage.add(
            palette.any_color(random),
            PLAIN,
            rail.moved(at[0] - 5, at[1] + between(random, 0.8, 2.5), at[2] - between(random, 0.7, 1.5)),
        )


def _view(random: Random, at: Array, rise: float) -> View:
    pitch = float(random.normal(0, 6))
    if chance(random, 0.15):
        pitch = between(random, 10, 40)
    elif chance(random, 0.15):
        pitch = between(random, -50, -15)
    turn = np.radians(random.normal(0, 15))
    up = np.radians(pitch)
    direction = np.array([np.sin(turn) * np.cos(up), np.cos(turn) * np.cos(up), np.sin(up)])
    return views.view(
        random, at, at + direction * (3.0 if pitch < -12 else between(random, 3, 20)), views.lens(random, 18, 85), 0.15
    )
