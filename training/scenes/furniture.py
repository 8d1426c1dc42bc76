# SPDX-License-Identifier: GPL-3.0-or-later
"""Furniture, each piece on its own stage: standing on the origin, with its back towards +y."""

from __future__ import annotations

import numpy as np

from training.scenes import palette, things
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Shape, ball, box, cylinder, joined, lathe, tube
from training.scenes.stage import Pattern, Stage


def legs(random: Random, width: float, depth: float, height: float) -> Shape:
    """Returns four legs under a rectangle: thin, straight or splayed, round or square."""
    thick = between(random, 0.008, 0.03)
    splay = between(random, 0, 0.12) if chance(random, 0.4) else 0.0
    parts = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        top = np.array([x * (width / 2 - thick - splay), y * (depth / 2 - thick - splay), height])
        foot = np.array([x * (width / 2 - thick), y * (depth / 2 - thick), 0])
        parts.append(tube([foot, top], [thick * between(random, 0.5, 1), thick], 4 if chance(random, 0.4) else 8))
    return joined(parts)


def table(random: Random, height: float | None = None) -> Stage:
    """Returns a table of a given height, with four legs or a central foot."""
    made = Stage()
    tall = height if height is not None else between(random, 0.4, 0.8)
    width, depth, thick = between(random, 0.6, 1.8), between(random, 0.5, 1.0), between(random, 0.015, 0.05)
    pattern = palette.wood(random) if chance(random, 0.6) else palette.shiny(random)
    color = palette.wood_color(random) if chance(random, 0.7) else palette.any_color(random)
    if chance(random, 0.3):
        made.add(color, pattern, cylinder(depth / 2, thick, 20).moved(z=tall - thick))
        made.add(palette.like(random, color), PLAIN, cylinder(between(random, 0.02, 0.05), tall - thick, 8))
        made.add(palette.like(random, color), PLAIN, cylinder(depth * 0.3, 0.03, 14, 0.05))
    else:
        made.add(color, pattern, box(width, depth, thick).moved(z=tall - thick))
        made.add(palette.like(random, color), PLAIN, legs(random, width, depth, tall - thick))
    return made


def chair(random: Random) -> Stage:
    """Returns a chair or stool with thin legs and a back of bars, slats or a plate."""
    made = Stage()
    color = palette.wood_color(random) if chance(random, 0.6) else palette.any_color(random)
    seat, width, depth = between(random, 0.4, 0.5), between(random, 0.38, 0.5), between(random, 0.38, 0.48)
    if chance(random, 0.15):
        seat = between(random, 0.55, 0.8)
    made.add(color, palette.shiny(random), legs(random, width, depth, seat))
    made.add(
        palette.any_color(random), palette.cloth(random), box(width, depth, between(random, 0.02, 0.08)).moved(z=seat)
    )
    top = seat + between(random, 0.35, 0.6)
    if chance(random, 0.15):
        return made
    lean = between(random, 0.0, 0.1)
    y = depth / 2 - 0.02
    bar = between(random, 0.008, 0.02)
    posts = [tube([(x, y, seat), (x, y + lean, top)], bar, 6) for x in (-width / 2 + bar, width / 2 - bar)]
    made.add(color, PLAIN, *posts, tube([(-width / 2, y + lean, top), (width / 2, y + lean, top)], bar * 1.3, 6))
    style = random.integers(3)
    if style == 0:
        count = int(random.integers(2, 8))
        bars = [
            tube([(x, y, seat), (x, y + lean, top)], bar * 0.6, 5) for x in np.linspace(-0.8, 0.8, count) * width / 2
        ]
        made.add(color, PLAIN, *bars)
    elif style == 1:
        for height in np.linspace(0.35, 0.95, int(random.integers(1, 4))):
            middle = seat + (top - seat) * height
            made.add(color, PLAIN, box(width, 0.015, 0.06).moved(0, y + lean * height, middle - 0.03))
    else:
        made.add(
            palette.any_color(random),
            palette.cloth(random),
            box(width, 0.03, (top - seat) * 0.7).moved(0, y + lean * 0.6, seat + (top - seat) * 0.3),
        )
    if chance(random, 0.3):
        arms = [
            tube([(x, -depth / 2 + 0.04, seat), (x, -depth / 2 + 0.04, seat + 0.22), (x, y, seat + 0.22)], bar, 6)
            for x in (-width / 2, width / 2)
        ]
        made.add(color, PLAIN, *arms)
    return made


