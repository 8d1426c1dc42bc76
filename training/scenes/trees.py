# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees, bushes, tufts of grass and stones, standing on the origin."""

from __future__ import annotations

import numpy as np

from training.scenes import palette
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, Shape, ball, joined, leaf, tube
from training.scenes.stage import Painted, Stage


def tree(random: Random, height: float, leafless: float = 0.25, leaves: int = 500) -> Stage:
    """Returns a tree: a fir, or a trunk that branches, with or without leaves."""
    if chance(random, 0.25):
        return _fir(random, height)
    made = Stage()
    bark = palette.hsv(between(random, 0.04, 0.1), between(random, 0.1, 0.5), between(random, 0.15, 0.6))
    branches: list[Shape] = []
    tips: list[Array] = []
    bare = chance(random, leafless)
    _branch(
        random,
        np.zeros(3),
        np.array([0, 0, 1.0]),
        height * 0.45,
        height * between(random, 0.012, 0.03),
        4 if bare else 3,
        branches,
        tips,
    )
    made.add(bark, palette.rough(random, 8 / height * 3, palette.like(random, bark, 0.5)), joined(branches))
    if bare:
        return made
    color = palette.leaf_color(random)
    size = height * between(random, 0.045, 0.09)
    kinds = [[], [], []]  # type: list[list[Shape]]
    for number in range(leaves):
        tip = tips[int(random.integers(len(tips)))] + random.normal(0, height * 0.05, 3)
        blade = leaf(size, size * 0.6, 0.3).turned(between(random, 0, 6.3), between(random, -1, 1))
        kinds[number % 3].append(blade.moved(*tip))
    for shapes in kinds:
        made.add(palette.like(random, color, 0.2), PLAIN, joined(shapes))
    return made


def _branch(
    random: Random,
    start: Array,
    along: Array,
    length: float,
    thick: float,
    levels: int,
    branches: list[Shape],
    tips: list[Array],
) -> None:
    bend = random.normal(0, 0.12, 3)
    middle = start + along * length * 0.5 + bend * length * 0.3
    end = start + (along + bend * 0.5) * length
    branches.append(tube([start, middle, end], [thick, thick * 0.8, thick * 0.6], 7 if levels > 2 else 4))
    if levels <= 2:
        tips.append(middle)
    if levels == 0:
        tips.append(end)
        return
    for _ in range(random.integers(2, 4)):
        direction = along + random.normal(0, 0.55, 3) + (0, 0, 0.15)
        direction /= np.linalg.norm(direction)
        begin = start + (end - start) * between(random, 0.65, 1)
        _branch(random, begin, direction, length * between(random, 0.55, 0.8), thick * 0.55, levels - 1, branches, tips)


def _fir(random: Random, height: float) -> Stage:
    made = Stage()
    made.add(palette.hsv(0.07, 0.4, 0.3), PLAIN, tube([(0, 0, 0), (0, 0, height)], [height * 0.02, height * 0.004], 6))
    color = palette.hsv(between(random, 0.25, 0.42), between(random, 0.3, 0.7), between(random, 0.15, 0.5))
    twigs: list[Shape] = []
    for share in np.linspace(0.12, 0.98, 14):
        reach = height * 0.22 * (1 - share) + height * 0.02
        for _ in range(9):
            twig = leaf(reach, reach * 0.35, between(random, 0.1, 0.5)).turned(between(random, 0, 6.3), 0.1)
            twigs.append(twig.moved(z=height * share))
    half = len(twigs) // 2
    made.add(color, PLAIN, joined(twigs[:half]))
    made.add(palette.like(random, color), PLAIN, joined(twigs[half:]))
    return made


def bush(random: Random, size: float) -> Stage:
    """Returns a bush of leaves."""
    made = Stage()
    color = palette.leaf_color(random)
    for _ in range(3):
        blades = []
        for _ in range(60):
            direction = random.normal(0, 1, 3)
            at = direction / np.linalg.norm(direction) * size * between(random, 0.25, 0.5) + (0, 0, size * 0.45)
            blades.append(
                leaf(size * 0.2, size * 0.1).turned(between(random, 0, 6.3), between(random, -1.2, 1.2)).moved(*at)
            )
        made.add(palette.like(random, color, 0.25), PLAIN, joined(blades))
    return made


def tuft(random: Random, height: float, blades: int = 12) -> tuple[Painted, ...]:
    """Returns a tuft of grass or reed, for scattering."""
    color = palette.leaf_color(random)
    made = []
    for _ in range(blades):
        blade = leaf(height * between(random, 0.5, 1), height * between(random, 0.02, 0.06), between(random, 0.2, 0.9))
        blade = blade.turned(0, between(random, 0.8, 1.5)).turned(between(random, 0, 6.3))
        made.append(blade.moved(between(random, -0.3, 0.3) * height, between(random, -0.3, 0.3) * height))
    return (Painted(joined(made), color, PLAIN),)


def flower(random: Random, height: float) -> tuple[Painted, ...]:
    """Returns a flower on its stalk, for scattering."""
    stalk = tube([(0, 0, 0), (0.03 * height, 0, height)], height * 0.012, 4)
    petals = [
        leaf(height * 0.22, height * 0.12, 0.1).turned(angle, 0.4).moved(0.03 * height, 0, height)
        for angle in np.arange(6) * 1.047
    ]
    color = palette.hsv(random.random(), between(random, 0.3, 1), between(random, 0.6, 1))
    return Painted(stalk, palette.leaf_color(random), PLAIN), Painted(joined(petals), color, PLAIN)


def stone(random: Random, size: float) -> tuple[Painted, ...]:
    """Returns a stone, for scattering."""
    base = ball(size / 2, 10)
    bumps = 1 + 0.18 * np.sin(base.corners / size * random.uniform(4, 9, 3) + random.uniform(0, 6, 3)).sum(
        axis=1, keepdims=True
    )
    sizes = between(random, 0.7, 1.3), between(random, 0.7, 1.3), between(random, 0.4, 0.9)
    shape = base.mapped(base.corners * bumps).scaled(*sizes)
    color = palette.earth_color(random)
    return (Painted(shape, color, palette.rough(random, 4 / size, palette.like(random, color, 0.6))),)


def twig(random: Random, length: float) -> Stage:
    """Returns a branch with leaves along y, for the foreground."""
    made = Stage()
    path = np.c_[random.normal(0, 0.05, 6).cumsum(), np.linspace(0, 1, 6), random.normal(0, 0.05, 6).cumsum()] * length
    shapes = [tube(path, np.linspace(length * 0.02, length * 0.005, 6), 6)]
    blades = []
    size = length * between(random, 0.08, 0.2)
    bare = chance(random, 0.25)
    for _ in range(random.integers(6, 22)):
        at = path[int(random.integers(1, 6))] + random.normal(0, 0.02 * length, 3)
        end = at + random.normal(0, 0.16 * length, 3) + (0, 0.08 * length, 0)
        shapes.append(tube([at, end], [length * 0.005, length * 0.002], 4))
        if not bare:
            blades += [
                leaf(size, size * 0.5, 0.4).turned(between(random, 0, 6.3), between(random, -0.8, 0.8)).moved(*end)
                for _ in range(3)
            ]
    made.add(palette.hsv(0.07, 0.4, 0.35), PLAIN, joined(shapes))
    if blades:
        made.add(palette.leaf_color(random), PLAIN, joined(blades))
    return made
