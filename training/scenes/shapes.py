# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple solid shapes as arrays, in metres, z up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Faces = NDArray[np.int64]


def point(x: float, y: float, z: float) -> Array:
    """Returns a point or a direction, (3,)."""
    return np.array([x, y, z], float)


@dataclass(frozen=True)
class Shape:
    """Vertices (n, 3) and faces: arrays (m, k) of vertex indices, one for each number of corners k."""

    corners: Array
    faces: tuple[Faces, ...]
    smooth: bool = False

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Shape:
        """Returns the shape moved by an offset."""
        return replace(self, corners=self.corners + point(x, y, z))

    def scaled(self, x: float, y: float | None = None, z: float | None = None) -> Shape:
        """Returns the shape scaled about the origin, by one factor or by one per axis."""
        return replace(self, corners=self.corners * (x, x if y is None else y, x if z is None else z))

    def turned(self, about_z: float = 0.0, about_x: float = 0.0, about_y: float = 0.0) -> Shape:
        """Returns the shape rotated about the origin, in radians: first about x, then y, then z."""
        matrix = _turn(2, about_z) @ _turn(1, about_y) @ _turn(0, about_x)
        return replace(self, corners=self.corners @ matrix.T)

    def mapped(self, corners: Array) -> Shape:
        """Returns the shape with other vertices."""
        return replace(self, corners=corners)

    def low(self) -> Array:
        """Returns the least coordinates, (3,)."""
        return self.corners.min(axis=0)

    def high(self) -> Array:
        """Returns the largest coordinates, (3,)."""
        return self.corners.max(axis=0)


def joined(shapes: Iterable[Shape]) -> Shape:
    """Returns several shapes as one, with the smoothness of the first."""
    listed = list(shapes)
    starts = np.cumsum([0] + [len(shape.corners) for shape in listed])
    by_size: dict[int, list[Faces]] = {}
    for shape, start in zip(listed, starts, strict=False):
        for faces in shape.faces:
            by_size.setdefault(faces.shape[1], []).append(faces + start)
    corners = np.concatenate([shape.corners for shape in listed])
    return Shape(corners, tuple(np.concatenate(parts) for parts in by_size.values()), listed[0].smooth)


def box(width: float, depth: float, height: float) -> Shape:
    """Returns a box that stands on the origin."""
    corners = np.array([(x, y, z) for z in (0, 1) for y in (-0.5, 0.5) for x in (-0.5, 0.5)], float)
    faces = np.array([(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)])
    return Shape(corners * (width, depth, height), (faces,))


def block(low: ArrayLike, high: ArrayLike) -> Shape:
    """Returns the box between two corners."""
    first, last = np.asarray(low, float), np.asarray(high, float)
    width, depth, height = last - first
    x, y, _ = (first + last) / 2
    return box(width, depth, height).moved(x, y, first[2])


def sheet(width: float, depth: float) -> Shape:
    """Returns a flat rectangle about the origin, facing upwards."""
    corners = np.array([(-0.5, -0.5, 0), (0.5, -0.5, 0), (0.5, 0.5, 0), (-0.5, 0.5, 0)]) * (width, depth, 1)
    return Shape(corners, (np.array([(0, 1, 2, 3)]),))


def polygon(outline: ArrayLike, thickness: float) -> Shape:
    """Returns an outline (n, 2) in the plane of x and y, counter-clockwise, as a slab of some thickness."""
    flat = np.asarray(outline, float)
    n = len(flat)
    corners = np.concatenate([np.c_[flat, np.zeros(n)], np.c_[flat, np.full(n, thickness)]])
    ring = np.arange(n)
    following = np.roll(ring, -1)
    sides = np.stack([ring, following, following + n, ring + n], 1)
    return Shape(corners, (sides, ring[None, ::-1], (ring + n)[None]))


