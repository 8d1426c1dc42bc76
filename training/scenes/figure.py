# SPDX-License-Identifier: GPL-3.0-or-later
"""Human figures of tubes and balls, with hair, standing on the origin and facing -y."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.scenes import palette
from training.scenes.palette import PLAIN, Random, between, chance
from training.scenes.shapes import Array, Shape, ball, joined, lathe, point, tube
from training.scenes.stage import Color, Hair, Pattern, Stage


@dataclass(frozen=True)
class Dress:
    """The appearance of a figure."""

    skin: Color
    top: Color
    top_pattern: Pattern
    trousers: Color
    trousers_pattern: Pattern
    shoes: Color
    hair: Color
    height: float
    girth: float

    @classmethod
    def drawn(cls, random: Random) -> Dress:
        """Returns a random appearance."""
        return cls(
            palette.skin_color(random),
            palette.any_color(random),
            palette.cloth(random),
            palette.any_color(random, 0.6),
            palette.cloth(random) if chance(random, 0.3) else PLAIN,
            palette.any_color(random, 0.5),
            palette.hair_color(random),
            between(random, 1.5, 1.95) if chance(random, 0.8) else between(random, 0.9, 1.4),
            between(random, 0.85, 1.35),
        )


def standing(random: Random, dress: Dress, strands: int = 900) -> Stage:
    """Returns a figure that stands, walks or raises its arms."""
    stride = between(random, 0, 0.45) if chance(random, 0.5) else between(random, 0.0, 0.08)
    hip = 0.5
    feet = [np.array([side * 0.055, side * stride * 0.5, 0.02]) for side in (-1, 1)]
    return _figure(random, dress, hip, feet, between(random, -0.05, 0.12), strands)


def sitting(random: Random, dress: Dress, strands: int = 900) -> Stage:
    """Returns a figure that sits as on a chair, with its feet in front of it."""
    feet = [np.array([side * between(random, 0.05, 0.1), -0.25 - between(random, 0, 0.08), 0.02]) for side in (-1, 1)]
    return _figure(random, dress, 0.29, feet, between(random, -0.05, 0.15), strands)


def _figure(random: Random, dress: Dress, hip: float, feet: list[Array], lean: float, strands: int) -> Stage:
    """Returns a figure; all lengths are shares of its height and scaled at the end."""
    made = Stage()
    girth, tall = dress.girth, dress.height
    pelvis = np.array([0, 0, hip])
    chest = pelvis + point(0, -lean, 0.24)
    neck = chest + point(0, -lean * 0.3, 0.085)
    thigh, shin = 0.25, 0.25
    for side, foot in zip((-1, 1), feet, strict=True):
        top = pelvis + point(side * 0.05, 0, 0)
        knee = _joint(top, foot + point(0, 0, 0.03), thigh, shin, np.array([0, -1.0, 0.1]))
        leg = tube(
            [top, (top + knee) / 2, knee, (knee + foot) / 2, foot + point(0, 0, 0.02)],
            np.array([0.05, 0.047, 0.034, 0.034, 0.022]) * girth,
            8,
        )
        made.add(dress.trousers, dress.trousers_pattern, leg.scaled(tall))
        made.add(
            dress.shoes, PLAIN, ball(0.03, 8).scaled(1, 2.1, 0.8).moved(*(foot + point(0, -0.025, 0))).scaled(tall)
        )
    trunk = [
        pelvis - (0, 0, 0.03),
        pelvis + point(0, 0, 0.04),
        (pelvis + chest) / 2,
        chest,
        chest + point(0, 0, 0.05),
        neck,
    ]
    torso = tube(trunk, np.array([0.07, 0.085, 0.075, 0.09, 0.075, 0.03]) * girth, 10)
    flat = torso.mapped((torso.corners - pelvis) * (1.15, 0.72, 1) + pelvis)
    made.add(dress.top, dress.top_pattern, flat.scaled(tall))
    for side in (-1, 1):
        _arm(made, random, dress, chest + point(side * 0.105 * girth, 0, 0.04), side)
    _head(made, random, dress, neck, strands)
    return made


def _joint(start: Array, end: Array, first: float, second: float, towards: Array) -> Array:
    """Returns the joint of two limbs of given lengths between two points."""
    along = end - start
    distance = min(float(np.linalg.norm(along)), (first + second) * 0.999)
    along = along / (np.linalg.norm(along) + 1e-9)
    share = (first**2 - second**2 + distance**2) / (2 * distance)
    out = towards - along * (towards @ along)
    out /= np.linalg.norm(out) + 1e-9
    return np.asarray(start + along * share + out * np.sqrt(max(0.0, first**2 - share**2)))


def _arm(made: Stage, random: Random, dress: Dress, shoulder: Array, side: int) -> None:
    pose = random.random()
    if pose < 0.55:
        hand = shoulder + point(side * between(random, 0.02, 0.12), between(random, -0.15, 0.1), -0.3)
    elif pose < 0.8:
        hand = shoulder + point(
            side * between(random, -0.1, 0.2),
            between(random, -0.32, -0.15),
            between(random, -0.15, 0.1),
        )
    else:
        hand = shoulder + point(
            side * between(random, 0.0, 0.3), between(random, -0.15, 0.1), between(random, 0.1, 0.32)
        )
    elbow = _joint(shoulder, hand, 0.17, 0.16, np.array([side * 0.6, 0.8, -0.3]))
    hand = elbow + (hand - elbow) / (np.linalg.norm(hand - elbow) + 1e-9) * 0.16
    girth, tall = dress.girth, dress.height
    sleeve = chance(random, 0.6)
    upper = tube(
        [shoulder - (side * 0.03, 0, 0), (shoulder + elbow) / 2, elbow], np.array([0.036, 0.03, 0.025]) * girth, 7
    )
    lower = tube([elbow, (elbow + hand) / 2, hand], np.array([0.024, 0.023, 0.015]) * girth, 7)
    made.add(dress.top, dress.top_pattern, upper.scaled(tall))
    if sleeve:
        made.add(dress.top, dress.top_pattern, lower.scaled(tall))
    else:
        made.add(dress.skin, PLAIN, lower.scaled(tall))
    along = (hand - elbow) / 0.16
    fingers = [
        tube([hand, hand + along * 0.03, hand + along * 0.06 + random.normal(0, 0.012, 3)], [0.012, 0.008, 0.004], 5)
        for _ in range(4)
    ]
    made.add(dress.skin, PLAIN, joined([ball(0.018, 8).moved(*hand), *fingers]).scaled(tall))
    if chance(random, 0.12):
        stick = tube(
            [hand + point(0, 0, between(random, 0.1, 0.5)), hand - (0, 0, between(random, 0.2, 0.45))], 0.008, 6
        )
        made.add(palette.wood_color(random), PLAIN, stick.scaled(tall))


def _head(made: Stage, random: Random, dress: Dress, neck: Array, strands: int) -> None:
    """Adds a head, 0.13 times the figure's height, with a face and hair or a hat."""
    tall = dress.height
    made.add(dress.skin, PLAIN, tube([neck - (0, 0, 0.02), neck + point(0, -0.005, 0.05)], 0.028, 8).scaled(tall))
    middle = neck + point(0, -0.01, 0.085)
    skull = ball(1, 18).scaled(0.046, 0.056, 0.066)
    parts = [
        skull,
        ball(1, 10).scaled(0.034, 0.034, 0.03).moved(0, -0.018, -0.045),
        tube([(0, -0.05, 0.012), (0, -0.067, -0.014), (0, -0.055, -0.018)], [0.005, 0.009, 0.007], 6),
        *(ball(1, 8).scaled(0.006, 0.012, 0.018).moved(side * 0.047, 0, -0.002) for side in (-1, 1)),
    ]
    turn, nod = between(random, -0.7, 0.7), between(random, -0.25, 0.3)

    def placed(shape: Shape) -> Shape:
        return shape.turned(turn, nod).moved(*middle).scaled(tall)

    made.add(dress.skin, PLAIN, *(placed(part) for part in parts))
    for side in (-1, 1):
        made.add((0.85, 0.85, 0.85), PLAIN, placed(ball(0.0075, 8).moved(side * 0.019, -0.046, 0.01)))
        made.add(
            palette.hsv(between(random, 0.05, 0.6), 0.6, 0.25),
            PLAIN,
            placed(ball(0.004, 8).moved(side * 0.019, -0.0515, 0.01)),
        )
        made.add(
            dress.hair, PLAIN, placed(tube([(side * 0.008, -0.052, 0.021), (side * 0.029, -0.046, 0.021)], 0.0025, 5))
        )
    lips = palette.like(random, (dress.skin[0] * 0.8, dress.skin[1] * 0.5, dress.skin[2] * 0.5), 0.1)
    made.add(
        lips, PLAIN, placed(tube([(-0.015, -0.046, -0.038), (0, -0.053, -0.038), (0.015, -0.046, -0.038)], 0.004, 6))
    )
    if chance(random, 0.15):
        _glasses(made, placed)
    covering = random.random()
    if covering < 0.15:
        brim = lathe([(between(random, 0.055, 0.1), 0), (0.056, 0.004), (0.05, 0.05), (0.02, 0.058)], 16)
        made.add(palette.any_color(random), palette.cloth(random), placed(brim.scaled(1, 1.2, 1).moved(z=0.022)))
    if covering < 0.92:
        _grow(made, random, dress, placed(_scalp(skull)), strands)


