# SPDX-License-Identifier: GPL-3.0-or-later
"""Flights of stairs along a wall of a room."""

from __future__ import annotations

import math

from training.scenes import palette
from training.scenes.furnished.surfaces import Place
from training.scenes.furnished.walls import Shell, Wall
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import block, tube

_STEEPEST_RISE, _FEWEST = 0.21, 4


def flight(place: Place, random: Random, wall: Wall, shell: Shell) -> bool:
    """Adds stairs that go up along a wall, towards the ceiling; returns whether there was room for them."""
    rise, run = between(random, 0.15, _STEEPEST_RISE), between(random, 0.22, 0.32)
    is_across = abs(math.cos(wall.turn)) > 0.5
    width = between(random, 0.6, 1.4)
    count = min(math.ceil(shell.height / rise), int((wall.length - 0.3) / run))
    if count < _FEWEST or width > 0.7 * (shell.depth if is_across else shell.width):
        return False
    long = count * run
    start = between(random, -wall.length / 2, wall.length / 2 - long)
    x, y = wall.at(start + long / 2, width / 2)
    if not place.ground.is_free(x, y, *((long, width) if is_across else (width, long))):
        return False
    place.ground.take(x, y, *((long, width) if is_across else (width, long)))
    is_mirrored = chance(random, 0.5)
    back = wall.reach
    steps, treads = [], []
    over = between(random, 0.0, 0.03)
    for number in range(count):
        left = start + (count - 1 - number if is_mirrored else number) * run
        top = min((number + 1) * rise, shell.height)
        steps.append(block((left, back - width, 0), (left + run, back, top - 0.03)))
        treads.append(block((left - over, back - width, top - 0.03), (left + run + over, back, top)))
    color, pattern = palette.floor(random)
    other = palette.wall_color(random) if chance(random, 0.5) else color
    place.made.stage.add(other, PLAIN, *(one.turned(wall.turn) for one in steps))
    place.made.stage.add(color, pattern, *(one.turned(wall.turn) for one in treads))
    if chance(random, 0.6):
        _balusters(place, random, wall, (start, run, rise, width, count, is_mirrored), shell.height)
    place.aim(x, y, 0.0, min(count * rise, shell.height), random)
    return True


def _balusters(
    place: Place, random: Random, wall: Wall, measures: tuple[float, float, float, float, int, bool], height: float
) -> None:
    """Adds a post on each tread of the open side, and a handrail."""
    start, run, rise, width, count, is_mirrored = measures
    high, thick = between(random, 0.8, 1.0), between(random, 0.01, 0.025)
    color = palette.any_color(random)
    rail = []
    for number in range(count):
        along = start + (count - 0.5 - number if is_mirrored else number + 0.5) * run
        low = (number + 1) * rise
        rail.append((along, wall.reach - width + 0.05, low + high))
        if low + high < height:
            post = block(
                (along - thick, wall.reach - width + 0.05 - thick, low),
                (along + thick, wall.reach - width + 0.05 + thick, low + high),
            )
            place.made.stage.add(color, PLAIN, post.turned(wall.turn))
    below = [one for one in rail if one[2] < height]
    if len(below) > 1:
        place.made.stage.add(color, PLAIN, tube(below, between(random, 0.02, 0.035), 7).turned(wall.turn))
