# SPDX-License-Identifier: GPL-3.0-or-later
"""Abstract scenes: random solids, rods and rings at all depths."""

from __future__ import annotations

import numpy as np

from training.scenes import lights, palette, views
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Shape, ball, box, cylinder, joined, lathe, leaf, sheet, tube
from training.scenes.stage import Scene, Stage


def abstract(random: Random) -> Scene:
    """Returns a view along y of solids that float between half a metre and thirty metres."""
    stage = Stage()
    focal = views.lens(random, 18, 70)
    for _ in range(random.integers(15, 90)):
        depth = float(np.exp(random.uniform(np.log(0.7), np.log(25))))
        reach = depth * 18 / focal
        at = np.array([between(random, -1.2, 1.2) * reach, depth, between(random, -1.0, 1.0) * reach])
        size = depth * between(random, 0.05, 0.35) * 24 / focal
        shape = _solid(random, size).turned(between(random, 0, 6.3), between(random, 0, 6.3), between(random, 0, 6.3))
        stage.add(palette.any_color(random, 0.95), palette.some(random, size), shape.moved(*at))
    if chance(random, 0.75):
        _ground(stage, random)
    target = (between(random, -0.15, 0.15), 1.0, between(random, -0.15, 0.15))
    light = lights.outdoors(random)
    if lights.is_night(light) or chance(random, 0.3):
        light = lights.studio(random, (0, 3, 0), 3, 1.0)
    return Scene(stage, light, views.view(random, (0, 0, 0), target, focal, 0.15))


def _solid(random: Random, size: float) -> Shape:
    kind = int(random.integers(8))
    if kind == 0:
        return box(*random.uniform(0.2, 1, 3) * size)
    if kind == 1:
        return ball(size * 0.5, 16).scaled(*random.uniform(0.4, 1.2, 3))
    if kind == 2:
        return cylinder(
            size * between(random, 0.1, 0.5), size, int(random.integers(3, 16)), size * between(random, 0.0, 0.5) + 1e-3
        )
    if kind == 3:
        # A long rod.
        return cylinder(size * between(random, 0.01, 0.06), size * between(random, 2, 8), 7).moved(z=-size)
    if kind == 4:
        angles = np.linspace(0, 2 * np.pi, 25)
        return tube(
            np.c_[np.cos(angles), np.sin(angles), 0 * angles] * size * 0.6, size * between(random, 0.015, 0.2), 8
        )
    if kind == 5:
        path = random.normal(0, 0.4, (9, 3)).cumsum(axis=0) * size
        return tube(path, size * between(random, 0.01, 0.08), 6)
    if kind == 6:
        return joined([leaf(size, size * between(random, 0.1, 0.4)).turned(angle, 0.4) for angle in np.arange(6.0)])
    radii = np.abs(random.normal(0.3, 0.15, 6)) + 0.03
    return lathe(np.c_[radii * size, np.linspace(0, size, 6)], 14)


def _ground(stage: Stage, random: Random) -> None:
    """Adds one or two large planes: below, above, behind, slanted."""
    for _ in range(random.integers(1, 3)):
        kind = int(random.integers(4))
        plane = sheet(120, 120)
        if kind == 0:
            plane = plane.moved(z=-between(random, 0.5, 3))
        elif kind == 1:
            plane = plane.moved(z=between(random, 0.8, 4))
        elif kind == 2:
            plane = plane.turned(between(random, -0.8, 0.8), np.pi / 2).moved(0, between(random, 6, 40))
        else:
            plane = plane.turned(0, 0, np.pi / 2 + between(random, -0.2, 0.2)).moved(
                between(random, 1.2, 5) * (1 if chance(random, 0.5) else -1)
            )
        pattern = palette.some(random, between(random, 1, 5)) if chance(random, 0.7) else PLAIN
        stage.add(palette.any_color(random), pattern, plane)