def sofa(random: Random) -> Stage:
    """Returns a sofa or armchair with cushions."""
    made = Stage()
    color, pattern = palette.any_color(random), palette.cloth(random)
    width, depth, seat = between(random, 0.8, 2.2), between(random, 0.75, 0.95), between(random, 0.35, 0.45)
    lift = between(random, 0.05, 0.15)
    made.add(palette.wood_color(random), PLAIN, legs(random, width, depth, lift))
    arm = between(random, 0.1, 0.2)
    made.add(color, pattern, box(width, depth, seat - lift).moved(z=lift))
    made.add(color, pattern, box(width, 0.2, between(random, 0.4, 0.6)).moved(0, depth / 2 - 0.1, seat))
    for side in (-1, 1):
        made.add(color, pattern, box(arm, depth, 0.22).moved(side * (width - arm) / 2, 0, seat))
    for _ in range(random.integers(0, 4)):
        cushion = ball(0.22, 12).scaled(1, 0.35, 1).turned(between(random, -0.4, 0.4), -0.3)
        made.add(
            palette.any_color(random),
            palette.cloth(random),
            cushion.moved(between(random, -1, 1) * (width / 2 - 0.35), depth / 2 - 0.3, seat + 0.2),
        )
    return made


def shelf(random: Random) -> Stage:
    """Returns a shelf full of books and other objects, with or without a back."""
    made = Stage()
    width, depth, height = between(random, 0.6, 2.0), between(random, 0.22, 0.4), between(random, 0.8, 2.3)
    color, pattern = (
        palette.wood_color(random) if chance(random, 0.6) else palette.wall_color(random),
        palette.wood(random),
    )
    board = between(random, 0.015, 0.035)
    levels = int(random.integers(2, 7))
    if chance(random, 0.6):
        made.add(color, pattern, *(box(board, depth, height).moved(x) for x in (-width / 2, width / 2)))
    else:
        made.add(color, PLAIN, legs(random, width + 0.06, depth, height))
    if chance(random, 0.5):
        made.add(palette.like(random, color), pattern, box(width, 0.01, height).moved(0, depth / 2))
    gap = height / levels
    for z in np.arange(levels) * gap + 0.06:
        made.add(color, pattern, box(width, depth, board).moved(z=z))
        _fill(made, random, (width, depth, gap - board - 0.02), z + board)
    return made


def _fill(made: Stage, random: Random, room: tuple[float, float, float], z: float) -> None:
    width, depth, gap = room
    x = -width / 2 + 0.03
    while x < width / 2 - 0.1:
        if chance(random, 0.65):
            for _ in range(random.integers(2, 9)):
                thick, tall = between(random, 0.015, 0.05), gap * between(random, 0.6, 0.95)
                if x + thick > width / 2 - 0.02:
                    return
                deep = depth * between(random, 0.6, 0.9)
                pattern = palette.some(random, 0.2) if chance(random, 0.15) else PLAIN
                made.add(palette.any_color(random), pattern, box(thick * 0.95, deep, tall).moved(x + thick / 2, 0, z))
                x += thick
        else:
            small = things.thing(random, min(gap * 0.8, 0.3))
            low, high = small.bounds()
            wide = high[0] - low[0]
            if x + wide < width / 2 - 0.02:
                made.take(small, x - low[0], 0, z)
            x += wide
        x += between(random, 0, 0.15)


def lamp(random: Random) -> Stage:
    """Returns a floor lamp on a thin pole."""
    made = Stage()
    tall, pole = between(random, 1.2, 1.8), between(random, 0.006, 0.018)
    color, pattern = palette.any_color(random), palette.shiny(random)
    made.add(color, pattern, cylinder(0.14, 0.02, 14))
    shade = between(random, 0.1, 0.22)
    if chance(random, 0.4):
        arc = np.linspace(0, 1.9, 9)
        path = np.c_[0.5 * (1 - np.cos(arc)) * 0.8, 0 * arc, tall - 0.5 + 0.5 * np.sin(arc)]
        made.add(color, pattern, tube([(0, 0, 0), *path.tolist()], pole, 6))
        at = path[-1]
    else:
        made.add(color, pattern, cylinder(pole, tall, 6))
        at = np.array([0, 0, tall])
    glow = Pattern("glow", amount=between(random, 1, 6)) if chance(random, 0.6) else PLAIN
    made.add(
        palette.hsv(between(random, 0.05, 0.15), between(random, 0.05, 0.5), 0.95),
        glow,
        lathe([(shade, 0), (shade * between(random, 0.4, 1), shade * 1.3)], 16).moved(
            at[0], at[1], at[2] - shade * 0.6
        ),
    )
    return made


