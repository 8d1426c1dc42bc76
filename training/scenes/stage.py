# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of a scene: coloured shapes, scattered objects, hair, light and the view."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.scenes.shapes import Shape

Color = tuple[float, float, float]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Pattern:
    """The texture and gloss of a surface."""

    kind: str
    """plain, glow, or one of the textures of `materials`."""
    scale: float = 1.0
    """Approximate repetitions per metre."""
    second: Color = (0.5, 0.5, 0.5)
    """The second colour; the first is the shape's own."""
    amount: float = 0.5
    """Share of the second colour."""
    gloss: float = 0.0
    """Share of specular light, 0..1."""
    roughness: float = 0.4
    seed: float = 0.0
    """Offset of the pattern."""


@dataclass(frozen=True)
class Painted:
    """A shape with its colour and its pattern."""

    shape: Shape
    color: Color
    pattern: Pattern


@dataclass(frozen=True)
class Scatter:
    """Objects scattered on the ground by geometry nodes, with random positions, rotations and sizes."""

    ground: Shape
    things: tuple[tuple[Painted, ...], ...]
    density: float
    """Objects per square metre of ground."""
    sizes: tuple[float, float]
    seed: int
    upright: bool = True
    """If false, along the normal of the ground."""


@dataclass(frozen=True)
class Hair:
    """Strands on a surface, made by geometry nodes."""

    surface: Shape
    color: Color
    strands: int
    length: float
    radius: float
    drop: float
    """How far the tips bend down, as a share of the length."""
    curl: float
    """Random displacement of the strands in metres."""
    seed: int


@dataclass(frozen=True)
class Sky:
    """The surroundings: two colours between horizon and zenith with clouds of a third."""

    horizon: Color
    zenith: Color
    clouds: Color = (1.0, 1.0, 1.0)
    cover: float = 0.0
    """Share of the sky covered by clouds."""
    strength: float = 1.0
    seed: float = 0.0
    seen: float | None = None
    """Strength with which the camera sees it, as through a window from a dim room; None for `strength`."""


@dataclass(frozen=True)
class Sun:
    """Parallel light from a direction in degrees."""

    height: float
    azimuth: float
    strength: float
    color: Color = (1.0, 0.95, 0.88)
    width: float = 0.5


@dataclass(frozen=True)
class Lamp:
    """A square area light directed at a point."""

    at: Point
    towards: Point
    size: float
    power: float
    """Power in Blender's watts."""
    color: Color = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class View:
    """A camera whose sensor is 36 mm wide along the picture's longer side."""

    at: Point
    towards: Point
    lens: float
    """Millimetres."""
    roll: float = 0.0
    """Degrees."""
    f_number: float = 0.0
    """0 for an unlimited depth of field."""
    focus: float = 0.0
    """Distance of the focal plane; 0 for that of the point looked at."""


@dataclass(frozen=True)
class Light:
    """All light sources of a scene."""

    sky: Sky
    suns: tuple[Sun, ...] = ()
    lamps: tuple[Lamp, ...] = ()


@dataclass
class Stage:
    """Collects the content of a scene."""

    painted: list[Painted] = field(default_factory=list)
    scatters: list[Scatter] = field(default_factory=list)
    hairs: list[Hair] = field(default_factory=list)

    def add(self, color: Color, pattern: Pattern, *shapes: Shape) -> None:
        """Adds shapes of one colour."""
        self.painted.extend(Painted(shape, color, pattern) for shape in shapes)

    def take(self, other: Stage, x: float = 0.0, y: float = 0.0, z: float = 0.0, turn: float = 0.0) -> None:
        """Adds the content of another stage, rotated about its z axis and moved."""
        for one in other.painted:
            self.painted.append(Painted(one.shape.turned(turn).moved(x, y, z), one.color, one.pattern))
        for hair in other.hairs:
            values = {**hair.__dict__, "surface": hair.surface.turned(turn).moved(x, y, z)}
            self.hairs.append(Hair(**values))

    def bounds(self) -> tuple[Point, Point]:
        """Returns the smallest and largest coordinates of the coloured shapes."""
        low = np.min([one.shape.low() for one in self.painted], axis=0)
        high = np.max([one.shape.high() for one in self.painted], axis=0)
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def merged(self) -> dict[Pattern, list[Painted]]:
        """Returns the coloured shapes by their pattern."""
        groups: dict[Pattern, list[Painted]] = {}
        for one in self.painted:
            groups.setdefault(one.pattern, []).append(one)
        return groups


@dataclass(frozen=True)
class Scene:
    """A whole scene, ready to be built and rendered."""

    stage: Stage
    light: Light
    view: View
