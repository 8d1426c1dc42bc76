# SPDX-License-Identifier: GPL-3.0-or-later
"""Animals and imaginary creatures close up, with legs, tails, ears, antennae and fur."""

from __future__ import annotations

import numpy as np

from training.scenes import lights, palette, trees, views
from training.scenes.noise import heights
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, Shape, ball, block, joined, lathe, leaf, point, sheet, terrain, tube
from training.scenes.stage import Color, Hair, Light, Pattern, Scatter, Scene, Stage


def creature(random: Random) -> Scene:
    """Returns a close-up of an animal, an imaginary creature, or flowers and leaves."""
    stage = Stage()
    kind = str(random.choice(["beast", "form", "plants"], p=[0.5, 0.2, 0.3]))
    makers = {"beast": _beast, "form": _form, "plants": _plants}
    size = between(random, 0.2, 1.2)
    for number in range(1 if chance(random, 0.6) else int(random.integers(2, 5))):
        made = makers[kind](random, size)
        x, y = (0.0, 0.0) if number == 0 else (between(random, -1.6, 1.6) * size, between(random, -0.3, 3) * size)
        stage.take(made, x, y, 0, between(random, 0, 6.3))
    light = _around(stage, random, size)
    middle = np.array([0, 0, size * between(random, 0.25, 0.55)])
    focal = views.lens(random, 28, 120)
    lowest, highest = ((-4, 20), (15, 50), (50, 85))[int(random.choice(3, p=[0.55, 0.35, 0.1]))]
    at = views.around(random, middle, size * between(random, 0.7, 2.2), focal, lowest, highest)
    at[1] = -abs(at[1])
    at[2] = max(0.04, at[2])
    return Scene(stage, light, views.view(random, at, middle, focal, 0.5))


def _beast(random: Random, size: float) -> Stage:
    """Returns an animal on four legs along x, about `size` tall."""
    made = Stage()
    color = palette.hsv(between(random, 0.02, 0.13), between(random, 0, 0.65), between(random, 0.08, 0.95))
    if chance(random, 0.15):
        color = palette.any_color(random)
    coat = PLAIN
    if chance(random, 0.5):
        coat = Pattern(
            str(random.choice(["noise", "spots", "stripes", "cells"])),
            between(random, 3, 10) / size,
            palette.like(random, color, 0.9),
            between(random, 0.3, 0.7),
        )
    stout, length, leg = (
        between(random, 0.1, 0.24) * size,
        size * between(random, 0.6, 1.0),
        size * between(random, 0.25, 0.55),
    )
    spine = np.array(
        [
            (-length / 2, 0, leg + stout),
            (-length * 0.2, 0, leg + stout * 1.1),
            (length * 0.15, 0, leg + stout),
            (length / 2, 0, leg + stout * 1.15),
        ]
    )
    body = tube(spine, np.array([0.75, 1.05, 1.0, 0.8]) * stout, 12)
    neck = between(random, 0.15, 0.5) * size
    head = spine[-1] + np.array([between(random, 0.2, 0.8), between(random, -0.3, 0.3), between(random, 0.1, 1)]) * neck
    thick = stout * between(random, 0.35, 0.6)
    throat = tube(
        [spine[-1] - (stout * 0.4, 0, 0), (spine[-1] + head) / 2, head], [stout * 0.7, thick, thick * 0.9], 10
    )
    skull = ball(1, 12).scaled(stout * 0.75, stout * 0.5, stout * 0.52).moved(*head)
    snout = tube(
        [
            head + point(stout * 0.3, 0, -0.05 * stout),
            head + point(stout * between(random, 0.9, 1.6), 0, -stout * 0.25),
        ],
        [stout * 0.38, stout * 0.2],
        9,
    )
    legs, feet = [], []
    slim = stout * between(random, 0.12, 0.32)
    for x in (-length * 0.4, length * 0.4):
        for y in (-stout * 0.6, stout * 0.6):
            knee = np.array([x + between(random, -0.2, 0.2) * leg, y, leg * 0.5])
            foot = np.array([x + between(random, -0.25, 0.25) * leg, y, 0.02 * size])
            legs.append(tube([point(x, y, leg + stout), knee, foot], [slim * 1.8, slim, slim * 0.8], 8))
            feet.append(ball(slim * 1.2, 8).scaled(1.4, 1, 0.7).moved(*foot))
    tail = between(random, 0.1, 0.6) * size
    end = spine[0] + np.array([-tail * 0.8, between(random, -0.4, 0.4) * tail, between(random, -0.6, 0.6) * tail])
    rod = tube(
        [spine[0] + (stout * 0.4, 0, stout * 0.3), (spine[0] + end) / 2 + (0, 0, tail * 0.2), end],
        [slim * 0.9, slim * 0.5, slim * 0.3],
        6,
    )
    made.add(color, coat, body, throat, skull, snout, *legs, rod)
    made.add((0.03, 0.025, 0.02), PLAIN, *feet, ball(stout * 0.12, 8).moved(*snout.corners[-9:].mean(axis=0)))
    _face(made, random, head, stout, color, coat)
    if chance(random, 0.55):
        coated = joined([body, throat, skull])
        fur = size * between(random, 0.02, 0.12)
        made.hairs.append(
            Hair(
                coated,
                color,
                5000,
                fur,
                size * between(random, 0.0012, 0.003),
                between(random, 0.2, 0.8),
                fur * 0.3,
                int(random.integers(1 << 20)),
            )
        )
    return made


