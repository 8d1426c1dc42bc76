# SPDX-License-Identifier: GPL-3.0-or-later
"""A small ray caster with exact depth, normals and colours: the ground truth for geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera

Array = NDArray[np.float32]
Paint = Callable[[Array], Array]
"""Colour, float32 (n, 3) in 0..1, of places on a surface, float32 (n, 3) in the shape's own frame."""

_NEVER = np.float32(np.inf)
_LIGHT = np.array([-0.45, -0.75, -0.5], np.float32)
_AMBIENT = 0.45
_NOISE = 0.008


@dataclass(frozen=True)
class Hit:
    """Where rays meet a shape: `depth` float32 (n,), inf for never; `normals` and own `places` float32 (n, 3)."""

    depth: Array
    normals: Array
    places: Array


class Shape(Protocol):
    """A shape that rays from the origin, float32 (n, 3) with z = 1, can intersect."""

    def hit(self, rays: Array) -> Hit: ...


@dataclass(frozen=True)
class Plane:
    """All points with `normal . p = distance`."""

    normal: tuple[float, float, float]
    distance: float

    def hit(self, rays: Array) -> Hit:
        normal = np.array(self.normal, np.float32)
        normal /= np.linalg.norm(normal)
        slope = rays @ normal
        depth = np.divide(np.float32(self.distance), slope, out=np.full(len(rays), _NEVER), where=slope > 1e-6)
        facing = np.broadcast_to(-normal, rays.shape)
        return Hit(depth, facing, rays * np.where(np.isfinite(depth), depth, 0)[:, None])


@dataclass(frozen=True)
class Sphere:
    """A ball."""

    centre: tuple[float, float, float]
    radius: float

    def hit(self, rays: Array) -> Hit:
        middle = np.array(self.centre, np.float32)
        square, along = np.einsum("ij,ij->i", rays, rays), rays @ middle
        root = along**2 - square * np.float32(middle @ middle - self.radius**2)
        met = root > 0
        depth = np.where(met, (along - np.sqrt(np.where(met, root, 0))) / square, _NEVER).astype(np.float32)
        places = rays * np.where(met, depth, 0)[:, None] - middle
        return Hit(depth, (places / np.float32(self.radius)).astype(np.float32), places)


@dataclass(frozen=True)
class Box:
    """A box of full `size` about `centre`, turned about the vertical by `yaw` and then tilted by `pitch`, radians."""

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0

    def hit(self, rays: Array) -> Hit:
        turn = _turn(self.yaw, self.pitch)
        directions, start = rays @ turn, -np.array(self.centre, np.float32) @ turn
        half = np.array(self.size, np.float32) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (-half - start) / directions, (half - start) / directions
        near, far = np.minimum(one, other), np.maximum(one, other)
        enter = near.max(axis=1)
        met = (enter < far.min(axis=1)) & (enter > 0)
        axis = near.argmax(axis=1)
        normals = np.zeros_like(rays)
        normals[np.arange(len(rays)), axis] = -np.sign(directions[np.arange(len(rays)), axis])
        depth = np.where(met, enter, _NEVER).astype(np.float32)
        places = start + directions * np.where(met, depth, 0)[:, None]
        return Hit(depth, (normals @ turn.T).astype(np.float32), places.astype(np.float32))


@dataclass(frozen=True)
class Pole:
    """An upright round pole about (x, z) from the height `top` down to `bottom` (y is down)."""

    x: float
    z: float
    radius: float
    top: float
    bottom: float

    def hit(self, rays: Array) -> Hit:
        flat = rays[:, [0, 2]]
        middle = np.array([self.x, self.z], np.float32)
        square, along = np.einsum("ij,ij->i", flat, flat), flat @ middle
        root = along**2 - square * np.float32(middle @ middle - self.radius**2)
        met = root > 0
        depth = np.where(met, (along - np.sqrt(np.where(met, root, 0))) / square, _NEVER).astype(np.float32)
        height = rays[:, 1] * np.where(met, depth, 0)
        met &= (height > self.top) & (height < self.bottom)
        depth = np.where(met, depth, _NEVER)
        places = rays * np.where(met, depth, 0)[:, None] - np.array([self.x, 0, self.z], np.float32)
        normals = places * np.array([1, 0, 1], np.float32) / np.float32(self.radius)
        return Hit(depth, normals, places)


