# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of buildings: railings, walls with openings, pictures, rugs."""

from __future__ import annotations

import numpy as np

from training.scenes import palette
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Shape, block, box, joined, sheet, tube
from training.scenes.stage import Stage


def railing(length: float, height: float, gap: float, thick: float) -> Shape:
    """Returns a railing along x that begins at the origin."""
    count = max(2, int(length / gap))
    bars = [tube([(x, 0, 0), (x, 0, height)], thick, 5) for x in np.linspace(0, length, count)]
    rails = [tube([(0, 0, z), (length, 0, z)], thick * 1.6, 5) for z in (height, height * 0.12)]
    return joined([*bars, *rails])


def wall_with_hole(width: float, height: float, low: tuple[float, float], high: tuple[float, float]) -> list[Shape]:
    """Returns the parts of a wall around an opening, in the x-z plane, with its left end at the origin."""
    thick = 0.12
    (left, bottom), (right, top) = low, high
    spans = [
        ((0, 0), (left, height)),
        ((right, 0), (width, height)),
        ((left, top), (right, height)),
        ((left, 0), (right, bottom)),
    ]
    return [block((a, 0, b), (c, thick, d)) for (a, b), (c, d) in spans if c - a > 1e-6 and d - b > 1e-6]


def picture(random: Random, width: float, height: float) -> Stage:
    """Returns a flat framed picture in the x-z plane, centred on the origin and facing -y."""
    made = Stage()
    if chance(random, 0.75):
        made.add(palette.wood_color(random), PLAIN, box(width, 0.03, height).moved(z=-height / 2))
    made.add(
        palette.any_color(random),
        palette.poster(random, min(width, height)),
        box(width * 0.9, 0.034, height * 0.88).moved(z=-height * 0.44),
    )
    return made


def rug(random: Random) -> Stage:
    """Returns a flat rug."""
    made = Stage()
    made.add(
        palette.any_color(random),
        palette.some(random, 1),
        sheet(between(random, 1, 2.5), between(random, 0.8, 1.8)).moved(z=0.006),
    )
    return made