def _face(made: Stage, random: Random, head: Array, stout: float, color: Color, coat: Pattern) -> None:
    pointed, far = between(random, 0.3, 1.3), between(random, 0.05, 0.4)
    for side in (-1, 1):
        eye = head + point(stout * 0.45, side * stout * 0.38, stout * 0.2)
        made.add((0.02, 0.02, 0.02), Pattern("plain", gloss=0.2, roughness=0.1), ball(stout * 0.09, 8).moved(*eye))
        ear = leaf(stout * pointed, stout * 0.45, far).turned(-np.pi / 2 + side * 0.9, 1.0).turned(side * 0.6)
        made.add(color, coat, ear.moved(*(head + point(-stout * 0.2, side * stout * 0.3, stout * 0.35))))
    style = random.random()
    if style < 0.2:
        for side in (-1, 1):
            base = head + point(-0.1 * stout, side * stout * 0.25, stout * 0.4)
            horn = tube(
                [
                    base,
                    base + np.array([-0.2, side * 0.5, 0.7]) * stout,
                    base + np.array([0.1, side * 0.6, 1.5]) * stout,
                ],
                [stout * 0.12, stout * 0.08, stout * 0.02],
                7,
            )
            made.add(palette.earth_color(random), PLAIN, horn)
    elif style < 0.45:
        whiskers = [
            tube(
                [
                    head + point(stout, side * 0.1 * stout, -0.2 * stout),
                    head + np.array([1.2, side * 1.0, -0.2 + up]) * stout,
                ],
                stout * 0.012,
                3,
            )
            for side in (-1, 1)
            for up in (-0.2, 0, 0.2)
        ]
        made.add((0.9, 0.9, 0.9), PLAIN, joined(whiskers))


def _form(random: Random, size: float) -> Stage:
    """Returns an irregular form with thin outgrowths, or a creature with antennae and many legs."""
    made = Stage()
    color, pattern = palette.any_color(random), palette.some(random, size)
    base = ball(size * 0.35, 20)
    wave = np.sin(base.corners / size * random.uniform(4, 12, 3) + random.uniform(0, 6, 3)).sum(axis=1, keepdims=True)
    body = (
        base.mapped(base.corners * (1 + between(random, 0.03, 0.2) * wave))
        .scaled(*random.uniform(0.6, 1.3, 3))
        .moved(z=size * 0.45)
    )
    made.add(color, pattern, body)
    if chance(random, 0.3):
        turns = np.linspace(0, between(random, 6, 20), 60)
        radius = size * 0.35 * np.linspace(1, 0.3, 60)
        made.add(
            palette.any_color(random),
            palette.shiny(random),
            tube(
                np.c_[radius * np.cos(turns), radius * np.sin(turns), np.linspace(0.05, 1, 60) * size],
                size * between(random, 0.01, 0.05),
                8,
            ),
        )
    arms = []
    for _ in range(random.integers(3, 16)):
        direction = random.normal(0, 1, 3)
        direction /= np.linalg.norm(direction)
        start = direction * size * 0.3 + (0, 0, size * 0.45)
        path = [
            start,
            start + direction * size * 0.25,
            start + direction * size * 0.35 + random.normal(0, 0.12, 3) * size,
        ]
        thick = size * between(random, 0.004, 0.03)
        arms.append(tube(path, [thick, thick * 0.8, thick * 0.5], 6))
    made.add(palette.any_color(random), palette.shiny(random), joined(arms))
    return made


