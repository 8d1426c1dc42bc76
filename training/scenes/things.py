# SPDX-License-Identifier: GPL-3.0-or-later
"""Household objects, each on its own stage, standing on the origin."""

from __future__ import annotations

import numpy as np

from training.scenes import palette
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import ball, box, cylinder, joined, lathe, leaf, point, tube
from training.scenes.stage import Stage


def thing(random: Random, size: float) -> Stage:
    """Returns a small object of about a size: vase, bowl, box, bottle, cup, toy, frame, candle, plant."""
    makers = (_vase, _vase, _carton, _cup, _candle, _frame, _toy, _fruit, small_plant, _flowers)
    return makers[int(random.integers(len(makers)))](random, size)


def _vase(random: Random, size: float) -> Stage:
    made = Stage()
    tall, wide = size * between(random, 0.5, 1), size * between(random, 0.12, 0.4)
    stations = np.linspace(0, 1, 8)
    radii = wide * np.exp(random.normal(0, 0.35, 8).cumsum() * 0.5)
    radii = np.clip(np.convolve(np.pad(radii, 1, "edge"), np.ones(3) / 3, "valid"), 0.1 * wide, 1.4 * wide)
    pattern = palette.shiny(random) if chance(random, 0.5) else palette.some(random, size)
    made.add(palette.any_color(random), pattern, lathe(np.c_[radii, stations * tall], 14))
    return made


def _carton(random: Random, size: float) -> Stage:
    made = Stage()
    sides = size * random.uniform(0.25, 1, 3)
    pattern = palette.poster(random, size) if chance(random, 0.4) else palette.some(random, size)
    made.add(palette.any_color(random), pattern, box(*sides).turned(between(random, -0.5, 0.5)))
    return made


def _cup(random: Random, size: float) -> Stage:
    made = Stage()
    radius, tall = size * between(random, 0.2, 0.35), size * between(random, 0.4, 0.8)
    color, pattern = palette.any_color(random, 0.95), palette.shiny(random)
    made.add(
        color,
        pattern,
        lathe([(radius * 0.8, 0), (radius, tall), (radius * 0.9, tall), (radius * 0.75, tall * 0.2)], 16),
    )
    angles = np.linspace(-1.3, 1.3, 7)
    handle = np.c_[radius * 0.8 + 0.6 * radius * np.cos(angles), 0 * angles, tall / 2 + 0.35 * tall * np.sin(angles)]
    made.add(color, pattern, tube(handle, radius * 0.1, 6))
    return made


def _candle(random: Random, size: float) -> Stage:
    made = Stage()
    tall = size * between(random, 0.6, 1)
    metal = palette.shiny(random)
    made.add(
        palette.any_color(random),
        metal,
        cylinder(size * 0.2, size * 0.05, 14, size * 0.05),
        cylinder(size * 0.02, tall * 0.5, 6),
    )
    made.add(palette.wall_color(random), PLAIN, cylinder(size * 0.045, tall * 0.5, 8).moved(z=tall * 0.5))
    return made


def _frame(random: Random, size: float) -> Stage:
    made = Stage()
    wide, tall = size * between(random, 0.4, 0.9), size * between(random, 0.5, 1)
    tilt = -0.15
    made.add(palette.wood_color(random), PLAIN, box(wide, 0.02, tall).turned(0, tilt))
    made.add(
        palette.any_color(random),
        palette.poster(random, size),
        box(wide * 0.85, 0.022, tall * 0.85).moved(z=tall * 0.07).turned(0, tilt),
    )
    return made


def _toy(random: Random, size: float) -> Stage:
    made = Stage()
    body = size * 0.25
    color, pattern = palette.any_color(random), palette.cloth(random)
    made.add(
        color,
        pattern,
        ball(body, 12).scaled(1, 0.9, 1.2).moved(z=body * 1.1),
        ball(body * 0.75, 12).moved(z=body * 2.8),
    )
    for side in (-1, 1):
        made.add(color, pattern, ball(body * 0.3, 8).moved(side * body * 0.6, 0, body * 3.4))
        made.add(
            color,
            pattern,
            tube([(side * body * 0.7, 0, body * 1.8), (side * body * 1.5, -body * 0.5, body)], body * 0.3),
        )
        made.add(
            color,
            pattern,
            tube([(side * body * 0.5, 0, body * 0.4), (side * body * 0.7, -body * 1.4, body * 0.3)], body * 0.35),
        )
    return made


