# SPDX-License-Identifier: GPL-3.0-or-later
"""Two dozen scenes with ground truth: planes, balls, boxes, poles, stairs, floors, plain and patterned."""

from __future__ import annotations

import math

import numpy as np

from mono3d_addon.core.camera.camera import Camera
from tests.core.ray_caster import Array, Box, Item, Paint, Plane, Pole, Sphere, Truth, render

Color = tuple[float, float, float]

GREY, WHITE, CREAM, BLACK = (0.55, 0.55, 0.55), (0.95, 0.95, 0.93), (0.9, 0.84, 0.7), (0.12, 0.12, 0.14)
RED, GREEN, BLUE = (0.8, 0.22, 0.16), (0.25, 0.6, 0.28), (0.2, 0.35, 0.75)
YELLOW, ORANGE, BROWN, SKY = (0.9, 0.78, 0.2), (0.9, 0.5, 0.15), (0.45, 0.3, 0.18), (0.6, 0.75, 0.95)


def plain(color: Color) -> Paint:
    return lambda places: np.broadcast_to(np.array(color, np.float32), places.shape)


def checker(one: Color, other: Color, size: float) -> Paint:
    def paint(places: Array) -> Array:
        odd = np.floor((places + 1e-3) / size).sum(axis=1) % 2 > 0
        return np.where(odd[:, None], np.array(one, np.float32), np.array(other, np.float32))

    return paint


def stripes(one: Color, other: Color, size: float, axis: int = 0) -> Paint:
    def paint(places: Array) -> Array:
        odd = np.floor(places[:, axis] / size) % 2 > 0
        return np.where(odd[:, None], np.array(one, np.float32), np.array(other, np.float32))

    return paint


def clouds(color: Color, size: float, contrast: float = 0.35, seed: int = 0) -> Paint:
    """Uneven stone, bark or leaves: a sum of waves of many lengths and directions."""
    random = np.random.default_rng(seed)
    count = 14
    direction = random.normal(size=(count, 3)).astype(np.float32)
    direction *= (2 * np.pi / size * 2.0 ** random.uniform(-1, 2, count) / np.linalg.norm(direction, axis=1))[:, None]
    phase = random.uniform(0, 2 * np.pi, count).astype(np.float32)

    def paint(places: Array) -> Array:
        wave = np.sin(places @ direction.T.astype(np.float32) + phase).sum(axis=1) / math.sqrt(count)
        return np.clip(np.array(color, np.float32) * (1 + contrast * wave[:, None]), 0, 1).astype(np.float32)

    return paint


def wall(distance: float, paint: Paint, lean: tuple[float, float] = (0.0, 0.0)) -> Item:
    return Item(Plane((*lean, 1.0), distance), paint)


def floor(height: float, paint: Paint, slope: float = 0.0) -> Item:
    return Item(Plane((0.0, 1.0, slope), height), paint)


def ball(x: float, y: float, z: float, radius: float, paint: Paint) -> Item:
    return Item(Sphere((x, y, z), radius), paint)


def box(
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    paint: Paint,
    yaw: float = 0.0,
    pitch: float = 0.0,
) -> Item:
    return Item(Box(centre, size, yaw, pitch), paint)


def pole(x: float, z: float, radius: float, paint: Paint, top: float = -9.0, bottom: float = 9.0) -> Item:
    return Item(Pole(x, z, radius, top, bottom), paint)


def _stairs(count: int, paint: Paint) -> tuple[Item, ...]:
    return tuple(
        box((0.3, 1.3 - 0.2 * step, 3.0 + 0.35 * step + 2.0), (2.6, 0.4, 4.0), paint, 0.15) for step in range(count)
    )


