# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of rooms: from a corner, of a piece of furniture, of a wall, along a corridor, down and up."""

from __future__ import annotations

import math

import numpy as np

from training.scenes.furnished import lens
from training.scenes.furnished.scene import Shot
from training.scenes.furnished.surfaces import Place, Surface
from training.scenes.furnished.walls import Shell
from training.scenes.palette import Random, between, chance
from training.scenes.shapes import Array, point

_KINDS = ("across", "thing", "wall", "surface", "down", "up")
_SHARES = (0.42, 0.22, 0.16, 0.12, 0.05, 0.03)
_KINDS_OF_CORRIDOR = ("along", "across", "wall", "thing")
_SHARES_OF_CORRIDOR = (0.62, 0.14, 0.14, 0.1)


def shot(random: Random, place: Place, shell: Shell) -> Shot | None:
    """Returns a photo of a room, or None if a draw is not possible."""
    if place.made.name == "corridor":
        kind = str(random.choice(_KINDS_OF_CORRIDOR, p=_SHARES_OF_CORRIDOR))
    else:
        kind = str(random.choice(_KINDS, p=_SHARES))
    if kind == "surface":
        return of_surface(random, place.surfaces, shell) if place.surfaces else None
    at = _eye(random, shell)
    if kind == "across":
        goal = _across(random, place, shell)
    elif kind == "along":
        at[1] = (1 if chance(random, 0.5) else -1) * (shell.depth / 2 - between(random, 0.15, 0.4 * shell.depth))
        goal = point(between(random, -0.3, 0.3), -math.copysign(shell.depth / 2, at[1]), between(random, 0.7, 1.6))
    elif kind == "wall":
        return _of_wall(random, place, shell)
    elif kind == "thing" and place.targets:
        goal = place.targets[int(random.integers(len(place.targets)))]
        at = goal + _around(random, float(np.exp(random.uniform(math.log(0.45), math.log(2.5)))), -5, 50)
    else:
        ahead = between(random, 0.3, 1.8)
        angle = between(random, 0, 2 * math.pi)
        height = 0.0 if kind == "down" else shell.height
        goal = point(at[0] + ahead * math.cos(angle), at[1] + ahead * math.sin(angle), height)
    if not _is_possible(place, shell, at) or np.linalg.norm(goal - at) < 0.4:
        return None
    return lens.shot(random, at, goal)


def of_surface(random: Random, surfaces: list[Surface], shell: Shell | None) -> Shot | None:
    """Returns a photo of a table: from the side, at an angle, a fifth of them from above."""
    surface = surfaces[int(random.integers(len(surfaces)))]
    spot = random.uniform(-0.3, 0.3, 2) * (surface.width, surface.depth)
    goal = np.array(surface.middle) + point(float(spot[0]), float(spot[1]), between(random, -0.02, 0.1))
    distance = float(np.exp(random.uniform(math.log(0.35), math.log(1.7))))
    low, high = (70, 90) if chance(random, 0.2) else (6, 60)
    at = goal + _around(random, distance, low, high)
    if shell is not None and (not shell.contains(at[0], at[1], 0.1) or at[2] > shell.height - 0.1):
        return None
    return lens.shot(random, at, goal)


def _eye(random: Random, shell: Shell) -> Array:
    """Returns an eye in a room: often by a wall or in a corner, as one stands to see much of it."""
    at = point(between(random, -0.45, 0.45) * shell.width, between(random, -0.45, 0.45) * shell.depth, 0)
    if chance(random, 0.6):
        sides = [1 if chance(random, 0.5) else -1 for _ in range(2)]
        at[0] = sides[0] * (shell.width / 2 - between(random, 0.12, 0.35 * shell.width))
        at[1] = sides[1] * (shell.depth / 2 - between(random, 0.12, 0.3 * shell.depth))
    at[2] = float(np.clip(random.normal(1.4, 0.3), 0.3, shell.height - 0.2))
    return at


def _across(random: Random, place: Place, shell: Shell) -> Array:
    if place.targets and chance(random, 0.55):
        return place.targets[int(random.integers(len(place.targets)))]
    x, y = between(random, -0.5, 0.5) * shell.width, between(random, -0.5, 0.5) * shell.depth
    return point(x, y, between(random, 0.3, 1.7))


def _of_wall(random: Random, place: Place, shell: Shell) -> Shot | None:
    """Returns a photo of a wall, frontal or oblique."""
    wall = shell.walls[int(random.integers(4))]
    other = shell.depth if abs(math.cos(wall.turn)) > 0.5 else shell.width
    far = between(random, 0.5, max(0.6, min(4.0, other - 0.3)))
    if far > other - 0.15:
        return None
    aside = float(random.normal(0, 0.08)) if chance(random, 0.5) else math.tan(between(random, -1.1, 1.1))
    middle = between(random, -0.4, 0.4) * wall.length
    x, y = wall.at(middle, 0.0)
    u, v = wall.at(middle + aside * far, far)
    z = between(random, 0.5, min(2.0, shell.height - 0.3))
    goal = point(x, y, z + float(random.normal(0, 0.12)) * far)
    at = point(u, v, z)
    return lens.shot(random, at, goal) if _is_possible(place, shell, at) else None


def _around(random: Random, distance: float, lowest: float, highest: float) -> Array:
    up, turn = math.radians(between(random, lowest, highest)), between(random, 0, 2 * math.pi)
    return distance * point(math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up))


def _is_possible(place: Place, shell: Shell, at: Array) -> bool:
    if not shell.contains(at[0], at[1], 0.08) or not 0.1 < at[2] < shell.height - 0.05:
        return False
    return bool(at[2] > 1.8 or place.ground.is_free(at[0], at[1], 0.2, 0.2))
