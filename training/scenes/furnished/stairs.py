# SPDX-License-Identifier: GPL-3.0-or-later
"""Flights of stairs along a wall of a room."""

from __future__ import annotations

import math
from collections.abc import Sequence

from training.scenes import palette
from training.scenes.furnished.scene import footprint
from training.scenes.furnished.surfaces import Place
from training.scenes.furnished.walls import Shell, Wall
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import block, tube

_STEEPEST_RISE, _FEWEST = 0.21, 4


def flight(place: Place, random: Random, wall: Wall, shell: Shell) -> bool:
    """Adds stairs that go up along a wall, towards the ceiling; returns whether there was room for them."""
    rise, run = between(random, 0.15, _STEEPEST_RISE), between(random, 0.22, 0.32)
    width = between(random, 0.6, 1.4)
    count = min(math.ceil(shell.height / rise), int((wall.length - 0.3) / run))
    if count < _FEWEST or width > 0.7 * 2 * wall.reach:
        return False
    long = count * run
    start = between(random, -wall.length / 2, wall.length / 2 - long)
    x, y = wall.at(start + long / 2, width / 2)
    wide, deep = footprint(long, width, wall.turn)
    if not place.ground.is_free(x, y, wide, deep):
        return False
    place.ground.take(x, y, wide, deep)
    is_mirrored = chance(random, 0.5)
    out = wall.reach - width
    steps, treads, middles = [], [], []
    over = between(random, 0.0, 0.03)
    for number in range(count):
        left = start + (count - 1 - number if is_mirrored else number) * run
        top = min((number + 1) * rise, shell.height)
        steps.append(block((left, out, 0), (left + run, wall.reach, top - 0.03)))
        treads.append(block((left - over, out, top - 0.03), (left + run + over, wall.reach, top)))
        middles.append((left + run / 2, out + 0.05, top))
    color, pattern = palette.floor(random)
    other = palette.wall_color(random) if chance(random, 0.5) else color
    place.made.stage.add(other, PLAIN, *(one.turned(wall.turn) for one in steps))
    place.made.stage.add(color, pattern, *(one.turned(wall.turn) for one in treads))
    if chance(random, 0.6):
        _balusters(place, random, wall, middles, shell.height)
    place.aim(x, y, 0.0, min(count * rise, shell.height), random)
    return True


def _balusters(
    place: Place, random: Random, wall: Wall, treads: Sequence[tuple[float, float, float]], height: float
) -> None:
    """Adds a post on each of the `treads`, and a handrail, as far as they are below the ceiling, at a `height`."""
    high, thick = between(random, 0.8, 1.0), between(random, 0.01, 0.025)
    color = palette.any_color(random)
    below = [(x, y, low) for x, y, low in treads if low + high < height]
    for x, y, low in below:
        post = block((x - thick, y - thick, low), (x + thick, y + thick, low + high))
        place.made.stage.add(color, PLAIN, post.turned(wall.turn))
    if len(below) > 1:
        rail = tube([(x, y, low + high) for x, y, low in below], between(random, 0.02, 0.035), 7)
        place.made.stage.add(color, PLAIN, rail.turned(wall.turn))
