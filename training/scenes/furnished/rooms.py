# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms: furniture along the walls and in the middle, doors, windows, pictures, people."""

from __future__ import annotations

import math
import re
from functools import partial

from training.scenes import fittings, palette
from training.scenes.furnished import indoor_light, room_shots, stairs, walls
from training.scenes.furnished.catalogue import Asset
from training.scenes.furnished.choice import Store
from training.scenes.furnished.hanging import hang
from training.scenes.furnished.people import bystander
from training.scenes.furnished.scene import Furnished
from training.scenes.furnished.surfaces import Place, own_furniture, stand, stand_own
from training.scenes.furnished.walls import Hole, Shell, Wall
from training.scenes.palette import PLAIN, Random, between, chance

MIXES = {
    "living": {"Living room": 6.0, "Office": 1.0, "Miscellaneous": 1.0, "Lights": 1.0},
    "bedroom": {"Bedroom": 6.0, "Living room": 2.0, "Lights": 1.0},
    "kitchen": {"Kitchen": 6.0, "Living room": 2.0},
    "bathroom": {"Bathroom": 6.0, "Miscellaneous": 1.0},
    "office": {"Office": 6.0, "Living room": 2.0, "Miscellaneous": 1.5},
    "hall": {"Office": 3.0, "Living room": 5.0, "Miscellaneous": 2.0},
    "corridor": {"Living room": 2.0, "Bedroom": 1.0, "Miscellaneous": 1.0},
}
"""Weights of the categories of furniture in each sort of room."""
SHARES = {
    "living": 0.27,
    "bedroom": 0.14,
    "kitchen": 0.14,
    "bathroom": 0.08,
    "office": 0.15,
    "hall": 0.08,
    "corridor": 0.14,
}
SHARE_WITH_STAIRS = {"corridor": 0.3, "hall": 0.35, "living": 0.12}
_ON_FLOORS = {"Bedroom": 3.0, "Miscellaneous": 4.0, "Living room": 3.0, "Characters": 1.0, "Lights": 1.0}


def room(random: Random, store: Store, name: str) -> Furnished:
    """Returns a furnished room of a sort."""
    made = Furnished("room", name)
    place = Place(made, store)
    shell = place.shell = Shell.of(*_size(random, name))
    windows = [(wall, hole) for wall in shell.walls for hole in _openings(place, random, wall, shell, name)]
    walls.build(made.stage, random, shell)
    walls.outside(made.stage, random, shell, _distinct(windows))
    if chance(random, SHARE_WITH_STAIRS.get(name, 0.0)):
        for number in random.permutation(4):
            if stairs.flight(place, random, shell.walls[number], shell):
                break
    sparse = chance(random, 0.2)
    for wall in shell.walls:
        if not sparse or chance(random, 0.4):
            _along(place, random, wall, shell, name)
        hang(place, random, wall, shell.height)
    _middle(place, random, shell, name, sparse)
    _floor_things(place, random, shell, sparse)
    if chance(random, 0.3):
        rug = fittings.rug(random)
        made.stage.take(rug, between(random, -0.25, 0.25) * shell.width, between(random, -0.25, 0.25) * shell.depth)
    for _ in range(int(random.poisson(0.35))):
        x, y = between(random, -0.4, 0.4) * shell.width, between(random, -0.4, 0.4) * shell.depth
        bystander(place, random, x, y, 0.0)
    _ceiling(place, random, shell)
    made.light = indoor_light.light(random, shell, windows)
    made.shoot = partial(room_shots.shot, place=place, shell=shell)
    made.may_be_flat = True
    return made


def _distinct(windows: list[tuple[Wall, Hole]]) -> list[Wall]:
    return list({wall.turn: wall for wall, _ in windows}.values())


def _size(random: Random, name: str) -> tuple[float, float, float]:
    if name == "corridor":
        width, depth = between(random, 1.1, 2.6), between(random, 4, 18)
    elif name == "hall":
        width, depth = (float(value) for value in random.uniform(7, 18, 2))
        return width, depth, between(random, 2.6, 5.5)
    elif name in ("bathroom", "kitchen"):
        width, depth = (float(value) for value in random.uniform(1.9, 4.2, 2))
    else:
        width, depth = (float(value) for value in random.uniform(2.5, 7.0, 2))
    return width, depth, between(random, 2.25, 3.3)


