# SPDX-License-Identifier: GPL-3.0-or-later
"""Random lighting: days, evenings, nights, rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from training.scenes import palette
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array, point
from training.scenes.stage import Color, Lamp, Light, Point, Sky, Sun


def outdoors(random: Random) -> Light:
    """Returns a day's light: clear, cloudy, grey, at dusk, or (rarely) at night, where a few lamps must be added."""
    kind = str(random.choice(["clear", "cloudy", "grey", "dusk", "night"], p=[0.35, 0.28, 0.21, 0.1, 0.06]))
    seed = between(random, 0, 100)
    azimuth = between(random, 0, 360)
    if kind == "clear":
        sky = Sky(palette.hsv(0.58, between(random, 0.05, 0.3), 0.95), palette.hsv(0.6, between(random, 0.4, 0.8), 0.8))
        return Light(sky, (Sun(between(random, 12, 75), azimuth, between(random, 2.5, 6)),))
    if kind == "cloudy":
        cover = between(random, 0.2, 0.9)
        sky = Sky(palette.hsv(0.58, 0.15, 0.9), palette.hsv(0.6, 0.55, 0.75), (1.2, 1.2, 1.2), cover, 1.0, seed)
        return Light(
            sky, (Sun(between(random, 15, 70), azimuth, between(random, 0.8, 4), width=between(random, 0.5, 8)),)
        )
    if kind == "grey":
        grey = palette.hsv(0.6, between(random, 0, 0.15), 0.95)
        dark = palette.hsv(0.6, between(random, 0, 0.15), between(random, 0.6, 0.95))
        return Light(Sky(grey, grey, dark, between(random, 0, 1), 1.0, seed))
    if kind == "dusk":
        hue = between(random, 0.0, 0.1)
        sky = Sky(
            palette.hsv(hue, between(random, 0.15, 0.6), 0.95),
            palette.hsv(0.63, 0.5, 0.5),
            palette.hsv(hue, 0.4, 0.8),
            0.6,
            0.8,
            seed,
        )
        return Light(
            sky, (Sun(between(random, 3, 14), azimuth, between(random, 1, 4), palette.hsv(hue + 0.03, 0.4, 1)),)
        )
    dark = palette.hsv(0.63, 0.6, 0.12)
    return Light(
        Sky(dark, palette.hsv(0.65, 0.7, 0.05), dark, 0.5, 0.6, seed), (Sun(40, azimuth, 0.02, (0.7, 0.8, 1)),)
    )


def is_night(light: Light) -> bool:
    """Returns whether an outdoor light needs lamps."""
    return max(light.sky.horizon) < 0.05


def lamp_color(random: Random) -> Color:
    """Returns a colour of lamp light: mostly between warm and cold white, rarely coloured."""
    if chance(random, 0.12):
        return palette.hsv(random.random(), between(random, 0.4, 0.9), 1)
    return (
        palette.hsv(between(random, 0.06, 0.12), between(random, 0, 0.55), 1) if chance(random, 0.7) else (0.8, 0.9, 1)
    )


def indoors(random: Random, low: Point, high: Point) -> Light:
    """Returns lamps and daylight for a room between two corners: from the ceiling, a side, or behind objects."""
    color = palette.hsv(between(random, 0.05, 0.62), between(random, 0, 0.25), between(random, 0.35, 0.9))
    sky = Sky(color, color, strength=between(random, 0.5, 2.0))
    first, last = np.array(low), np.array(high)
    middle = (first + last) / 2
    lamps = []
    # Rarely more than one lamp: each further one adds noise.
    daylight, ceiling = ((True, False), (False, True), (True, True))[int(random.choice(3, p=[0.4, 0.4, 0.2]))]
    if ceiling:
        at = first + (last - first) * (between(random, 0.2, 0.8), between(random, 0.2, 0.8), 0.96)
        towards = at + point(between(random, -0.7, 0.7), between(random, -0.7, 0.7), -2)
        lamps.append(_lamp(at, towards, between(random, 0.1, 1.2), between(random, 30, 150), lamp_color(random)))
    if daylight:
        across = between(random, 0.2, 0.8)
        share = ((0.02, across, 0.55), (0.98, across, 0.55), (across, 0.97, 0.55), (across, 0.02, 0.6))[
            int(random.integers(4))
        ]
        power = between(random, 60, 260)
        at = first + (last - first) * share
        lamps.append(_lamp(at, (middle[0], middle[1], 0.5), between(random, 0.8, 1.8), power, (0.9, 0.95, 1)))
    return Light(sky, (), tuple(lamps))


def studio(random: Random, middle: Point, reach: float, farthest: float = 100.0) -> Light:
    """Returns one or two lamps around an object, at a y below `farthest`; the surroundings are dim."""
    color = palette.any_color(random, 0.9)
    lamps = []
    for number in range(1 if chance(random, 0.7) else 2):
        angle, height = between(random, 0, 2 * np.pi), between(random, 0.25, 1.5)
        at = np.array(middle) + reach * np.array([np.cos(angle), np.sin(angle), height]) * between(random, 1.2, 2.5)
        at[1] = min(at[1], farthest)
        power = reach**2 * between(random, 40, 200) / (1 + 2 * number)
        lamps.append(_lamp(at, np.array(middle), reach * between(random, 0.1, 1.2), power, lamp_color(random)))
    return Light(Sky(color, palette.like(random, color, 0.4), strength=between(random, 0.4, 2.5)), (), tuple(lamps))


def _lamp(at: Array, towards: ArrayLike, size: float, power: float, color: Color) -> Lamp:
    goal = np.asarray(towards, float)
    return Lamp(
        (float(at[0]), float(at[1]), float(at[2])), (float(goal[0]), float(goal[1]), float(goal[2])), size, power, color
    )
