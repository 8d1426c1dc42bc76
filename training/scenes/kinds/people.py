# SPDX-License-Identifier: GPL-3.0-or-later
"""Human figures: portraits, full figures, groups, indoors and outdoors."""

from __future__ import annotations

import numpy as np

from training.scenes import figure, fittings, furniture, lights, palette, trees, views
from training.scenes.figure import Dress
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, block, point, sheet
from training.scenes.stage import Light, Pattern, Scene, Stage, View


def people(random: Random) -> Scene:
    """Returns one to five figures with a background, from near or far."""
    stage = Stage()
    portrait = chance(random, 0.5)
    heads = []
    for number in range(1 if portrait and chance(random, 0.6) else int(random.integers(1, 6))):
        dress = Dress.drawn(random)
        x = 0.0 if number == 0 else between(random, -2.2, 2.2)
        y = 0.0 if number == 0 else between(random, -0.8, 4)
        turn = between(random, -1, 1) if chance(random, 0.75) else between(random, 0, 6.3)
        sits = chance(random, 0.25)
        person = (figure.sitting if sits else figure.standing)(random, dress, 6000 if portrait else 1200)
        if sits:
            # As wide as deep, so that it fits in every rotation of the figure.
            seat = dress.height * 0.255
            person.add(
                palette.wood_color(random), palette.wood(random), block((-0.22, -0.16, seat - 0.04), (0.22, 0.24, seat))
            )
            person.add(palette.wood_color(random), PLAIN, furniture.legs(random, 0.42, 0.38, seat - 0.03))
        stage.take(person, x, y, 0, turn)
        heads.append(np.array([x, y, dress.height * (0.71 if sits else 0.92)]))
    light = _indoors(stage, random) if chance(random, 0.4) else _outdoors(stage, random)
    return Scene(stage, light, _view(random, heads, portrait))


def _view(random: Random, heads: list[Array], portrait: bool) -> View:
    head = heads[0]
    if portrait:
        size = between(random, 0.32, 0.9)
        target = head - (0, 0, size * between(random, 0.05, 0.35))
        focal = views.lens(random, 28, 110)
        lowest, highest, blurred = -20, 30, 0.5
    else:
        size = between(random, 1.2, 2.6)
        target = np.array([head[0], head[1], head[2] * between(random, 0.4, 0.8)])
        focal = views.lens(random, 22, 100)
        lowest, highest, blurred = -8, 35, 0.2
    distance = size * focal / 36 * between(random, 0.9, 1.4)
    up, turn = np.radians(between(random, lowest, highest)), float(random.normal(0, 0.5))
    at = target + distance * np.array([np.cos(up) * np.sin(turn), -np.cos(up) * np.cos(turn), np.sin(up)])
    at[2] = max(0.12, at[2])
    return views.view(random, at, target + point(between(random, -0.2, 0.2) * size, 0, 0), focal, blurred)


def _indoors(stage: Stage, random: Random) -> Light:
    color, pattern = palette.floor(random)
    far = between(random, 1.2, 6)
    stage.add(color, pattern, sheet(14, 22).moved(0, 0))
    paper = palette.some(random, 1) if chance(random, 0.4) else PLAIN
    stage.add(
        palette.wall_color(random),
        paper,
        block((-6, far, 0), (6, far + 0.1, 3)),
        block((-4, -10, 0), (-3.9, far, 3)),
        block((4, -10, 0), (4.1, far, 3)),
    )
    stage.add(palette.hsv(0.1, 0.04, 0.95), PLAIN, block((-6, -10, 3), (6, far, 3.1)))
    makers = (furniture.shelf, furniture.cupboard, furniture.big_plant, furniture.lamp, furniture.sofa)
    for _ in range(random.integers(1, 5)):
        made = makers[int(random.integers(len(makers)))](random)
        stage.take(made, between(random, -3, 3), far - 0.5, 0)
    for _ in range(random.integers(0, 4)):
        stage.take(
            fittings.picture(random, between(random, 0.4, 1.5), between(random, 0.4, 1)),
            between(random, -3, 3),
            far - 0.02,
            between(random, 1.2, 2.2),
        )
    return lights.indoors(random, (-3.5, -3, 0), (3.5, far, 3))


def _outdoors(stage: Stage, random: Random) -> Light:
    ground = palette.leaf_color(random) if chance(random, 0.5) else palette.earth_color(random)
    stage.add(ground, palette.rough(random, between(random, 1, 12), palette.like(random, ground, 0.5)), sheet(200, 200))
    for _ in range(random.integers(2, 9)):
        x, y = between(random, -8, 8), between(random, 2.5, 18)
        if chance(random, 0.65):
            stage.take(trees.tree(random, between(random, 3, 8), leaves=250), x, y)
        else:
            stage.take(trees.bush(random, between(random, 0.6, 2)), x, y)
    if chance(random, 0.4):
        far = between(random, 3, 25)
        wall = Pattern("bricks", between(random, 1, 3), palette.earth_color(random))
        stage.add(
            palette.earth_color(random),
            wall,
            block((-30, far, 0), (between(random, -2, 30), far + 0.3, between(random, 0.8, 8))),
        )
    if chance(random, 0.35):
        rail = fittings.railing(12, between(random, 0.7, 1.3), between(random, 0.1, 0.3), between(random, 0.008, 0.025))
        stage.add(
            palette.any_color(random), PLAIN, rail.turned(between(random, -0.3, 0.3)).moved(-6, between(random, 0.6, 4))
        )
    if chance(random, 0.25):
        for _ in range(3):
            stage.take(
                trees.twig(random, between(random, 0.8, 1.8)),
                between(random, -1.5, 1.5),
                between(random, -1.2, 0.5),
                between(random, 1.6, 2.6),
                between(random, 0, 6.3),
            )
    light = lights.outdoors(random)
    if lights.is_night(light):
        near = lights.studio(random, (0, -0.5, 1.2), 2.0)
        return Light(light.sky, light.suns, near.lamps)
    return light