def _fruit(random: Random, size: float) -> Stage:
    made = Stage()
    radius = size * 0.35
    made.add(
        palette.any_color(random),
        palette.shiny(random),
        lathe([(radius * 0.3, 0), (radius * 0.7, size * 0.15), (radius, size * 0.2)], 16),
    )
    for _ in range(random.integers(2, 7)):
        angle, out = between(random, 0, 6.3), radius * between(random, 0, 0.6)
        color = palette.hsv(between(random, 0, 0.35), between(random, 0.6, 1), between(random, 0.5, 0.95))
        made.add(
            color,
            palette.shiny(random),
            ball(radius * between(random, 0.25, 0.4), 10).moved(out * np.cos(angle), out * np.sin(angle), size * 0.25),
        )
    return made


def small_plant(random: Random, size: float) -> Stage:
    """Returns a plant in a pot."""
    made = Stage()
    pot = size * between(random, 0.12, 0.2)
    made.add(palette.any_color(random), palette.shiny(random), cylinder(pot * 0.7, size * 0.25, 14, pot))
    foliage(made, random, size * between(random, 0.5, 0.8), size * 0.24, int(random.integers(8, 40)))
    return made


def foliage(made: Stage, random: Random, reach: float, z: float, count: int) -> None:
    """Adds leaves on thin stalks that start on the z axis at a given height."""
    color = palette.leaf_color(random)
    narrow = between(random, 0.06, 0.5)
    blade = chance(random, 0.4)
    leaves, stalks = [], []
    for _ in range(count):
        turn, rise = between(random, 0, 2 * np.pi), between(random, 0.1, 1.5)
        length = reach * between(random, 0.5, 1)
        if blade:
            leaves.append(
                leaf(length, length * narrow * 0.4, between(random, 0.1, 0.7)).turned(0, rise).turned(turn).moved(z=z)
            )
            continue
        tip = length * 0.6 * np.array([np.cos(rise) * -np.sin(turn), np.cos(rise) * np.cos(turn), np.sin(rise)])
        stalks.append(
            tube(
                [point(0, 0, z), tip * (0.5, 0.5, 0.7) + (0, 0, z), tip + point(0, 0, z)], max(0.0015, reach * 0.006), 4
            )
        )
        leaves.append(
            leaf(length * 0.45, length * narrow, between(random, 0, 0.6))
            .turned(turn, rise - 0.6)
            .moved(tip[0], tip[1], tip[2] + z)
        )
    for shape in leaves:
        made.add(palette.like(random, color, 0.15), PLAIN, shape)
    if stalks:
        made.add(palette.like(random, color, 0.3), PLAIN, joined(stalks))


def _flowers(random: Random, size: float) -> Stage:
    made = _vase(random, size * 0.6)
    top = made.bounds()[1][2]
    color = palette.hsv(random.random(), between(random, 0.3, 1), between(random, 0.6, 1))
    for _ in range(random.integers(2, 9)):
        lean, turn = between(random, 0.05, 0.6), between(random, 0, 6.3)
        tall = size * between(random, 0.2, 0.5)
        tip = np.array([np.sin(lean) * np.cos(turn), np.sin(lean) * np.sin(turn), np.cos(lean)]) * tall + (0, 0, top)
        made.add(
            palette.leaf_color(random),
            PLAIN,
            tube([point(0, 0, top * 0.7), tip * (0.6, 0.6, 1) * (1, 1, 0.9), tip], size * 0.008, 4),
        )
        petals = [leaf(size * 0.09, size * 0.05, 0.2).turned(angle, 0.5).moved(*tip) for angle in np.arange(6) * 1.047]
        made.add(palette.like(random, color, 0.1), PLAIN, *petals)
        made.add(palette.hsv(0.13, 0.8, 0.8), PLAIN, ball(size * 0.02, 6).moved(*tip))
    return made
