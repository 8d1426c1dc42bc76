# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a furnished scene: where assets, painted shapes, pictures and lights are, and what to photograph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.scenes.furnished.catalogue import Asset
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array
from training.scenes.stage import Color, Light, Point, Stage, View


@dataclass(frozen=True)
class Placed:
    """An asset at a place, turned about the vertical axis."""

    asset: Asset
    at: Point
    turn: float
    """Radians."""
    tint: Color = (1.0, 1.0, 1.0)
    """Factor of its colours."""
    scale: float = 1.0


@dataclass(frozen=True)
class Panel:
    """A flat picture file on a rectangle: corners from the lower left, counter-clockwise as seen from its front."""

    corners: tuple[Point, Point, Point, Point]
    picture: Path
    glow: float = 0.0
    """Light that it emits, as a factor of its colours; 0 for paper."""
    gloss: float = 0.0
    part: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """The part of the picture shown: left, bottom, right, top."""


@dataclass(frozen=True)
class Shot:
    """A photo to take of a scene."""

    view: View
    width: int
    height: int
    close: tuple[Placed, ...] = ()
    """What is held before the camera for this photo only."""


@dataclass
class Furnished:
    """A scene under construction."""

    kind: str
    """The kind in the words of `metric_file`."""
    name: str
    """The sort of scene, such as 'kitchen'."""
    stage: Stage = field(default_factory=Stage)
    placed: list[Placed] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    light: Light | None = None
    shoot: Callable[[Random], Shot | None] | None = None
    """Returns a random photo to take, or None if a draw is not possible."""
    may_be_flat: bool = False
    """Whether pictures of a single plane are wanted."""

    def put(self, asset: Asset, x: float, y: float, z: float, turn: float, tint: Color = (1.0, 1.0, 1.0)) -> None:
        """Adds an asset."""
        self.placed.append(Placed(asset, (float(x), float(y), float(z)), float(turn), tint))


@dataclass
class Ground:
    """The rectangles, along the axes, that are taken: (x, y, width, depth)."""

    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def is_free(self, x: float, y: float, width: float, depth: float, gap: float = 0.02) -> bool:
        """Returns whether a rectangle overlaps none of the taken ones."""
        return all(
            abs(x - a) > (width + w) / 2 + gap or abs(y - b) > (depth + d) / 2 + gap for a, b, w, d in self.taken
        )

    def take(self, x: float, y: float, width: float, depth: float) -> None:
        """Marks a rectangle as taken."""
        self.taken.append((float(x), float(y), float(width), float(depth)))


def footprint(width: float, depth: float, turn: float) -> tuple[float, float]:
    """Returns the sizes along the axes of a rectangle turned by an angle."""
    cosine, sine = abs(np.cos(turn)), abs(np.sin(turn))
    return float(width * cosine + depth * sine), float(width * sine + depth * cosine)


def turned(u: float, v: float, turn: float) -> Array:
    """Returns a vector (2,) turned by an angle."""
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.array([u * cosine - v * sine, u * sine + v * cosine])


def tint(random: Random) -> Color:
    """Returns a factor for the colours of an asset: often none, else darker, lighter or coloured."""
    if chance(random, 0.5):
        return (1.0, 1.0, 1.0)
    grey = between(random, 0.5, 1.15)
    red, green, blue = grey * random.uniform(0.75, 1.2, 3)
    return float(red), float(green), float(blue)
