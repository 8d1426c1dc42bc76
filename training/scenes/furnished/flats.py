# SPDX-License-Identifier: GPL-3.0-or-later
"""Flat pictures: photos, paintings, posters, pages and screens that fill most of the view."""

from __future__ import annotations

import math
from functools import partial

from training.scenes import palette
from training.scenes.furnished import indoor_light, lens, walls
from training.scenes.furnished.choice import Store
from training.scenes.furnished.hanging import facing, part
from training.scenes.furnished.scene import Furnished, Panel, Shot
from training.scenes.furnished.walls import Shell
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import box, point


def flat(random: Random, store: Store) -> Furnished:
    """Returns a wall with one picture."""
    made = Furnished("flat", "flat", may_be_flat=True)
    shell = Shell.of(between(random, 3, 6), between(random, 3, 6), between(random, 2.5, 3.2))
    walls.build(made.stage, random, shell)
    wall = shell.walls[0]
    width = between(random, 0.25, 1.6)
    height, middle, out = width * between(random, 0.55, 1.5), between(random, 1.2, 1.5), 0.004
    height = min(height, 2 * (shell.height - middle - 0.1), 2 * (middle - 0.1))
    is_screen = chance(random, 0.25)
    if is_screen or chance(random, 0.5):
        rim = between(random, 0.008, 0.07)
        frame = box(width + 2 * rim, 0.03, height + 2 * rim).moved(0, wall.reach - 0.015, middle - height / 2 - rim)
        made.stage.add((0.02, 0.02, 0.02) if is_screen else palette.wood_color(random), PLAIN, frame)
        out = 0.0305
    file = store.picture(random)
    if file is None or chance(random, 0.15):
        sheet = box(width, 0.002, height).moved(0, wall.reach - out - 0.001, middle - height / 2)
        made.stage.add(palette.any_color(random), palette.poster(random, min(width, height)), sheet)
    else:
        glow = between(random, 0.6, 2.0) if is_screen else 0.0
        corners = facing(wall, 0.0, middle, width, height, out)
        made.panels.append(Panel(corners, file, glow, 0.08 if chance(random, 0.25) else 0.0, part(random)))
    made.light = indoor_light.light(random, shell, [])
    made.shoot = partial(_shot, shell=shell, size=(width, height), middle=(wall.reach, middle))
    return made


def _shot(random: Random, shell: Shell, size: tuple[float, float], middle: tuple[float, float]) -> Shot | None:
    """Returns a photo in which the picture takes from two thirds of the view to more than all of it."""
    degrees = lens.angle(random)
    reach, height = middle
    far = max(size) * between(random, 0.65, 1.3) / 2 / math.tan(math.radians(degrees) / 2)
    aside = math.radians(float(random.normal(0, 6)) if chance(random, 0.5) else between(random, -40, 40))
    up = math.radians(float(random.normal(0, 5)))
    goal = point(
        float(random.normal(0, 0.04)) * size[0], reach - 0.01, height + float(random.normal(0, 0.04)) * size[1]
    )
    at = goal + far * point(math.sin(aside) * math.cos(up), -math.cos(aside) * math.cos(up), math.sin(up))
    if far < 0.15 or not shell.contains(at[0], at[1], 0.1) or not 0.1 < at[2] < shell.height - 0.1:
        return None
    return lens.shot(random, at, goal, degrees)