def _clutter(seed: int, count: int) -> tuple[Item, ...]:
    """Random boxes and spheres on a floor in front of a wall, with a fixed seed."""
    random = np.random.default_rng(seed)
    items = [floor(1.2, checker(CREAM, GREY, 0.5)), wall(8.0, clouds(SKY, 1.5, 0.2, seed))]
    for number in range(count):
        x, z = random.uniform(-1.6, 1.6), random.uniform(2.2, 6.0)
        size = random.uniform(0.25, 0.6)
        color: Color = tuple(random.uniform(0.15, 0.9, 3))
        paint = (plain(color), clouds(color, 0.3, 0.3, number), stripes(color, WHITE, 0.13))[number % 3]
        if number % 2:
            items.append(ball(x, 1.2 - size, z, size, paint))
        else:
            yaw = random.uniform(0, 3)
            items.append(box((x, 1.2 - size, z), (1.2 * size, 2 * size, 1.2 * size), paint, yaw))
    return tuple(items)


_GROUND = floor(1.2, plain(BROWN))
_LEGS = tuple(pole(x, z, 0.05, plain(BLACK), 0.3, 1.2) for x in (-0.7, 0.7) for z in (2.4, 3.4))

SCENES: dict[str, tuple[Item, ...]] = {
    "board before a wall": (wall(5.0, plain(CREAM)), box((0.1, 0.0, 2.5), (1.2, 1.0, 0.05), plain(BLUE), 0.3)),
    "two boards overlapping": (
        wall(6.0, plain(GREEN)),
        box((-0.4, 0.1, 2.5), (1.0, 1.2, 0.05), plain(RED)),
        box((0.4, -0.1, 3.8), (1.6, 1.4, 0.05), plain(YELLOW), -0.2),
    ),
    "ball before a wall": (wall(6.0, plain(SKY)), ball(0.1, 0.0, 2.6, 0.7, plain(ORANGE))),
    "three balls": (
        wall(7.0, plain(GREY)),
        ball(-0.5, 0.1, 2.4, 0.5, plain(RED)),
        ball(0.2, -0.1, 3.4, 0.7, plain(GREEN)),
        ball(1.0, 0.3, 4.6, 0.8, plain(BLUE)),
    ),
    "box on a floor": (_GROUND, wall(7.0, plain(CREAM)), box((0.2, 0.7, 3.2), (1.0, 1.0, 1.0), plain(RED), 0.6)),
    "boxes on a checkered floor": (
        floor(1.2, checker(WHITE, BLACK, 0.4)),
        wall(8.0, plain(SKY)),
        box((-0.8, 0.7, 3.0), (0.8, 1.0, 0.8), plain(ORANGE), 0.3),
        box((0.3, 0.45, 4.2), (1.0, 1.5, 0.8), plain(BLUE), -0.4),
        box((1.4, 0.8, 5.5), (0.9, 0.8, 0.9), plain(GREEN), 0.7),
    ),
    "thin poles": (
        wall(6.0, plain(CREAM)),
        *(pole(-1.0 + 0.5 * n, 2.2 + 0.3 * n, 0.025, plain(BROWN)) for n in range(5)),
    ),
    "fence before stone": (
        wall(6.0, clouds(GREY, 0.7)),
        *(pole(-1.6 + 0.4 * n, 3.0, 0.05, plain(WHITE)) for n in range(9)),
        box((0.0, -0.3, 3.0), (4.0, 0.12, 0.05), plain(WHITE)),
        box((0.0, 0.5, 3.0), (4.0, 0.12, 0.05), plain(WHITE)),
    ),
    "stairs": (floor(1.5, plain(BROWN)), wall(8.0, plain(SKY)), *_stairs(6, plain(GREY))),
    "ball on patterned stairs": (
        floor(1.5, plain(BROWN)),
        wall(8.0, plain(CREAM)),
        *_stairs(5, checker(WHITE, GREY, 0.21)),
        ball(-0.1, 0.35, 2.7, 0.35, plain(RED)),
    ),
    "long floor": (
        floor(1.0, checker(CREAM, BROWN, 0.5)),
        wall(30.0, plain(SKY)),
        pole(-0.8, 3.0, 0.06, plain(RED), -0.8, 1.0),
        pole(0.9, 5.0, 0.08, plain(BLUE), -0.8, 1.0),
        pole(-1.5, 8.0, 0.1, plain(GREEN), -0.8, 1.0),
    ),
    "street": (
        floor(1.5, clouds(GREY, 0.5, 0.15)),
        Item(Plane((1.0, 0.0, 0.0), 3.0), stripes(CREAM, BROWN, 0.8, 2)),
        Item(Plane((-1.0, 0.0, 0.0), 3.0), checker(RED, CREAM, 0.7)),
        wall(25.0, plain(SKY)),
        box((1.2, 0.8, 6.0), (1.2, 1.4, 2.5), plain(BLUE), 0.05),
        box((-1.6, 1.0, 9.0), (1.2, 1.0, 2.5), plain(BLACK)),
    ),
    "ramp": (
        floor(1.3, clouds(GREEN, 0.6, 0.25)),
        wall(12.0, plain(SKY)),
        box((0.2, 0.9, 4.5), (1.8, 0.1, 4.0), plain(YELLOW), 0.3, 0.25),
    ),
    "stone before stone": (
        wall(5.0, clouds((0.5, 0.45, 0.4), 0.8, 0.35, 1)),
        box((0.0, 0.1, 2.5), (1.1, 1.1, 0.3), clouds((0.4, 0.5, 0.6), 0.35, 0.35, 2), 0.5),
    ),
    "checkered board": (wall(5.0, plain(GREY)), box((0, 0, 2.6), (1.3, 1.1, 0.04), checker(BLACK, WHITE, 0.16), 0.25)),
    "ball before stripes": (wall(5.0, stripes(WHITE, BLUE, 0.3)), ball(0.0, 0.1, 2.6, 0.65, plain(RED))),
    "grey before grey": (wall(6.0, plain(GREY)), ball(-0.1, 0.0, 2.6, 0.7, plain(GREY))),
    "window": (
        wall(9.0, clouds(GREEN, 1.2, 0.4, 5)),
        *(box((x, 0, 2.5), (1.4, 4.0, 0.15), plain(CREAM)) for x in (-1.4, 1.4)),
        *(box((0, y, 2.5), (4.0, 1.0, 0.15), plain(CREAM)) for y in (-1.1, 1.1)),
        box((0, 0, 2.5), (0.07, 4.0, 0.07), plain(WHITE)),
    ),
    "table": (
        floor(1.2, stripes(BROWN, CREAM, 0.25)),
        wall(6.0, plain(SKY)),
        box((0.0, 0.27, 2.9), (1.8, 0.08, 1.3), plain(ORANGE)),
        *_LEGS,
        ball(0.2, 0.03, 2.8, 0.2, plain(GREEN)),
    ),
    "columns": (
        floor(1.3, checker(WHITE, GREY, 0.6)),
        wall(14.0, plain(SKY)),
        *(pole(x, z, 0.25, clouds(CREAM, 0.5, 0.15)) for x in (-1.4, 1.4) for z in (3.5, 5.5, 8.0, 11.0)),
    ),
    "tilted card": (wall(5.0, clouds(BROWN, 0.9, 0.3)), box((0.1, 0.1, 3.0), (1.5, 1.2, 0.02), plain(WHITE), 0.6, 0.5)),
    "near and very far": (
        floor(1.5, clouds(GREEN, 2.0, 0.2, 3)),
        wall(60.0, plain(SKY)),
        ball(-0.3, 0.2, 2.0, 0.45, stripes(RED, WHITE, 0.15, 1)),
        box((3.0, 0.0, 14.0), (3.0, 3.0, 2.0), plain(BROWN), 0.4),
    ),
    "clutter": _clutter(3, 7),
    "more clutter": _clutter(11, 10),
}


def view(width: int = 640, height: int = 480) -> Camera:
    return Camera.from_field_of_view(width, height, math.radians(55), "truth")


def truth(name: str, width: int = 640, height: int = 480) -> Truth:
    """Returns the ground truth of the scene `name` for a photo of the given size."""
    return render(SCENES[name], view(width, height))