def _turn(yaw: float, pitch: float) -> Array:
    c, s, d, t = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    about_x = np.array([[1, 0, 0], [0, d, -t], [0, t, d]])
    return (about_y @ about_x).astype(np.float32)


@dataclass(frozen=True)
class Item:
    """A shape and its colours."""

    shape: Shape
    paint: Paint


@dataclass(frozen=True)
class Truth:
    """What a camera sees of a scene, all (height, width): exact values at the centre of each pixel.

    depth    float32, metres along z
    normals  float32 (..., 3), unit length, towards the camera
    item     int, which of the scene's items it is
    pixels   uint8 (..., 3), the photo: averaged over each pixel, shaded, with a little noise
    """

    camera: Camera
    depth: Array
    normals: Array
    item: NDArray[np.int8]
    pixels: NDArray[np.uint8]


def render(items: tuple[Item, ...], camera: Camera) -> Truth:
    """Returns what `camera` sees of `items`; every ray must intersect one of them. Deterministic."""
    shape = (camera.height, camera.width)
    centre = _cast(items, _rays(camera, 0.5, 0.5))
    assert np.isfinite(centre.depth).all(), "the scene has a hole"
    light = np.zeros((camera.height * camera.width, 3), np.float32)
    for across in (0.25, 0.75):
        for down in (0.25, 0.75):
            light += _shade(items, _cast(items, _rays(camera, across, down))) / 4
    light += np.random.default_rng(7).normal(0, _NOISE, light.shape).astype(np.float32)
    pixels = np.clip(np.rint(light * 255), 0, 255).astype(np.uint8).reshape(*shape, 3)
    return Truth(
        camera, centre.depth.reshape(shape), centre.normals.reshape(*shape, 3), centre.item.reshape(shape), pixels
    )


@dataclass(frozen=True)
class _Seen:
    depth: Array
    normals: Array
    item: NDArray[np.int8]
    places: Array


def _rays(camera: Camera, across: float, down: float) -> Array:
    u = (np.arange(camera.width) + across - camera.cx) / camera.fx
    v = (np.arange(camera.height) + down - camera.cy) / camera.fy
    grid = np.meshgrid(u, v)
    return np.stack([*grid, np.ones_like(grid[0])], axis=2).reshape(-1, 3).astype(np.float32)


def _cast(items: tuple[Item, ...], rays: Array) -> _Seen:
    seen = _Seen(np.full(len(rays), _NEVER), np.zeros_like(rays), np.full(len(rays), -1, np.int8), np.zeros_like(rays))
    for number, item in enumerate(items):
        hit = item.shape.hit(rays)
        nearer = hit.depth < seen.depth
        seen.depth[nearer] = hit.depth[nearer]
        seen.normals[nearer] = hit.normals[nearer]
        seen.places[nearer] = hit.places[nearer]
        seen.item[nearer] = number
    return seen


def _shade(items: tuple[Item, ...], seen: _Seen) -> Array:
    """Returns the shaded colour of each point, float32 (n, 3)."""
    color = np.zeros_like(seen.normals)
    for number, item in enumerate(items):
        here = seen.item == number
        if here.any():
            color[here] = item.paint(seen.places[here])
    lamp = _LIGHT / np.linalg.norm(_LIGHT)
    lit = np.clip(seen.normals @ lamp, 0, 1) * np.float32(1 - _AMBIENT) + np.float32(_AMBIENT)
    return color * lit[:, None]


def depth_at(items: tuple[Item, ...], camera: Camera, places: NDArray[np.floating]) -> Array:
    """Returns the exact depth at `places`, (n, 2) in pixels from the upper left corner of the photo, float32 (n,)."""
    across = (places[:, 0] - camera.cx) / camera.fx
    down = (places[:, 1] - camera.cy) / camera.fy
    return _cast(items, np.stack([across, down, np.ones_like(across)], axis=1).astype(np.float32)).depth
