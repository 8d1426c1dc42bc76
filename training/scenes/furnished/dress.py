# SPDX-License-Identifier: GPL-3.0-or-later
"""Dressing a baked body: skin, eyes, hair, and clothes as shells around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.scenes import palette
from training.scenes.furnished.bodies import Body, Region
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, Shape, lathe
from training.scenes.stage import Color, Hair, Pattern, Stage

_SHIRTS = {
    "long": (Region.TORSO, Region.UPPER_ARM, Region.LOWER_ARM),
    "short": (Region.TORSO, Region.UPPER_ARM),
    "none": (Region.TORSO,),
}
_SKIN = (
    Region.HEAD,
    Region.NECK,
    Region.TORSO,
    Region.HIPS,
    Region.UPPER_ARM,
    Region.LOWER_ARM,
    Region.HAND,
    Region.UPPER_LEG,
    Region.LOWER_LEG,
)


def dressed(random: Random, body: Body, strands: int) -> Stage:
    """Returns a body with clothes and hair; `strands` of hair, 0 for a smooth shell only."""
    made = Stage()
    normals = body.normals()
    skin, hair = palette.skin_color(random), palette.hair_color(random)
    if body.age > 0.75:
        grey = between(random, 0.2, 0.8)
        hair = (grey, grey, grey * 0.97)
    made.add(skin, Pattern("plain", gloss=0.04, roughness=0.5), part(body, _SKIN))
    made.add((0.8, 0.8, 0.78), palette.shiny(random), part(body, (Region.EYE,)))
    made.add(
        palette.hsv(between(random, 0.05, 0.6), 0.6, between(random, 0.05, 0.4)), PLAIN, part(body, (Region.IRIS,))
    )
    made.add((skin[0] * 0.85, skin[1] * 0.6, skin[2] * 0.6), PLAIN, part(body, (Region.LIPS,)))
    made.add(palette.like(random, hair, 0.2), PLAIN, part(body, (Region.BROWS,), normals, 0.002))
    _clothes(made, random, body, normals)
    _hair(made, random, body, normals, hair, strands, skin)
    return made


def part(body: Body, regions: Sequence[Region], normals: Array | None = None, thickness: float | Array = 0.0) -> Shape:
    """Returns the faces of some regions, moved out along the normals of the vertices by a thickness or one each."""
    faces = body.faces[np.isin(body.regions, [int(region) for region in regions])]
    used, renumbered = np.unique(faces, return_inverse=True)
    corners = body.vertices[used]
    if normals is not None:
        out = thickness[used, None] if isinstance(thickness, np.ndarray) else thickness
        corners = corners + normals[used] * out
    return Shape(corners, (renumbered.reshape(-1, 3),), True)


def _clothes(made: Stage, random: Random, body: Body, normals: Array) -> None:
    folds = _folds(random, body.vertices)
    legs: tuple[Region, ...] = (Region.HIPS, Region.UPPER_LEG, Region.LOWER_LEG)
    shorts = chance(random, 0.15)
    thick = between(random, 0.006, 0.02)
    trousers = part(body, legs[:2] if shorts else legs, normals, thick * (1 + 0.5 * folds))
    cloth = palette.cloth(random) if chance(random, 0.3) else PLAIN
    color = _cloth_color(random, 0.6)
    made.add(color, cloth, trousers)
    if body.seat == 0 and chance(random, 0.5 * body.gender):
        made.add(color, cloth, _skirt(random, body))
    sleeves = _SHIRTS[str(random.choice(["long", "short", "none"], p=[0.55, 0.35, 0.1]))]
    loose = between(random, 0.008, 0.03)
    shirt_color, pattern = _cloth_color(random, 0.9), palette.cloth(random)
    made.add(shirt_color, pattern, part(body, (*sleeves, Region.HIPS), normals, loose * (1 + 0.6 * folds)))
    if chance(random, 0.25):
        hood = between(random, 0.02, 0.045)
        jacket = part(body, (*_SHIRTS["long"], Region.HIPS), normals, hood * (1 + 0.5 * folds))
        made.add(_cloth_color(random, 0.6), palette.cloth(random), jacket)
    shoes = part(body, (Region.FOOT,), normals, 0.009)
    made.add(palette.any_color(random, 0.5), palette.shiny(random) if chance(random, 0.4) else PLAIN, shoes)


def _cloth_color(random: Random, brightness: float) -> Color:
    if chance(random, 0.3):
        return palette.hsv(0.6, between(random, 0, 0.3), between(random, 0.08, 0.5))
    return palette.any_color(random, brightness)


def _folds(random: Random, points: Array) -> Array:
    """Returns smooth noise about 0 at points (n, 3), (n,)."""
    total = np.zeros(len(points))
    for scale in (9.0, 21.0, 40.0):
        for _ in range(2):
            direction = random.normal(0, 1, 3)
            total += np.sin(points @ (scale * direction / np.linalg.norm(direction)) + between(random, 0, 6.3))
    return total / 4


def _skirt(random: Random, body: Body) -> Shape:
    hips, knees = body.middle_of(Region.HIPS), body.middle_of(Region.LOWER_LEG)
    low = knees[2] + between(random, -0.2, 0.15) * body.height
    wide = between(random, 0.13, 0.24) * body.height
    waist = 0.105 * body.height
    profile = [(wide, low), (0.6 * wide + 0.4 * waist, (low + hips[2]) / 2), (waist, hips[2] + 0.04 * body.height)]
    return lathe(profile, 28).scaled(1, 0.85, 1).moved(hips[0], hips[1])


def _hair(made: Stage, random: Random, body: Body, normals: Array, color: Color, strands: int, skin: Color) -> None:
    if chance(random, 0.06 + 0.2 * (1 - body.gender) * body.age):
        made.add(skin, Pattern("plain", gloss=0.08), part(body, (Region.SCALP,)))
        return
    full = between(random, 0.008, 0.045)
    middle = body.middle_of(Region.SCALP)
    top = body.vertices[:, 2].max()
    # Thin at the hairline and over the ears, full at the crown.
    rise = np.clip((body.vertices[:, 2] - (middle[2] - 0.09)) / (top - middle[2] + 0.09), 0.12, 1.0) ** 0.7
    waves = 1 + 0.22 * _folds(random, body.vertices * 1.6)
    cap = part(body, (Region.SCALP,), normals, full * rise * waves)
    made.add(color, Pattern("noise", between(random, 60, 160), palette.like(random, color, 0.5), 0.5, 0.08), cap)
    is_long = chance(random, 0.15 + 0.55 * body.gender)
    if is_long:
        made.add(color, Pattern("noise", 90, palette.like(random, color, 0.5), 0.5, 0.08), _long_hair(random, body))
    if strands > 0 and chance(random, 0.6):
        length = between(random, 0.004, 0.022) if not is_long else between(random, 0.02, 0.07)
        made.hairs.append(
            Hair(
                cap,
                color,
                strands,
                length,
                between(random, 0.0003, 0.0008),
                between(random, 0.4, 1.2),
                between(random, 0, 0.005),
                int(random.integers(1 << 20)),
            )
        )


def _long_hair(random: Random, body: Body) -> Shape:
    """Returns a curtain of hair that falls from the back of the head to the shoulders or lower."""
    scalp = body.middle_of(Region.SCALP)
    ahead = body.middle_of(Region.EYE) - scalp
    turn = float(np.arctan2(ahead[0], -ahead[1]))
    drop = between(random, 0.16, 0.38)
    angles = np.linspace(np.radians(25), np.radians(155), 15)
    rows = []
    for share in np.linspace(0, 1, 7):
        radius = (0.088 + 0.02 * np.sin(3 * share)) * (1 + 0.05 * random.normal())
        x, y = radius * np.cos(angles), radius * 1.08 * np.sin(angles)
        rows.append(np.c_[x, y - 0.01, np.full(len(angles), 0.02 - share * drop)])
    corners = np.concatenate(rows)
    corners = corners + random.normal(0, 0.0025, corners.shape)
    count, across = len(rows), len(angles)
    index = np.arange(count * across).reshape(count, across)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], -1).reshape(-1, 4)
    return Shape(corners, (quads,), True).turned(turn).moved(*scalp)
