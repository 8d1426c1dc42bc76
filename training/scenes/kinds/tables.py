# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables with objects: close-ups, also from straight above and from below the edge."""

from __future__ import annotations

import numpy as np

from training.scenes import fittings, furniture, lights, palette, things, trees, views
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, block, box, cylinder, lathe, point, sagging, sheet, tube
from training.scenes.stage import Scene, Stage


def table(random: Random) -> Scene:
    """Returns a close-up of objects on a table or a desk."""
    stage = Stage()
    reach = between(random, 0.3, 0.8)
    wood = chance(random, 0.6)
    color = palette.wood_color(random) if wood else palette.any_color(random, 0.95)
    pattern = palette.wood(random) if wood else palette.some(random, reach)
    width, depth = reach * between(random, 1.6, 3), reach * between(random, 1.4, 2.4)
    stage.add(color, pattern, box(width, depth, 0.03).moved(z=-0.03))
    stage.add(palette.like(random, color), PLAIN, furniture.legs(random, width, depth, 0.7).moved(z=-0.73))
    far = depth / 2 + (between(random, 0.05, 0.6) if chance(random, 0.4) else between(random, 0.6, 3))
    _around(stage, random, depth, far)
    spots: list[Array] = []
    for _ in range(random.integers(2, 13)):
        spot = random.uniform(-0.8, 0.8, 2) * reach * (1, 0.8)
        size = reach * between(random, 0.15, 0.6)
        if any(np.hypot(*(spot - other)) < size * 0.45 for other in spots):
            continue
        spots.append(spot)
        stage.take(_object(random, size), float(spot[0]), float(spot[1]), 0, between(random, 0, 6.3))
    if chance(random, 0.4):
        _cables(stage, random, reach)
    if chance(random, 0.2):
        hanging = furniture.hanging_lamp(random, between(random, 0.3, 0.8))
        stage.take(hanging, between(random, -0.3, 0.3), between(random, 0, 0.5), between(random, 1.0, 1.4))
    middle = np.array([*random.uniform(-0.3, 0.3, 2) * reach, reach * between(random, 0.02, 0.25)])
    focal = views.lens(random, 24, 100)
    lowest, highest = ((4, 35), (35, 65), (70, 90))[int(random.choice(3, p=[0.5, 0.3, 0.2]))]
    at = views.around(random, middle, reach * between(random, 0.9, 2), focal, lowest, highest)
    at[1] = -abs(at[1])
    if chance(random, 0.1):
        at[2], middle[2] = -0.05, 0.2
    light = lights.studio(random, (0, 0, 0.2), between(random, 0.8, 1.6), far - 0.1)
    return Scene(stage, light, views.view(random, at, middle, focal, 0.45))


