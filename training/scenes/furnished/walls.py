# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell of a room: floor, ceiling and walls with openings, and what lies behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from training.scenes import palette
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Shape, block, box, lathe, sheet
from training.scenes.stage import Color, Pattern, Stage

THICKNESS = 0.2


@dataclass(frozen=True)
class Hole:
    """An opening of a wall: where its middle is along the wall, its width, bottom and top."""

    middle: float
    width: float
    bottom: float
    top: float

    def overlaps(self, middle: float, width: float, gap: float) -> bool:
        """Returns whether a span of the wall comes closer than a gap."""
        return abs(self.middle - middle) < (self.width + width) / 2 + gap


@dataclass
class Wall:
    """A wall of a room centred on the origin; seen from inside, `along` grows to the right."""

    length: float
    reach: float
    """Distance of its inner side from the origin."""
    turn: float
    """Radians: 0 for the wall in the direction +y."""
    holes: list[Hole] = field(default_factory=list)

    def at(self, along: float, out: float) -> tuple[float, float]:
        """Returns the point at a distance `out` in front of a place along the wall."""
        cosine, sine = math.cos(self.turn), math.sin(self.turn)
        ahead = self.reach - out
        return along * cosine - ahead * sine, along * sine + ahead * cosine

    def parts(self, height: float) -> list[Shape]:
        """Returns the wall around its holes as blocks, in the room's frame."""
        half = self.length / 2 + THICKNESS
        cuts = sorted({-half, half, *(hole.middle + side * hole.width / 2 for hole in self.holes for side in (-1, 1))})
        made = []
        for left, right in pairwise(cuts):
            if right - left < 1e-6:
                continue
            within = [one for one in self.holes if abs(one.middle - (left + right) / 2) < one.width / 2]
            low = 0.0
            for hole in sorted(within, key=lambda one: one.bottom):
                made += _slab(left, right, low, hole.bottom, self.reach)
                low = max(low, hole.top)
            made += _slab(left, right, low, height, self.reach)
        return [one.turned(self.turn) for one in made]


def _slab(left: float, right: float, low: float, high: float, reach: float) -> list[Shape]:
    return [block((left, reach, low), (right, reach + THICKNESS, high))] if high - low > 1e-6 else []


