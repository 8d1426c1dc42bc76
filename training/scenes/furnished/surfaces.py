# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing furniture on the floor and things on furniture."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.scenes import furniture as own
from training.scenes import palette, things
from training.scenes.furnished.catalogue import Asset
from training.scenes.furnished.choice import Store
from training.scenes.furnished.scene import Furnished, Ground, footprint, tint, turned
from training.scenes.furnished.walls import Shell
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, box
from training.scenes.stage import Stage

_SEAT = re.compile("chair|sofa|couch|stool|bed|bath|toilet|sink|bench|seat|piano|basin|lavatory|crib|futon", re.I)
_LOOSE = 0.002


@dataclass(frozen=True)
class Surface:
    """A horizontal surface with things on it: its middle, sizes and rotation."""

    middle: tuple[float, float, float]
    width: float
    depth: float
    turn: float


@dataclass
class Place:
    """Where furniture is being placed, and what may be photographed there."""

    made: Furnished
    store: Store
    ground: Ground = field(default_factory=Ground)
    surfaces: list[Surface] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)
    """Points on objects."""
    shell: Shell | None = None
    """The room, if it is one."""

    def aim(self, x: float, y: float, low: float, high: float, random: Random) -> None:
        """Adds a target on an object between two heights."""
        self.targets.append(np.array([x, y, low + (high - low) * between(random, 0.2, 0.9)]))


def stand(place: Place, random: Random, asset: Asset, x: float, y: float, turn: float, crowd: float = 1.0) -> bool:
    """Puts an asset on the floor, with things on it; returns whether there was room for it."""
    wide, deep = footprint(asset.width, asset.depth, turn)
    if asset.elevation < 1.0 and asset.height > 0.03:
        if not place.ground.is_free(x, y, wide, deep):
            return False
        place.ground.take(x, y, wide, deep)
    place.made.put(asset, x, y, asset.elevation, turn, tint(random))
    place.aim(x, y, asset.elevation, asset.elevation + asset.height, random)
    if asset.top > 0.25 and min(asset.width, asset.depth) > 0.28 and asset.elevation < 0.2:
        surface = Surface((x, y, asset.top), asset.width, asset.depth, turn)
        if _SEAT.search(asset.name):
            strew(place, random, surface, 0.06 * crowd)
        else:
            place.surfaces.append(surface)
            strew(place, random, surface, crowd)
    return True


def stand_own(place: Place, random: Random, stage: Stage, x: float, y: float, turn: float) -> bool:
    """Puts generated furniture on the floor; returns whether there was room for it."""
    low, high = stage.bounds()
    wide, deep = footprint(high[0] - low[0], high[1] - low[1], turn)
    if not place.ground.is_free(x, y, wide, deep):
        return False
    place.ground.take(x, y, wide, deep)
    place.made.stage.take(stage, x, y, 0, turn)
    place.aim(x, y, 0, high[2], random)
    return True


def own_furniture(random: Random) -> Stage:
    """Returns a generated piece of furniture that stands by a wall."""
    makers = (own.shelf, own.shelf, own.cupboard, own.big_plant, own.lamp)
    return makers[int(random.integers(len(makers)))](random)


def strew(place: Place, random: Random, surface: Surface, crowd: float) -> None:
    """Puts things on a surface, about four times `crowd` on a square metre."""
    wide, deep = surface.width, surface.depth
    wanted = random.poisson(4.0 * crowd * min(2.5, 0.6 + wide * deep))
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(wanted)):
        made: Any
        if chance(random, 0.2):
            size = between(random, 0.06, 0.3)
            made, radius, height = things.thing(random, size), size * 0.5, size
        else:
            made = place.store.small(random, min(0.55, max(wide, deep)))
            if made is None:
                return
            radius, height = float(np.hypot(made.width, made.depth)) / 2 * 0.85, made.height
        if 2 * radius > min(wide, deep):
            continue
        u, v = (
            between(random, radius - wide / 2, wide / 2 - radius),
            between(random, radius - deep / 2, deep / 2 - radius),
        )
        if any(np.hypot(u - a, v - b) < radius + other for a, b, other in taken):
            continue
        taken.append((u, v, radius))
        x, y = np.array(surface.middle[:2]) + turned(u, v, surface.turn)
        z = surface.middle[2] + _LOOSE
        if isinstance(made, Stage):
            place.made.stage.take(made, x, y, z, between(random, 0, 6.3))
        else:
            place.made.put(made, x, y, z, between(random, 0, 6.3), tint(random))
        place.aim(x, y, z, z + height, random)
    for _ in range(int(random.poisson(0.25 * crowd))):
        pile(place, random, surface)


def pile(place: Place, random: Random, surface: Surface) -> None:
    """Adds a pile of books or boxes to a surface."""
    size = np.array([between(random, 0.12, 0.3), between(random, 0.1, 0.24)])
    if 2 * max(size) > min(surface.width, surface.depth):
        return
    u = between(random, -1, 1) * (surface.width - size[0]) / 2
    v = between(random, -1, 1) * (surface.depth - size[1]) / 2
    x, y = np.array(surface.middle[:2]) + turned(u, v, surface.turn)
    z, turn = surface.middle[2] + _LOOSE, surface.turn + float(random.normal(0, 0.3))
    for _ in range(int(random.integers(1, 6))):
        high = between(random, 0.01, 0.05)
        wide, deep = (float(value) for value in size * random.uniform(0.8, 1.05, 2))
        shape = box(wide, deep, high).turned(turn + float(random.normal(0, 0.12)))
        pattern = palette.some(random, 0.3) if chance(random, 0.35) else PLAIN
        place.made.stage.add(palette.any_color(random, 0.95), pattern, shape.moved(x, y, z))
        z += high
    place.aim(x, y, surface.middle[2], z, random)