def _object(random: Random, size: float) -> Stage:
    kind = random.random()
    if kind < 0.7:
        return things.thing(random, size)
    made = Stage()
    color, pattern = palette.any_color(random), palette.shiny(random)
    if kind < 0.78:
        # Pens in a beaker.
        made.add(
            color,
            pattern,
            lathe([(size * 0.2, 0), (size * 0.2, size * 0.5), (size * 0.18, size * 0.5), (size * 0.17, 0.01)], 14),
        )
        for _ in range(random.integers(2, 9)):
            turn, lean = between(random, 0, 6.3), between(random, 0.05, 0.35)
            stick = tube([(0, 0, 0), (size * lean * np.cos(turn), size * lean * np.sin(turn), size)], size * 0.02, 6)
            made.add(palette.any_color(random), palette.shiny(random), stick)
    elif kind < 0.86:
        # A pair of sticks like cutlery or tools.
        for _ in range(random.integers(1, 4)):
            stick = tube([(-size / 2, 0, 0.006), (0, 0, 0.008), (size / 2, 0, 0.006)], [0.006, 0.004, 0.01], 6)
            made.add(
                palette.any_color(random),
                palette.shiny(random),
                stick.turned(between(random, 0, 3)).moved(*random.uniform(-0.1, 0.1, 2) * size),
            )
    elif kind < 0.93:
        # Wire objects, such as a stand, a basket or a rack.
        thick = size * between(random, 0.006, 0.02)
        for turn in np.arange(0, 6.2, between(random, 0.4, 1.2)):
            side = size * 0.4 * np.array([np.cos(turn), np.sin(turn), 0])
            made.add(
                color,
                pattern,
                tube([side * 0.6, side + point(0, 0, size * 0.3), side * 0.8 + (0, 0, size * 0.7)], thick, 5),
            )
        for z in (0.3, 0.7):
            circle = np.linspace(0, 2 * np.pi, 17)
            radius = size * (0.4 if z < 0.5 else 0.32)
            made.add(
                color,
                pattern,
                tube(np.c_[radius * np.cos(circle), radius * np.sin(circle), 0 * circle + z * size], thick, 5),
            )
    else:
        # A screen or an open book.
        tilt = between(random, -0.5, -0.1)
        made.add(color, pattern, box(size, size * 0.7, size * 0.03))
        made.add(
            palette.any_color(random),
            palette.poster(random, size),
            box(size, 0.01, size * 0.65).turned(0, tilt).moved(0, size * 0.34, 0.01),
        )
    return made


def _cables(stage: Stage, random: Random, reach: float) -> None:
    for _ in range(random.integers(1, 4)):
        path = np.c_[random.uniform(-1, 1, (14, 2)).cumsum(axis=0) * reach * 0.14, np.full(14, 0.004)]
        smooth = np.stack(
            [np.convolve(np.pad(path[:, axis], 2, "edge"), np.ones(5) / 5, "valid") for axis in range(3)], 1
        )
        stage.add(palette.any_color(random, 0.4), PLAIN, tube(smooth, between(random, 0.002, 0.005), 6))
    if chance(random, 0.3):
        path = sagging((-reach, 0.3 * reach, 0.7), (reach, 0.2 * reach, 0.8), 0.2)
        stage.add((0.05, 0.05, 0.05), PLAIN, tube(path, 0.004, 5))


def _around(stage: Stage, random: Random, depth: float, far: float) -> None:
    color, pattern = palette.floor(random)
    stage.add(color, pattern, sheet(10, 10).moved(z=-0.75))
    wall = palette.wall_color(random)
    paper = palette.some(random, 1) if chance(random, 0.4) else PLAIN
    stage.add(
        wall,
        paper,
        block((-5, far, -0.75), (5, far + 0.1, 2)),
        block((-5, -5, -0.75), (-4.9, far, 2)),
        block((4.9, -5, -0.75), (5, far, 2)),
    )
    for _ in range(random.integers(0, 4)):
        kind = random.random()
        x = between(random, -1.5, 1.5)
        if kind < 0.35:
            stage.take(
                fittings.picture(random, between(random, 0.3, 1), between(random, 0.3, 0.8)),
                x,
                far - 0.02,
                between(random, 0.2, 0.8),
            )
        elif kind < 0.6 and far > 1.2:
            stage.take(furniture.shelf(random), x, far - 0.25, -0.75)
        elif kind < 0.8 and far > 1.2:
            stage.take(
                furniture.chair(random), x, between(random, depth / 2 + 0.3, far - 0.3), -0.75, between(random, 0, 6)
            )
        elif far > 1.2:
            stage.take(furniture.big_plant(random), x, far - 0.5, -0.75)
    if chance(random, 0.12):
        branch = trees.twig(random, 0.6)
        stage.take(branch, between(random, -0.4, 0.4), -depth / 2, between(random, 0.2, 0.5), between(random, 0, 6.3))
    if chance(random, 0.15):
        stage.add(palette.any_color(random), palette.cloth(random), cylinder(depth * 0.3, 0.002, 24).moved(z=0.001))