def _plants(random: Random, size: float) -> Stage:
    """Returns flowers, a mushroom or a leafy plant, very close."""
    made = Stage()
    green = palette.leaf_color(random)
    for _ in range(random.integers(2, 8)):
        x, y = random.uniform(-0.4, 0.4, 2) * size
        top = np.array(
            [
                x + between(random, -0.2, 0.2) * size,
                y + between(random, -0.2, 0.2) * size,
                size * between(random, 0.5, 1.1),
            ]
        )
        made.add(
            green,
            PLAIN,
            tube([point(x, y, 0), point(x, y, top[2] * 0.5), top], size * between(random, 0.006, 0.015), 6),
        )
        color = palette.hsv(random.random(), between(random, 0.2, 1), between(random, 0.6, 1))
        if chance(random, 0.2):
            cap = lathe([(size * 0.18, 0), (size * 0.14, size * 0.08), (size * 0.03, size * 0.12)], 16).moved(*top)
            made.add(color, palette.some(random, size), cap)
            continue
        count, long = int(random.integers(5, 16)), size * between(random, 0.1, 0.22)
        slope = between(random, 0, 1.1)
        tilt = random.normal(0, 0.4, 2)
        flower = joined(
            [
                leaf(long, long * between(random, 0.25, 0.6), 0.2).turned(angle, slope)
                for angle in np.arange(count) * 2 * np.pi / count
            ]
        )
        made.add(color, PLAIN, flower.turned(0, tilt[0], tilt[1]).moved(*top))
        made.add(
            palette.hsv(0.13, 0.8, 0.7),
            palette.rough(random, 40 / size, (0.1, 0.06, 0.01)),
            ball(long * 0.25, 10).scaled(1, 1, 0.6).moved(*top),
        )
        blades = [
            leaf(size * between(random, 0.2, 0.5), size * 0.1, 0.5)
            .turned(0, 0.7)
            .turned(between(random, 0, 6.3))
            .moved(x, y, top[2] * between(random, 0, 0.6))
            for _ in range(3)
        ]
        made.add(palette.like(random, green, 0.15), PLAIN, joined(blades))
    return made


def _around(stage: Stage, random: Random, size: float) -> Light:
    """Adds the ground and the background; returns the light."""
    if chance(random, 0.35):
        color, pattern = palette.floor(random)
        far = between(random, 0.6, 4)
        stage.add(color, pattern, sheet(12, 12))
        stage.add(
            palette.wall_color(random),
            palette.some(random, 1) if chance(random, 0.4) else PLAIN,
            block((-6, far, 0), (6, far + 0.1, 5)),
        )
        return lights.studio(random, (0, 0, size * 0.4), max(0.8, size * 1.5), far - 0.1)
    ground = palette.leaf_color(random) if chance(random, 0.5) else palette.earth_color(random)
    rough = heights(random, 40, 3.0)
    relief = terrain((rough - rough[18:22, 18:22].mean()) * size * between(random, 0.05, 0.4), size * 12, size * 12)
    stage.add(ground, palette.rough(random, between(random, 2, 10) / size, palette.like(random, ground, 0.5)), relief)
    stage.add(
        ground, palette.rough(random, 0.3, palette.like(random, ground, 0.5)), sheet(400, 400).moved(z=-0.15 * size)
    )
    seed = int(random.integers(1 << 20))
    if chance(random, 0.6):
        _strew(stage, random, relief, size, seed)
    for _ in range(random.integers(0, 6)):
        stage.take(
            trees.tree(random, between(random, 2, 7), leaves=200), between(random, -8, 8), between(random, 4, 18)
        )
    light = lights.outdoors(random)
    if lights.is_night(light):
        return lights.studio(random, (0, 0, size * 0.4), max(0.8, size * 1.5))
    return light


def _strew(stage: Stage, random: Random, relief: Shape, size: float, seed: int) -> None:
    if chance(random, 0.75):
        tufts = tuple(trees.tuft(random, size * between(random, 0.1, 0.7)) for _ in range(2))
        stage.scatters.append(Scatter(relief, tufts, between(random, 1, 10) / size**2, (0.5, 1.2), seed))
    if chance(random, 0.5):
        stones = tuple(trees.stone(random, size * between(random, 0.05, 0.3)) for _ in range(3))
        stage.scatters.append(Scatter(relief, stones, between(random, 0.2, 2) / size**2, (0.3, 1.5), seed + 7, False))
    if chance(random, 0.3):
        flowers = tuple(trees.flower(random, size * between(random, 0.2, 0.7)) for _ in range(2))
        stage.scatters.append(Scatter(relief, flowers, between(random, 0.2, 2) / size**2, (0.6, 1.2), seed + 19))