def _scalp(skull: Shape) -> Shape:
    """Returns the part of a head that is covered with hair."""
    centres = skull.corners[skull.faces[0]].mean(axis=1)
    bears = centres[:, 2] > 0.02 - 0.8 * centres[:, 1].clip(-0.05, 0.06)
    return Shape(skull.corners, (skull.faces[0][bears],), True)


def _grow(made: Stage, random: Random, dress: Dress, scalp: Shape, strands: int) -> None:
    length = dress.height * (between(random, 0.01, 0.04) if chance(random, 0.5) else between(random, 0.05, 0.2))
    drop = between(random, 0.2, 0.9) if length < 0.1 else between(random, 0.7, 1.0)
    curl = length * between(random, 0.05, 0.5)
    seed = int(random.integers(1 << 20))
    made.hairs.append(
        Hair(scalp, dress.hair, strands, length, dress.height * between(random, 0.0004, 0.001), drop, curl, seed)
    )
    made.add(
        dress.hair,
        PLAIN,
        scalp.mapped((scalp.corners - scalp.corners.mean(axis=0)) * 1.02 + scalp.corners.mean(axis=0)),
    )


def _glasses(made: Stage, put: Callable[[Shape], Shape]) -> None:
    angles = np.linspace(0, 2 * np.pi, 13)
    for side in (-1, 1):
        rim = np.c_[side * 0.02 + 0.014 * np.cos(angles), 0 * angles - 0.06, 0.008 + 0.012 * np.sin(angles)]
        made.add((0.03, 0.03, 0.03), PLAIN, put(tube(rim, 0.0016, 5)))
        made.add(
            (0.03, 0.03, 0.03), PLAIN, put(tube([(side * 0.033, -0.058, 0.01), (side * 0.049, 0.0, 0.012)], 0.0014, 5))
        )
    made.add((0.03, 0.03, 0.03), PLAIN, put(tube([(-0.007, -0.062, 0.01), (0.007, -0.062, 0.01)], 0.0014, 5)))