def lathe(profile: ArrayLike, sides: int = 12, smooth: bool = True) -> Shape:
    """Returns the closed solid of revolution about z of a profile (n, 2) of radius and height, from bottom to top."""
    radii, heights = np.asarray(profile, float).T
    angles = np.arange(sides) * (2 * np.pi / sides)
    rings = np.stack(
        [
            radii[:, None] * np.cos(angles),
            radii[:, None] * np.sin(angles),
            np.broadcast_to(heights[:, None], (len(radii), sides)),
        ],
        axis=-1,
    )
    quads = _between_rings(len(radii), sides)
    last = (len(radii) - 1) * sides
    caps = (np.arange(sides)[None, ::-1], last + np.arange(sides)[None])
    return Shape(rings.reshape(-1, 3), (quads, np.concatenate(caps)), smooth)


def cylinder(radius: float, height: float, sides: int = 10, top: float | None = None) -> Shape:
    """Returns a vertical cylinder, or a truncated cone if the top's radius differs, standing on the origin."""
    return lathe([(radius, 0), (radius if top is None else top, height)], sides, smooth=False)


def ball(radius: float, sides: int = 14) -> Shape:
    """Returns a sphere about the origin."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, max(5, sides // 2 + 1))
    profile = np.c_[np.cos(angles).clip(1e-4), np.sin(angles)]
    return lathe(profile * radius, sides)


def tube(path: ArrayLike, radii: ArrayLike, sides: int = 6) -> Shape:
    """Returns a round tube along a path (n, 3), with one radius or one for each of its points."""
    points = np.asarray(path, float)
    n = len(points)
    thickness = np.broadcast_to(np.asarray(radii, float), n)
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    # The axis farthest from the tube's main direction is never parallel to it, so the rings do not flip.
    helper = np.eye(3)[np.argmin(np.abs(points[-1] - points[0]))]
    across = np.cross(along, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-12
    other = np.cross(along, across)
    angles = np.arange(sides) * (2 * np.pi / sides)
    circle = np.cos(angles)[None, :, None] * across[:, None] + np.sin(angles)[None, :, None] * other[:, None]
    rings = points[:, None] + thickness[:, None, None] * circle
    quads = _between_rings(n, sides)
    caps = (np.arange(sides)[None, ::-1], (n - 1) * sides + np.arange(sides)[None])
    return Shape(rings.reshape(-1, 3), (quads, np.concatenate(caps)), sides > 4)


def terrain(heights: Array, width: float, depth: float) -> Shape:
    """Returns a ground about the origin from heights (rows, columns), rows along y."""
    rows, columns = heights.shape
    y, x = np.meshgrid(
        np.linspace(-depth / 2, depth / 2, rows), np.linspace(-width / 2, width / 2, columns), indexing="ij"
    )
    numbers = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, 1:], numbers[1:, :-1]], -1).reshape(-1, 4)
    return Shape(np.stack([x, y, heights], -1).reshape(-1, 3), (quads,), True)


def leaf(length: float, width: float, bend: float = 0.3) -> Shape:
    """Returns a leaf of four faces that starts at the origin, extends along y and bends down."""
    stations = np.array([(0.0, 0.08), (0.35, 1.0), (0.7, 0.7), (1.0, 0.05)])
    y, half = stations[:, 0] * length, stations[:, 1] * width / 2
    z = -bend * length * stations[:, 0] ** 2
    corners = np.concatenate([np.c_[-half, y, z], np.c_[half, y, z]])
    quads = np.array([(i, i + 4, i + 5, i + 1) for i in range(3)])
    return Shape(corners, (quads,), True)


def sagging(start: Sequence[float], end: Sequence[float], sag: float, points: int = 9) -> Array:
    """Returns the path (points, 3) of a wire that hangs between two places."""
    share = np.linspace(0, 1, points)[:, None]
    path = np.asarray(start, float) * (1 - share) + np.asarray(end, float) * share
    path[:, 2] -= sag * 4 * (share * (1 - share))[:, 0]
    return path


def _turn(axis: int, angle: float) -> Array:
    first, second = [other for other in range(3) if other != axis]
    sign = -1.0 if axis == 1 else 1.0
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -sign * np.sin(angle), sign * np.sin(angle)
    return matrix


def _between_rings(rings: int, sides: int) -> Faces:
    start = (np.arange(rings - 1) * sides)[:, None]
    ring = np.arange(sides)[None]
    following = (ring + 1) % sides
    return np.stack([start + ring, start + following, start + following + sides, start + ring + sides], -1).reshape(
        -1, 4
    )