def _openings(place: Place, random: Random, wall: Wall, shell: Shell, name: str) -> list[Hole]:
    """Cuts doors, doorways and windows into a wall, and returns the windows."""
    windows = []
    for _ in range(int(random.poisson(wall.length / (2.2 if name == "corridor" else 3.2)))):
        if chance(random, 0.17):
            hole = Hole(_along_wall(random, wall, wide := between(random, 0.75, 1.5)), wide, 0.0, 2.05)
            if shell.height > 2.2 and _fits(wall, hole):
                wall.holes.append(hole)
                walls.next_room(place.made.stage, random, wall, hole, shell.height)
                _keep_free(place, wall, hole)
            continue
        asset = place.store.opening(
            random,
            lambda one: one.elevation + one.height < shell.height - 0.05 and one.width < 0.8 * wall.length,
        )
        if asset is None:
            continue
        hole = Hole(
            _along_wall(random, wall, asset.width), asset.width, asset.elevation, asset.elevation + asset.height
        )
        if not _fits(wall, hole):
            continue
        wall.holes.append(hole)
        x, y = wall.at(hole.middle, -0.06)
        place.made.put(asset, x, y, asset.elevation, wall.turn)
        if asset.elevation < 0.05:
            _keep_free(place, wall, hole)
        if _is_window(asset):
            windows.append(hole)
            if chance(random, 0.35):
                _curtains(place, random, wall, hole)
    return windows


def _is_window(asset: Asset) -> bool:
    return bool(re.search("window|glass|pane", asset.name, re.I))


def _along_wall(random: Random, wall: Wall, width: float) -> float:
    free = max(0.0, wall.length / 2 - width / 2 - 0.1)
    return between(random, -free, free)


def _fits(wall: Wall, hole: Hole) -> bool:
    return hole.width < wall.length - 0.2 and not any(one.overlaps(hole.middle, hole.width, 0.12) for one in wall.holes)


def _keep_free(place: Place, wall: Wall, hole: Hole) -> None:
    x, y = wall.at(hole.middle, 0.4)
    is_across = abs(math.cos(wall.turn)) > 0.5
    place.ground.take(x, y, *((hole.width, 0.8) if is_across else (0.8, hole.width)))


def _curtains(place: Place, random: Random, wall: Wall, hole: Hole) -> None:
    color, pattern = palette.any_color(random, 0.95), palette.cloth(random)
    low = 0.03 if chance(random, 0.6) else max(0.03, hole.bottom - 0.1)
    high = hole.top + 0.12 - low
    drawn = between(random, 0.15, 0.5) * hole.width
    for side in (-1, 1):
        x = hole.middle + side * (hole.width / 2 + 0.12 - drawn / 2)
        shape = walls.curtain(random, drawn, high).moved(x, wall.reach - 0.12, low).turned(wall.turn)
        place.made.stage.add(color, pattern, shape)
    rod = walls.curtain(random, hole.width + 0.5, 0.03).scaled(1, 0, 1)
    place.made.stage.add(
        palette.any_color(random, 0.6), PLAIN, rod.moved(hole.middle, wall.reach - 0.1, low + high).turned(wall.turn)
    )


