# SPDX-License-Identifier: GPL-3.0-or-later
"""Streets: facades, poles, wires, cars, trees, railings, passers-by."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.scenes import figure, fittings, lights, palette, trees, views
from training.scenes.figure import Dress
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import ball, block, box, cylinder, joined, polygon, sagging, sheet, tube
from training.scenes.stage import Lamp, Light, Pattern, Scene, Stage, View


def street(random: Random) -> Scene:
    """Returns a street along y."""
    stage = Stage()
    half, pavement = between(random, 2, 7), between(random, 1, 3.5)
    ground(stage, random, half, pavement)
    edge = half + pavement
    for side in (-1, 1):
        kind = str(random.choice(["houses", "trees", "fence"], p=[0.7, 0.15, 0.15]))
        if kind == "houses":
            houses(stage, random, side, edge)
        elif kind == "trees":
            avenue(stage, random, side, edge)
        else:
            height = between(random, 0.9, 2)
            rail = fittings.railing(30, height, between(random, 0.12, 0.3), between(random, 0.008, 0.03))
            stage.add(palette.any_color(random), PLAIN, rail.turned(np.pi / 2).moved(side * edge))
            avenue(stage, random, side, edge + 4)
    lamps = _furniture(stage, random, half, pavement)
    if chance(random, 0.3):
        wall = palette.earth_color(random)
        stage.add(
            wall,
            Pattern("bricks", between(random, 1, 3), palette.like(random, wall, 0.5)),
            block((-60, 60, 0), (60, 64, between(random, 5, 20))),
        )
    light = lights.outdoors(random)
    if lights.is_night(light):
        light = Light(light.sky, light.suns, tuple(lamps[:3]))
    return Scene(stage, light, _view(stage, random, half, pavement))


def ground(stage: Stage, random: Random, half: float, pavement: float) -> None:
    """Adds the road, its pavements and the land beside it."""
    asphalt = palette.hsv(0.6, between(random, 0, 0.1), between(random, 0.25, 0.6))
    road = palette.rough(random, between(random, 2, 30), palette.like(random, asphalt, 0.25))
    if chance(random, 0.25):
        road = Pattern("bricks", between(random, 2, 6), palette.like(random, asphalt, 0.4))
    stage.add(asphalt, road, sheet(2 * half, 240).moved(0, 60))
    stage.add(
        palette.earth_color(random),
        palette.rough(random, 0.4, palette.leaf_color(random)),
        sheet(600, 600).moved(z=-0.03),
    )
    stone = palette.hsv(0.1, between(random, 0, 0.15), between(random, 0.4, 0.8))
    slabs = Pattern(
        str(random.choice(["bricks", "checker", "noise"])), between(random, 1, 4), palette.like(random, stone, 0.2)
    )
    for side in (-1, 1):
        near, far = sorted((side * half, side * (half + pavement)))
        stage.add(stone, slabs, block((near, -60, 0), (far, 180, 0.12)))
    if chance(random, 0.6):
        lines = [box(0.12, 3, 0.006).moved(0, y) for y in np.arange(-20.0, 100, 6)]
        stage.add((0.8, 0.8, 0.75), PLAIN, joined(lines))
    if chance(random, 0.3):
        y = between(random, 5, 15)
        stage.add(
            (0.8, 0.8, 0.78),
            PLAIN,
            joined([box(0.45, 3, 0.006).moved(x, y) for x in np.arange(-half + 0.5, half, 0.95)]),
        )


def houses(stage: Stage, random: Random, side: int, edge: float) -> None:
    """Adds a row of houses on a side, -1 or 1, whose fronts are at a distance from the middle."""
    y = between(random, -14, -6)
    while y < 70:
        width, height = between(random, 5, 16), between(random, 3.5, 18)
        wall = palette.wall_color(random)
        kind = str(random.choice(["plain", "bricks", "noise", "stripes"], p=[0.4, 0.35, 0.15, 0.1]))
        pattern = Pattern(kind, between(random, 1, 4), palette.like(random, wall, 0.4), 0.4)
        near, far = sorted((side * edge, side * (edge + 8)))
        stage.add(wall, pattern, block((near, y, 0), (far, y + width, height)))
        if chance(random, 0.4):
            roof = polygon([(-0.4, 0), (width + 0.4, 0), (width / 2, between(random, 1.5, 4))], 8.6)
            turned = roof.turned(np.pi / 2, np.pi / 2).moved(near - 0.3, y, height)
            stage.add(palette.earth_color(random), Pattern("bricks", 4, palette.earth_color(random)), turned)
        _windows(stage, random, side, edge, y, width, height)
        y += width + (0 if chance(random, 0.7) else between(random, 1, 6))


def _windows(stage: Stage, random: Random, side: int, edge: float, y: float, width: float, height: float) -> None:
    storey, wide, tall = between(random, 2.7, 3.6), between(random, 0.7, 1.6), between(random, 1, 1.9)
    glass = palette.hsv(0.58, between(random, 0, 0.4), between(random, 0.1, 0.6))
    shine = Pattern("plain", gloss=0.25, roughness=0.2)
    frame = palette.any_color(random, 0.95)
    count = max(1, int((width - 0.6) / (wide + between(random, 0.5, 1.5))))
    balcony = chance(random, 0.3)
    metal = palette.any_color(random, 0.5)
    x = side * (edge - 0.01)
    panes, bars, rails, plates = [], [], [], []
    for floor in range(int(height / storey)):
        for column in range(count):
            middle = y + (column + 0.5) * width / count
            low = floor * storey + 0.9
            if floor == 0 and chance(random, 0.25):
                low = 0.1
            panes.append(box(0.04, wide, tall).moved(x, middle, low))
            for along, across, at, up in (
                (0.07, wide + 0.16, 0, -0.08),
                (0.07, wide + 0.16, 0, tall),
                (0.08, 0.05, 0, 0),
            ):
                bars.append(box(along, across, 0.08 if across > 0.1 else tall).moved(x, middle + at, low + up))
            bars += [box(0.07, 0.08, tall).moved(x, middle + end * wide / 2, low) for end in (-1, 1)]
            if balcony and floor > 0:
                out = x - side * 0.9
                plates.append(box(0.9, wide + 0.8, 0.12).moved(x - side * 0.45, middle, low - 0.5))
                rails.append(
                    fittings.railing(wide + 0.8, 1.0, 0.13, 0.012)
                    .turned(np.pi / 2)
                    .moved(out, middle - wide / 2 - 0.4, low - 0.4)
                )
    if panes:
        stage.add(glass, shine, joined(panes))
        stage.add(frame, PLAIN, joined(bars))
    if rails:
        stage.add(metal, PLAIN, joined(rails))
        stage.add(palette.wall_color(random), PLAIN, joined(plates))
    if chance(random, 0.3):
        slab = (
            box(1.2, between(random, 1, width), 0.06)
            .turned(0, 0, side * 0.25)
            .moved(x - side * 0.55, y + width / 2, 2.5)
        )
        stage.add(palette.any_color(random), palette.cloth(random), slab)
    if chance(random, 0.3):
        pipe = tube([(x - side * 0.08, y + 0.3, 0), (x - side * 0.08, y + 0.3, height)], 0.05, 6)
        stage.add(metal, PLAIN, pipe)


def avenue(stage: Stage, random: Random, side: int, edge: float) -> None:
    """Adds a row of trees on a side, -1 or 1, at a distance from the middle."""
    for y in np.arange(between(random, 0, 5), 45, between(random, 4, 10)):
        stage.take(trees.tree(random, between(random, 4, 10), leaves=260), side * (edge + between(random, 0, 2)), y)


def car(random: Random) -> Stage:
    """Returns a simple car along y."""
    made = Stage()
    color, pattern = palette.any_color(random, 0.95), palette.shiny(random)
    length, wide, tall = between(random, 3.4, 4.9), between(random, 1.55, 1.85), between(random, 1.35, 1.9)
    hood = tall * 0.55
    outline = [
        (0, 0.3),
        (length, 0.3),
        (length, hood * 0.95),
        (length * 0.97, hood),
        (length * 0.03, hood * 0.85),
        (0, hood * 0.7),
    ]
    cabin = [(length * 0.24, hood * 0.9), (length * 0.93, hood * 0.95), (length * 0.8, tall), (length * 0.42, tall)]
    made.add(color, pattern, polygon(outline, wide).turned(np.pi / 2, np.pi / 2).moved(-wide / 2, -length / 2))
    made.add(
        (0.03, 0.04, 0.05),
        Pattern("plain", gloss=0.3, roughness=0.15),
        polygon(cabin, wide * 0.88).turned(np.pi / 2, np.pi / 2).moved(-wide * 0.44, -length / 2),
    )
    made.add(color, pattern, box(wide * 0.9, length * 0.38, 0.05).moved(0, length * 0.11, tall - 0.02))
    for y in (-length * 0.31, length * 0.3):
        for x in (-wide / 2 + 0.08, wide / 2 - 0.08):
            made.add((0.02, 0.02, 0.02), PLAIN, cylinder(0.32, 0.2, 16).turned(0, 0, np.pi / 2).moved(x - 0.1, y, 0.32))
            made.add(
                (0.4, 0.4, 0.4), pattern, cylinder(0.19, 0.22, 10).turned(0, 0, np.pi / 2).moved(x - 0.11, y, 0.32)
            )
    for x in (-0.55, 0.55):
        made.add((0.9, 0.9, 0.8), pattern, ball(0.11, 8).moved(x, -length / 2, hood * 0.6))
        made.add((0.5, 0.02, 0.02), pattern, box(0.25, 0.06, 0.1).moved(x, length / 2, hood * 0.75))
    return made


def bicycle(random: Random) -> Stage:
    """Returns a bicycle along x."""
    made = Stage()
    color = palette.any_color(random)
    angles = np.linspace(0, 2 * np.pi, 21)
    for x in (-0.52, 0.52):
        circle = np.c_[x + 0.33 * np.cos(angles), 0 * angles, 0.34 + 0.33 * np.sin(angles)]
        made.add((0.03, 0.03, 0.03), PLAIN, tube(circle, 0.018, 5))
        spokes = [
            tube([(x, 0, 0.34), (x + 0.32 * np.cos(a), 0, 0.34 + 0.32 * np.sin(a))], 0.002, 3) for a in angles[:-1:2]
        ]
        made.add((0.6, 0.6, 0.6), PLAIN, joined(spokes))
    joints = {
        "back": (-0.52, 0, 0.34),
        "seat": (-0.2, 0, 0.85),
        "foot": (-0.08, 0, 0.3),
        "head": (0.36, 0, 0.85),
        "front": (0.52, 0, 0.34),
        "bar": (0.33, 0, 1.02),
    }
    for first, second in (
        ("back", "seat"),
        ("back", "foot"),
        ("foot", "seat"),
        ("foot", "head"),
        ("seat", "head"),
        ("head", "front"),
        ("head", "bar"),
    ):
        made.add(color, PLAIN, tube([joints[first], joints[second]], 0.016, 6))
    made.add(
        (0.04, 0.04, 0.04),
        PLAIN,
        box(0.25, 0.14, 0.05).moved(-0.22, 0, 0.88),
        tube([(0.3, -0.28, 1.03), (0.34, 0, 1.02), (0.3, 0.28, 1.03)], 0.012, 6),
    )
    return made


def _furniture(stage: Stage, random: Random, half: float, pavement: float) -> list[Lamp]:
    """Adds cars, poles, wires, people and other objects; returns the light of the street lamps."""
    lamps: list[Lamp] = []
    for _ in range(random.integers(0, 7)):
        side = 1 if chance(random, 0.5) else -1
        stage.take(car(random), side * (half - 1.1), between(random, 1, 40), 0, 0 if side > 0 else np.pi)
    edge = half + 0.35
    metal = palette.any_color(random, 0.6)
    if chance(random, 0.75):
        poles(stage, random, edge, lamps)
    for _ in range(random.integers(0, 6)):
        side = 1 if chance(random, 0.5) else -1
        x, y = side * (half + between(random, 0.3, max(0.4, pavement))), between(random, 1, 18)
        kind = random.random()
        if kind < 0.4:
            stage.take(figure.standing(random, Dress.drawn(random), 500), x, y, 0.12, between(random, 0, 6.3))
        elif kind < 0.55:
            stage.take(bicycle(random), x, y, 0.12, between(random, 0, 6.3))
        elif kind < 0.7:
            rail = fittings.railing(between(random, 2, 6), 1, between(random, 0.1, 0.4), between(random, 0.01, 0.03))
            stage.add(metal, PLAIN, rail.turned(np.pi / 2).moved(side * edge, y, 0.12))
        elif kind < 0.85:
            posts = [cylinder(0.05, 0.9, 8).moved(side * edge, at, 0.12) for at in np.arange(y, y + 12, 1.6)]
            stage.add(metal, PLAIN, *posts)
        else:
            sign = tube([(x, y, 0), (x, y, 2.6)], 0.03, 6)
            stage.add((0.5, 0.5, 0.5), PLAIN, sign)
            plate = cylinder(0.32, 0.02, 3 if chance(random, 0.3) else 18).turned(0, np.pi / 2).moved(x, y - 0.04, 2.4)
            stage.add(palette.any_color(random), palette.poster(random, 0.6), plate)
    return lamps


def poles(stage: Stage, random: Random, edge: float, lamps: list[Lamp]) -> None:
    """Adds street lamps, or poles with wires, along one side, and the light of the lamps to a list."""
    tall, gap, thick = between(random, 4, 9), between(random, 7, 18), between(random, 0.04, 0.13)
    side = 1 if chance(random, 0.5) else -1
    color = palette.any_color(random, 0.6)
    places = np.arange(between(random, 0.5, 6), 60, gap)
    with_wires = chance(random, 0.6)
    ends: list[list[tuple[float, float, float]]] = []
    for y in places:
        x = side * edge
        stage.add(color, PLAIN, tube([(x, y, 0), (x, y, tall)], [thick, thick * 0.6], 7))
        if with_wires:
            stage.add(color, PLAIN, box(1.6, 0.08, 0.1).moved(x, y, tall - 0.5))
            ends.append([(x + offset, y, tall - 0.35) for offset in (-0.75, -0.3, 0.3, 0.75)])
        else:
            arm = np.array([(x, y, tall), (x - side * 0.6, y, tall + 0.3), (x - side * 1.5, y, tall + 0.3)])
            stage.add(color, PLAIN, tube(arm, thick * 0.6, 6), box(0.5, 0.2, 0.1).moved(x - side * 1.5, y, tall + 0.2))
        lamps.append(
            Lamp(
                (x - side * 1.5, float(y), tall),
                (x - side * 1.5, float(y), 0),
                0.3,
                between(random, 200, 700),
                lights.lamp_color(random),
            )
        )
    wires = [
        tube(sagging(a, b, between(random, 0.1, 0.8)), between(random, 0.008, 0.02), 4)
        for first, second in pairwise(ends)
        for a, b in zip(first, second, strict=True)
    ]
    if wires:
        stage.add((0.03, 0.03, 0.03), PLAIN, joined(wires))
    if chance(random, 0.3):
        across = [
            tube(sagging((-edge - 2, y, 6), (edge + 2, y, between(random, 5, 7)), 0.5), 0.012, 4)
            for y in np.arange(3.0, 40, 6)
        ]
        stage.add((0.05, 0.05, 0.05), PLAIN, joined(across))


def _view(stage: Stage, random: Random, half: float, pavement: float) -> View:
    kind = str(random.choice(["along", "across", "up", "high", "foreground"], p=[0.4, 0.2, 0.15, 0.1, 0.15]))
    eye = between(random, 0.5, 2.0) if chance(random, 0.85) else between(random, 2, 4)
    at = np.array([between(random, -1, 1) * (half + pavement * 0.6), -2.0, eye])
    towards = np.array([between(random, -0.7, 0.7) * half, between(random, 12, 40), eye + between(random, -2, 2.5)])
    focal = views.lens(random, 18, 85)
    if kind == "across":
        at[0] = -(half + pavement * 0.5)
        towards = np.array([half + pavement, between(random, 1, 14), between(random, 0.5, 4)])
        at[1] = between(random, 0, 8)
    elif kind == "up":
        towards = np.array([between(random, -1, 1) * (half + pavement), between(random, 3, 12), between(random, 6, 16)])
    elif kind == "high":
        at[2] = between(random, 5, 14)
        towards = np.array([between(random, -1, 1) * half, between(random, 8, 30), 0])
    elif kind == "foreground":
        ahead = (towards - at) / np.linalg.norm(towards - at)
        near = at + ahead * between(random, 0.8, 2.5)
        if chance(random, 0.5):
            stage.take(
                trees.twig(random, between(random, 0.8, 1.6)),
                near[0] - 0.4,
                near[1],
                near[2] + between(random, -0.1, 0.5),
                between(random, -2, -1),
            )
        else:
            rail = fittings.railing(5, 1.1, between(random, 0.1, 0.3), between(random, 0.006, 0.03))
            stage.add(
                palette.any_color(random),
                PLAIN,
                rail.moved(near[0] - 2.5, near[1], near[2] - between(random, 0.6, 1.2)),
            )
    return views.view(random, at, towards, focal, 0.1)
