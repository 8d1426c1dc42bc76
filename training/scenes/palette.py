# SPDX-License-Identifier: GPL-3.0-or-later
"""Random colours and patterns."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np

from training.scenes.stage import Color, Pattern

PLAIN = Pattern("plain")

Random = np.random.Generator


def between(random: Random, low: float, high: float) -> float:
    """Returns a uniformly distributed number."""
    return float(random.uniform(low, high))


def chance(random: Random, share: float) -> bool:
    """Returns true with probability `share`."""
    return bool(random.random() < share)


def any_color(random: Random, brightness: float = 0.8) -> Color:
    """Returns a random colour, more often dull than bright."""
    return hsv(random.random(), random.beta(1.3, 2.2), brightness * random.beta(2.2, 1.6))


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Returns a linear colour from hue, saturation and value as displayed."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, min(1.0, max(0.0, saturation)), min(1.0, max(0.02, value)))
    return red**2.2, green**2.2, blue**2.2


def like(random: Random, color: Color, spread: float = 0.25) -> Color:
    """Returns a colour near another."""
    factor = np.exp(random.normal(0, spread)) * np.exp(random.normal(0, spread / 4, 3))
    red, green, blue = np.clip(np.array(color) * factor, 0.0, 0.95)
    return float(red), float(green), float(blue)


def wall_color(random: Random) -> Color:
    """Returns a colour of painted walls: mostly pale."""
    if chance(random, 0.25):
        return any_color(random, 0.9)
    return hsv(between(random, 0.02, 0.65), random.beta(1.2, 5), between(random, 0.6, 0.97))


def wood_color(random: Random) -> Color:
    """Returns a colour of wood."""
    return hsv(between(random, 0.04, 0.11), between(random, 0.25, 0.75), between(random, 0.2, 0.85))


def leaf_color(random: Random) -> Color:
    """Returns a colour of leaves and grass, at times autumnal."""
    hue = between(random, 0.02, 0.13) if chance(random, 0.15) else between(random, 0.15, 0.4)
    return hsv(hue, between(random, 0.3, 0.85), between(random, 0.2, 0.75))


def earth_color(random: Random) -> Color:
    """Returns a colour of soil, sand or stone."""
    return hsv(between(random, 0.03, 0.14), between(random, 0.05, 0.5), between(random, 0.25, 0.85))


def skin_color(random: Random) -> Color:
    """Returns a colour of skin."""
    return hsv(between(random, 0.03, 0.085), between(random, 0.25, 0.65), between(random, 0.25, 0.95))


def hair_color(random: Random) -> Color:
    """Returns a colour of hair."""
    return hsv(between(random, 0.02, 0.12), between(random, 0.1, 0.7), random.beta(1.3, 2.2) * 0.9 + 0.04)


def shiny(random: Random) -> Pattern:
    """Returns a plain pattern with some gloss."""
    return Pattern("plain", gloss=between(random, 0.05, 0.5), roughness=between(random, 0.15, 0.5))


def wood(random: Random) -> Pattern:
    """Returns a pattern of wood, with or without varnish."""
    return Pattern(
        "wood",
        scale=between(random, 5, 25),
        second=like(random, wood_color(random), 0.2),
        amount=between(random, 0.2, 0.8),
        gloss=between(random, 0, 0.15) if chance(random, 0.5) else 0.0,
        seed=between(random, 0, 100),
    )


def some(random: Random, size: float = 1.0) -> Pattern:
    """Returns a random pattern for an object of about a size in metres."""
    kind = str(
        random.choice(["plain", "noise", "wood", "checker", "stripes", "cells", "spots", "marble", "bricks", "poster"])
    )
    base = Pattern("plain")
    return replace(
        base,
        kind=kind,
        scale=between(random, 2, 14) / size,
        second=any_color(random),
        amount=between(random, 0.2, 0.8),
        gloss=between(random, 0.03, 0.4) if chance(random, 0.3) else 0.0,
        roughness=between(random, 0.15, 0.6),
        seed=between(random, 0, 100),
    )


def cloth(random: Random) -> Pattern:
    """Returns a pattern of clothes, curtains, cushions."""
    kind = "plain" if chance(random, 0.45) else str(random.choice(["stripes", "checker", "spots", "noise", "cells"]))
    return replace(some(random, between(random, 0.1, 0.5)), kind=kind, gloss=0.0)


def poster(random: Random, size: float) -> Pattern:
    """Returns a flat picture for a wall."""
    return Pattern(
        "poster", between(random, 1, 4) / size, any_color(random), random.random(), 0, 0.4, between(random, 0, 99)
    )


def rough(random: Random, scale: float, second: Color) -> Pattern:
    """Returns an irregular pattern, for earth, bark and plaster."""
    return Pattern("noise", scale, second, between(random, 0.25, 0.75), seed=between(random, 0, 100))


def floor(random: Random) -> tuple[Color, Pattern]:
    """Returns the colour and pattern of a room's floor."""
    kind = str(
        random.choice(["wood", "checker", "plain", "noise", "marble", "bricks"], p=[0.4, 0.15, 0.15, 0.1, 0.1, 0.1])
    )
    color = wood_color(random) if kind == "wood" else wall_color(random)
    scale = {"wood": between(random, 3, 12), "checker": between(random, 1.5, 5), "bricks": between(random, 1, 5)}
    gloss = between(random, 0.03, 0.2) if chance(random, 0.5) else 0.0
    second = like(random, color, 0.5)
    pattern = replace(
        Pattern("plain"), kind=kind, scale=scale.get(kind, between(random, 1, 8)), second=second, gloss=gloss
    )
    return color, replace(pattern, roughness=between(random, 0.1, 0.4), seed=between(random, 0, 100))