@dataclass(frozen=True)
class Shell:
    """The measures of a room and its four walls."""

    width: float
    depth: float
    height: float
    walls: tuple[Wall, Wall, Wall, Wall]

    @classmethod
    def of(cls, width: float, depth: float, height: float) -> Shell:
        """Returns a room without openings; `width` is along x, `depth` along y."""
        turns = (0.0, math.pi, -math.pi / 2, math.pi / 2)
        spans = ((width, depth), (width, depth), (depth, width), (depth, width))
        walls = [Wall(along, across / 2, turn) for turn, (along, across) in zip(turns, spans, strict=True)]
        return cls(width, depth, height, (walls[0], walls[1], walls[2], walls[3]))

    def contains(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Returns whether a point is inside, by a margin."""
        return abs(x) < self.width / 2 - margin and abs(y) < self.depth / 2 - margin


def wall_paint(random: Random) -> tuple[Color, Pattern]:
    """Returns the colour and pattern of a wall: half of them plain white, a quarter another plain colour."""
    kind = random.random()
    if kind < 0.5:
        return palette.hsv(between(random, 0.05, 0.65), random.beta(1, 12), between(random, 0.82, 0.98)), PLAIN
    color = palette.wall_color(random)
    if kind < 0.74:
        return color, PLAIN
    names = ["noise", "stripes", "bricks", "checker", "cells", "marble", "wood", "spots"]
    name = str(random.choice(names, p=[0.2, 0.16, 0.2, 0.14, 0.06, 0.08, 0.1, 0.06]))
    second = palette.like(random, color, between(random, 0.08, 0.4))
    scale = {"bricks": between(random, 2, 7), "checker": between(random, 3, 12), "stripes": between(random, 3, 12)}
    pattern = Pattern(
        name, scale.get(name, between(random, 0.7, 8)), second, between(random, 0.2, 0.8), seed=between(random, 0, 100)
    )
    if name in ("checker", "bricks") and chance(random, 0.5):
        pattern = replace(pattern, gloss=between(random, 0.03, 0.15), roughness=between(random, 0.1, 0.4))
    return color, pattern


def build(stage: Stage, random: Random, shell: Shell) -> None:
    """Adds floor, ceiling, walls around their holes, and a skirting board."""
    width, depth, height = shell.width, shell.depth, shell.height
    color, pattern = palette.floor(random)
    # Both reach under the walls: between surfaces that only touch, single pixels would show the sky.
    over = (width + 2 * THICKNESS, depth + 2 * THICKNESS)
    stage.add(color, pattern, box(over[0], over[1], 0.1).moved(0, 0, -0.1))
    white = palette.hsv(0.1, between(random, 0, 0.08), between(random, 0.8, 0.98))
    stage.add(white, PLAIN, box(over[0], over[1], 0.15).moved(0, 0, height))
    if chance(random, 0.12):
        for y in np.arange(-depth / 2 + 0.5, depth / 2, between(random, 0.7, 1.5)):
            stage.add(
                palette.wood_color(random), palette.wood(random), box(width, 0.14, 0.18).moved(0, y, height - 0.18)
            )
    paint = wall_paint(random)
    for wall in shell.walls:
        own = paint if chance(random, 0.75) else wall_paint(random)
        stage.add(*own, *wall.parts(height))
    if chance(random, 0.65):
        _skirting(stage, random, shell)


def _skirting(stage: Stage, random: Random, shell: Shell) -> None:
    high, thick = between(random, 0.05, 0.14), between(random, 0.008, 0.02)
    color = palette.hsv(0.1, between(random, 0, 0.4), between(random, 0.2, 0.95))
    parts = []
    for wall in shell.walls:
        gaps = sorted((one.middle, one.width) for one in wall.holes if one.bottom < high)
        start = -wall.length / 2
        for middle, width in [*gaps, (wall.length / 2, 0.0)]:
            end = middle - width / 2 - 0.05
            if end > start:
                parts.append(block((start, wall.reach - thick, 0), (end, wall.reach, high)).turned(wall.turn))
            start = middle + width / 2 + 0.05
    if parts:
        stage.add(color, PLAIN, *parts)


def next_room(stage: Stage, random: Random, wall: Wall, hole: Hole, height: float) -> None:
    """Adds a room behind a doorway of a wall."""
    side, far = between(random, 0.6, 2.5), between(random, 1.2, 5.0)
    left, right = hole.middle - hole.width / 2 - side, hole.middle + hole.width / 2 + side
    near, end = wall.reach + THICKNESS, wall.reach + THICKNESS + far
    floor, pattern = palette.floor(random)
    stage.add(floor, pattern, block((left, wall.reach, -0.1), (right, end, -0.001)).turned(wall.turn))
    parts = [
        block((left - 0.1, near, 0), (left, end, height)),
        block((right, near, 0), (right + 0.1, end, height)),
        block((left, end, 0), (right, end + 0.1, height)),
        block((left, near, height), (right, end, height + 0.1)),
    ]
    stage.add(*wall_paint(random), *(one.turned(wall.turn) for one in parts))


def outside(stage: Stage, random: Random, shell: Shell, sides: Sequence[Wall]) -> None:
    """Adds what is seen through the windows of some walls: ground, other houses, trees."""
    if not sides:
        return
    low = -0.3 if chance(random, 0.5) else -between(random, 2.5, 12)
    color = palette.leaf_color(random) if chance(random, 0.6) else palette.earth_color(random)
    stage.add(color, palette.rough(random, 1, palette.like(random, color, 0.4)), sheet(300, 300).moved(0, 0, low))
    for wall in sides:
        for _ in range(random.integers(1, 7)):
            along, far = between(random, -14, 14), between(random, 3.5, 30)
            if chance(random, 0.5):
                height = between(random, 2, 12) - low
                made = box(between(random, 3, 10), between(random, 2, 6), height)
                pattern = Pattern("bricks", between(random, 0.4, 2), palette.any_color(random))
                tone = palette.wall_color(random)
                shape = made.moved(along, wall.reach + far + 4, low).turned(wall.turn)
                stage.add(tone, pattern if chance(random, 0.5) else PLAIN, shape)
            else:
                tall = between(random, 3, 9)
                crown = lathe(np.array([(0.05, 0), (0.06, 0.3), (0.32, 0.4), (0.36, 0.7), (0.06, 1)]) * tall, 9)
                green = palette.leaf_color(random)
                shape = crown.moved(along, wall.reach + far + 2, low).turned(wall.turn)
                stage.add(green, palette.rough(random, 3, palette.like(random, green, 0.6)), shape)


def curtain(random: Random, width: float, height: float) -> Shape:
    """Returns a curtain in waves, in the x-z plane, centred, hanging down to z = 0."""
    x = np.linspace(-width / 2, width / 2, max(16, int(width * 60)))
    y = between(random, 0.015, 0.05) * np.sin(x * between(random, 30, 70))
    n = len(x)
    corners = np.concatenate([np.c_[x, y, np.zeros(n)], np.c_[x, y, np.full(n, height)]])
    first = np.arange(n - 1)
    return Shape(corners, (np.stack([first, first + 1, first + n + 1, first + n], 1),), True)
