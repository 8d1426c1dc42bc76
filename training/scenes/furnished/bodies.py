# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of people as arrays: files of baked vertices with their regions, and the poses to bake."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array

Rotations = dict[str, tuple[float, float, float]]
"""Degrees about x (to the person's left), y (backwards) and z (up) by bone."""


class Region(IntEnum):
    """What part of a body a face belongs to."""

    HEAD = 0
    SCALP = 1
    EYE = 2
    IRIS = 3
    LIPS = 4
    BROWS = 5
    NECK = 6
    TORSO = 7
    HIPS = 8
    UPPER_ARM = 9
    LOWER_ARM = 10
    HAND = 11
    UPPER_LEG = 12
    LOWER_LEG = 13
    FOOT = 14


@dataclass(frozen=True)
class Body:
    """A posed body that stands or sits on z = 0 and faces -y."""

    vertices: Array
    """(n, 3), metres."""
    faces: NDArray[np.int64]
    """(m, 3)."""
    regions: NDArray[np.uint8]
    """`Region` of each face, (m,)."""
    seat: float
    """Height of the seat that it needs; 0 if it stands."""
    age: float
    """0 for a child to 1 for an old person."""
    gender: float
    """0 for male to 1 for female."""

    def save(self, file: Path) -> None:
        """Writes the body to a compressed `.npz` file."""
        np.savez_compressed(
            file,
            vertices=self.vertices.astype(np.float32),
            faces=self.faces.astype(np.uint16),
            regions=self.regions,
            about=np.array([self.seat, self.age, self.gender]),
        )

    @classmethod
    def load(cls, file: Path) -> Body:
        """Returns the body in a file."""
        with np.load(file) as stored:
            seat, age, gender = (float(value) for value in stored["about"])
            return cls(
                stored["vertices"].astype(float), stored["faces"].astype(np.int64), stored["regions"], seat, age, gender
            )

    @property
    def height(self) -> float:
        """Height of the highest vertex."""
        return float(self.vertices[:, 2].max())

    def middle_of(self, *regions: Region) -> Array:
        """Returns the mean of the vertices of some regions, (3,)."""
        corners = np.unique(self.faces[np.isin(self.regions, regions)])
        return np.asarray(self.vertices[corners].mean(axis=0))

    def normals(self) -> Array:
        """Returns the normals of the vertices, (n, 3)."""
        a, b, c = (self.vertices[self.faces[:, index]] for index in range(3))
        across = np.cross(b - a, c - a)
        total = np.zeros_like(self.vertices)
        for index in range(3):
            np.add.at(total, self.faces[:, index], across)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def pose(random: Random) -> tuple[Rotations, bool]:
    """Returns a random pose as rotations of the joints, and whether it sits."""
    sits = chance(random, 0.3)
    turns: Rotations = {
        "spine03": (between(random, -4, 10), between(random, -5, 5), between(random, -10, 10)),
        "neck01": (between(random, -8, 14), between(random, -5, 5), between(random, -25, 25)),
        "head": (between(random, -8, 8), between(random, -6, 6), between(random, -15, 15)),
    }
    stride = between(random, 8, 32) if not sits and chance(random, 0.4) else 0.0
    for side, sign in (("L", 1.0), ("R", -1.0)):
        ahead = stride * sign
        if sits:
            hip, knee = -between(random, 72, 92), between(random, 60, 100)
        else:
            hip, knee = -ahead + between(random, -4, 4), max(0.0, -ahead) * 0.9 + between(random, 0, 8)
        turns[f"upperleg01.{side}"] = (hip, sign * between(random, -4, 7) * (-1 if sits else 1), 0.0)
        turns[f"lowerleg01.{side}"] = (knee, 0.0, 0.0)
        turns |= _arm(random, side, sign, ahead, sits)
    return turns, sits


def _arm(random: Random, side: str, sign: float, ahead: float, sits: bool) -> Rotations:
    kind = str(random.choice(["hang", "bent", "raised", "aside"], p=[0.5, 0.32, 0.1, 0.08]))
    if sits and kind == "hang":
        kind = "bent"
    if kind == "raised":
        upper = (-between(random, 60, 150), sign * between(random, 10, 40), 0.0)
        return {f"upperarm01.{side}": upper, f"lowerarm01.{side}": (-between(random, 10, 80), 0.0, 0.0)}
    if kind == "aside":
        return {f"upperarm01.{side}": (0.0, sign * between(random, -45, 15), 0.0)}
    down = sign * between(random, 28, 44)
    if kind == "bent":
        bend = (-between(random, 40, 115), 0.0, sign * between(random, -45, 10))
        return {f"upperarm01.{side}": (-between(random, -10, 35), down, 0.0), f"lowerarm01.{side}": bend}
    swing = ahead * between(random, 0.5, 1.0)
    return {
        f"upperarm01.{side}": (swing + between(random, -8, 14), down, 0.0),
        f"lowerarm01.{side}": (-between(random, 3, 30), 0.0, 0.0),
    }