def hanging_lamp(random: Random, drop: float) -> Stage:
    """Returns a lamp that hangs down from the origin on a wire."""
    made = Stage()
    made.add((0.03, 0.03, 0.03), PLAIN, tube([(0, 0, 0), (0, 0, -drop)], between(random, 0.003, 0.008), 4))
    size = between(random, 0.08, 0.3)
    color, pattern = palette.any_color(random), palette.shiny(random)
    if chance(random, 0.4):
        made.add(
            color,
            Pattern("glow", amount=between(random, 1, 5)) if chance(random, 0.5) else pattern,
            ball(size * 0.6, 14).moved(z=-drop - size * 0.4),
        )
    else:
        made.add(color, pattern, lathe([(size, -size), (size * 0.5, -size * 0.5), (size * 0.15, 0)], 16).moved(z=-drop))
    if chance(random, 0.25):
        for angle in np.arange(6) * np.pi / 3:
            x, y = 0.35 * np.cos(angle), 0.35 * np.sin(angle)
            made.add(
                color,
                pattern,
                tube([(0, 0, -drop), (x * 0.6, y * 0.6, -drop - 0.1), (x, y, -drop)], 0.008, 5),
                cylinder(0.02, 0.08, 6).moved(x, y, -drop),
            )
    return made


def big_plant(random: Random) -> Stage:
    """Returns a plant as tall as furniture."""
    made = Stage()
    made.add(palette.any_color(random), palette.some(random, 0.5), cylinder(0.13, 0.3, 14, 0.18))
    stem = between(random, 0.3, 0.9)
    made.add(palette.wood_color(random), PLAIN, tube([(0, 0, 0.2), (0.03, 0, stem * 0.6), (0, 0, stem)], 0.012, 6))
    things.foliage(made, random, between(random, 0.5, 1.0), stem, int(random.integers(15, 50)))
    return made


def cupboard(random: Random) -> Stage:
    """Returns a closed piece of furniture with doors or drawers and knobs."""
    made = Stage()
    width, depth, height = between(random, 0.5, 1.6), between(random, 0.35, 0.6), between(random, 0.5, 2.1)
    color, pattern = (
        palette.wood_color(random) if chance(random, 0.5) else palette.wall_color(random),
        palette.wood(random),
    )
    lift = between(random, 0.0, 0.2)
    made.add(color, pattern, box(width, depth, height - lift).moved(z=lift))
    if lift > 0.04:
        made.add(color, PLAIN, legs(random, width, depth, lift))
    columns, rows = int(random.integers(1, 4)), int(random.integers(1, 5))
    cell, tall = width / columns, (height - lift) / rows
    knob = palette.shiny(random)
    for column in range(columns):
        for row in range(rows):
            x, z = -width / 2 + cell * (column + 0.5), lift + tall * row
            made.add(
                palette.like(random, color, 0.06),
                pattern,
                box(cell - 0.02, 0.02, tall - 0.02).moved(x, -depth / 2 - 0.01, z + 0.01),
            )
            made.add((0.4, 0.38, 0.33), knob, ball(0.016, 8).moved(x, -depth / 2 - 0.035, z + tall / 2))
    for _ in range(random.integers(0, 4)):
        made.take(things.thing(random, between(random, 0.15, 0.4)), between(random, -0.4, 0.4) * width, 0, height)
    return made


def bed(random: Random) -> Stage:
    """Returns a bed."""
    made = Stage()
    width, length = between(random, 0.9, 1.8), 2.0
    wood = palette.wood_color(random)
    made.add(
        wood,
        palette.wood(random),
        box(width, length, 0.12).moved(z=0.22),
        box(width, 0.05, between(random, 0.6, 1.1)).moved(0, length / 2),
    )
    made.add(wood, PLAIN, legs(random, width, length, 0.22))
    made.add(
        palette.any_color(random, 0.95), palette.cloth(random), box(width * 1.02, length * 0.97, 0.2).moved(z=0.32)
    )
    for x in (-0.25, 0.25):
        made.add(
            palette.any_color(random, 1),
            palette.cloth(random),
            ball(0.28, 12).scaled(1.2, 0.8, 0.35).moved(x * width, length / 2 - 0.35, 0.58),
        )
    return made
