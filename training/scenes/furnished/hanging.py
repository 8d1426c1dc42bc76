# SPDX-License-Identifier: GPL-3.0-or-later
"""What hangs on walls: pictures, clocks, cupboards, lamps, sockets."""

from __future__ import annotations

import math

import numpy as np

from training.scenes import fittings, palette
from training.scenes.furnished.scene import Panel
from training.scenes.furnished.surfaces import Place
from training.scenes.furnished.walls import Wall
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import box
from training.scenes.stage import Point


def hang(place: Place, random: Random, wall: Wall, height: float) -> None:
    """Hangs things on a wall between its openings."""
    taken: list[tuple[float, float]] = []
    for _ in range(int(random.poisson(wall.length / 2.6))):
        along = between(random, -0.5, 0.5) * max(0.1, wall.length - 0.7)
        width = between(random, 0.2, 1.1)
        if any(one.overlaps(along, width, 0.1) for one in wall.holes):
            continue
        if any(abs(along - other) < (width + wide) / 2 + 0.1 for other, wide in taken):
            continue
        if chance(random, 0.55):
            picture(place, random, wall, (along, between(random, 1.25, max(1.3, min(1.9, height - 0.5)))), width)
        elif not _asset(place, random, wall, along, width, height):
            continue
        taken.append((along, width))


def _asset(place: Place, random: Random, wall: Wall, along: float, width: float, height: float) -> bool:
    asset = place.store.pick(
        random,
        lambda one: (
            one.elevation > 0.2
            and one.elevation + one.height < height
            and one.depth < 0.6
            and one.width < max(width, 0.3)
            and not one.is_opening
            and one.category not in ("Exterior", "Doors and windows")
        ),
    )
    if asset is None:
        return False
    x, y = wall.at(along, asset.depth / 2)
    place.made.put(asset, x, y, asset.elevation, wall.turn)
    if asset.depth > 0.1:
        place.aim(x, y, asset.elevation, asset.elevation + asset.height, random)
    return True


def picture(place: Place, random: Random, wall: Wall, at: tuple[float, float], width: float) -> None:
    """Hangs a picture, framed or not, at a place along the wall and a height."""
    along, z = at
    file = place.store.picture(random)
    if file is None or chance(random, 0.25):
        hung = fittings.picture(random, width, width * between(random, 0.6, 1.4))
        x, y = wall.at(along, 0.02)
        place.made.stage.take(hung, x, y, z, wall.turn)
        return
    tall = width * between(random, 0.6, 1.4)
    out = 0.004
    if chance(random, 0.7):
        rim = between(random, 0.01, 0.06)
        frame = box(width + 2 * rim, 0.03, tall + 2 * rim).moved(along, wall.reach - 0.015, z - tall / 2 - rim)
        place.made.stage.add(palette.wood_color(random), PLAIN, frame.turned(wall.turn))
        out = 0.034
    glow = between(random, 0.5, 1.5) if chance(random, 0.08) else 0.0
    corners = facing(wall, along, z, width, tall, out)
    place.made.panels.append(Panel(corners, file, glow, 0.1 if chance(random, 0.3) else 0.0, part(random)))


def facing(
    wall: Wall, along: float, z: float, width: float, height: float, out: float
) -> tuple[Point, Point, Point, Point]:
    """Returns the corners of a rectangle on a wall, centred, `out` metres in front of it."""
    ends = []
    for side, up in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x, y = wall.at(along + side * width / 2, out)
        ends.append((float(x), float(y), float(z + up * height / 2)))
    return ends[0], ends[1], ends[2], ends[3]


def part(random: Random) -> tuple[float, float, float, float]:
    """Returns a random part of a picture that is at least half as wide."""
    size = math.sqrt(between(random, 0.25, 1.0))
    left, bottom = (float(value) for value in random.uniform(0, 1 - size, 2))
    return left, bottom, float(np.clip(left + size, 0, 1)), float(np.clip(bottom + size, 0, 1))