def _along(place: Place, random: Random, wall: Wall, shell: Shell, name: str) -> None:
    """Puts furniture along a wall, its back to it."""
    deepest = min(1.3, 0.45 * min(shell.width, shell.depth))
    full = between(random, 0.3, 1.0)
    along = -wall.length / 2 + 0.05 + float(random.exponential(0.3))
    while along < wall.length / 2 - 0.4:
        if chance(random, 0.12):
            own = own_furniture(random)
            low, high = own.bounds()
            x, y = wall.at(along + (high[0] - low[0]) / 2, (high[1] - low[1]) / 2 + 0.05)
            if high[2] < shell.height - 0.1 and shell.contains(x, y, 0.15):
                stand_own(place, random, own, x, y, wall.turn)
            along += high[0] - low[0] + float(random.exponential(0.35))
            continue
        asset = place.store.furniture(
            random,
            MIXES[name],
            lambda one: (
                one.width > 0.25
                and one.depth < deepest
                and 0.3 < one.height < shell.height - 0.1
                and one.width < 0.7 * wall.length
            ),
        )
        if asset is None:
            return
        along += asset.width / 2
        if along + asset.width / 2 < wall.length / 2 and chance(random, full):
            x, y = wall.at(along, asset.depth / 2 + 0.02 + float(random.exponential(0.02)))
            stand(place, random, asset, x, y, wall.turn + float(random.normal(0, 0.03)))
        along += asset.width / 2 + float(random.exponential(0.08 if name == "kitchen" else 0.35))


def _middle(place: Place, random: Random, shell: Shell, name: str, sparse: bool) -> None:
    area = shell.width * shell.depth
    wanted = int(random.poisson(min(14, area / 4.0) * (0.3 if sparse else 1.0)))
    wanted = 0 if name == "corridor" else wanted + (name in ("living", "office"))
    for _ in range(wanted):
        asset = place.store.furniture(
            random,
            MIXES[name],
            lambda one: (
                0.35 < max(one.width, one.depth) < 0.5 * min(shell.width, shell.depth) + 0.3 and 0.3 < one.height < 1.9
            ),
        )
        if asset is None:
            continue
        x, y = between(random, -0.5, 0.5) * (shell.width - 1.2), between(random, -0.5, 0.5) * (shell.depth - 1.2)
        turn = float(random.choice([0, 0.5, 1, 1.5])) * math.pi + float(random.normal(0, 0.3))
        if stand(place, random, asset, x, y, turn) and re.search("table|desk", asset.name, re.I) and asset.height > 0.6:
            _chairs(place, random, shell, asset, (x, y, turn))


def _chairs(place: Place, random: Random, shell: Shell, table: Asset, at: tuple[float, float, float]) -> None:
    chair = place.store.named(
        random, "chair|stool", lambda one: one.height < 1.2 and max(one.width, one.depth) < 0.7 and one.elevation == 0
    )
    if chair is None:
        return
    x, y, turn = at
    for side in range(4):
        if chance(random, 0.4):
            continue
        angle = turn + side * math.pi / 2
        reach = (table.depth if side % 2 == 0 else table.width) / 2 + between(random, 0.05, 0.45)
        u, v = x - math.sin(angle) * reach, y + math.cos(angle) * reach
        if shell.contains(u, v, 0.3):
            place.made.put(chair, u, v, 0, angle + float(random.normal(0, 0.3)))


def _floor_things(place: Place, random: Random, shell: Shell, sparse: bool) -> None:
    for _ in range(int(random.poisson(min(7, shell.width * shell.depth / 3.5) * (0.3 if sparse else 1.0)))):
        asset = place.store.furniture(
            random, _ON_FLOORS, lambda one: 0.15 < one.extent < 1.0 and one.height > 0.1 and one.elevation < 0.05
        )
        if asset is not None:
            x, y = between(random, -0.5, 0.5) * (shell.width - 0.6), between(random, -0.5, 0.5) * (shell.depth - 0.6)
            stand(place, random, asset, x, y, between(random, 0, 6.3), 0.0)


def _ceiling(place: Place, random: Random, shell: Shell) -> None:
    if not chance(random, 0.5):
        return
    asset = place.store.pick(
        random,
        lambda one: one.elevation > 1.6 and max(one.width, one.depth) < 1.2 and one.height < shell.height - 1.7,
        {"Lights": 1.0},
    )
    if asset is not None and "wall" not in asset.name.lower():
        spots = 1 if chance(random, 0.7) else 3
        for number in range(spots):
            y = (number - (spots - 1) / 2) * shell.depth / spots + between(random, -0.1, 0.1)
            place.made.put(asset, between(random, -0.1, 0.1), y, shell.height - asset.height, 0)
