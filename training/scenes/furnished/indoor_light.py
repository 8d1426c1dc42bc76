# SPDX-License-Identifier: GPL-3.0-or-later
"""Light in rooms: lamps on the ceiling and on furniture, daylight and sun through the windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.scenes import lights, palette
from training.scenes.furnished.walls import Hole, Shell, Wall
from training.scenes.palette import Random, between, chance
from training.scenes.stage import Lamp, Light, Sky, Sun


def light(random: Random, shell: Shell, windows: Sequence[tuple[Wall, Hole]]) -> Light:
    """Returns the light of a room with the given windows."""
    is_day = bool(windows) and chance(random, 0.75)
    lamps: list[Lamp] = []
    if not is_day or chance(random, 0.4):
        lamps += [_ceiling_lamp(random, shell) for _ in range(1 + int(random.poisson(0.6)))]
    if is_day:
        lamps += [_daylight(random, wall, hole) for wall, hole in windows[:2]]
    if chance(random, 0.2):
        lamps.append(_small_lamp(random, shell))
    tone = palette.hsv(between(random, 0.05, 0.62), between(random, 0, 0.18), between(random, 0.5, 0.95))
    ambient = between(random, 0.25, 1.1)
    if not is_day:
        dark = between(random, 0.0, 0.1)
        return Light(Sky(tone, tone, strength=ambient, seen=dark), (), tuple(lamps))
    day = lights.outdoors(random)
    while lights.is_night(day):
        day = lights.outdoors(random)
    sky = replace(day.sky, strength=ambient, seen=between(random, 1.0, 5.0))
    suns = (_sun(random, windows[0][0]),) if chance(random, 0.45) else ()
    return Light(sky, suns, tuple(lamps))


def _ceiling_lamp(random: Random, shell: Shell) -> Lamp:
    x, y = between(random, -0.35, 0.35) * shell.width, between(random, -0.35, 0.35) * shell.depth
    size = float(np.exp(random.uniform(math.log(0.08), math.log(1.5))))
    area = max(8.0, shell.width * shell.depth)
    towards = (x + float(random.normal(0, 0.4)), y + float(random.normal(0, 0.4)), 0.0)
    return Lamp((x, y, shell.height - 0.06), towards, size, area * between(random, 2.5, 9), lights.lamp_color(random))


def _daylight(random: Random, wall: Wall, hole: Hole) -> Lamp:
    x, y = wall.at(hole.middle, 0.12)
    u, v = wall.at(hole.middle + between(random, -1, 1), 3.0)
    z = (hole.bottom + hole.top) / 2
    size = max(0.3, min(hole.width, hole.top - hole.bottom))
    power = size * size * between(random, 25, 120)
    return Lamp((x, y, z), (u, v, z - between(random, 0.2, 1.5)), size, power, (between(random, 0.7, 1), 0.93, 1.0))


def _small_lamp(random: Random, shell: Shell) -> Lamp:
    x, y = between(random, -0.4, 0.4) * shell.width, between(random, -0.4, 0.4) * shell.depth
    z = between(random, 0.7, 1.9)
    return Lamp((x, y, z), (x, y + 0.1, 0), 0.15, between(random, 8, 40), (1.0, 0.8, 0.55))


def _sun(random: Random, wall: Wall) -> Sun:
    """Returns a sun that shines through a wall's windows."""
    # Blender's sun at rotation (90 - height, 0, azimuth) shines towards +y turned by the azimuth.
    azimuth = math.degrees(wall.turn) + 180 + float(random.normal(0, 35))
    return Sun(between(random, 12, 55), azimuth, between(random, 3, 14), width=between(random, 0.5, 3))
