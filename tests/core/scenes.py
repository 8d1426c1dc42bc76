# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic scenes with exact depth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera


def camera(width: int = 160, height: int = 120, degrees: float = 55.0) -> Camera:
    return Camera.from_field_of_view(width, height, math.radians(degrees), "test")


def rays(view: Camera) -> NDArray[np.float64]:
    """Returns the direction (height, width, 3), z = 1, through each pixel's centre."""
    u = (np.arange(view.width) + 0.5 - view.cx) / view.fx
    v = (np.arange(view.height) + 0.5 - view.cy) / view.fy
    grid_u, grid_v = np.meshgrid(u, v)
    return np.stack([grid_u, grid_v, np.ones_like(grid_u)], axis=2)


def plane_depth(view: Camera, normal: tuple[float, float, float], distance: float) -> NDArray[np.float64]:
    """Returns the depth along z of the plane `normal . p = distance`; inf where the ray misses it."""
    slope = rays(view) @ np.array(normal, dtype=float)
    with np.errstate(divide="ignore"):
        depth = np.where(slope > 1e-9, distance / slope, np.inf)
    return depth


def sphere_depth(view: Camera, centre: tuple[float, float, float], radius: float) -> NDArray[np.float64]:
    """Returns the depth along z of the sphere's front; inf where the ray misses it."""
    direction = rays(view)
    middle = np.array(centre, dtype=float)
    a = (direction**2).sum(2)
    b = direction @ middle
    c = float(middle @ middle - radius**2)
    root = b**2 - a * c
    with np.errstate(invalid="ignore"):
        depth = (b - np.sqrt(root)) / a
    return np.where(root >= 0.0, depth, np.inf)


def room(view: Camera) -> NDArray[np.float64]:
    """Returns the depth of a scene of a floor, a back wall and a sphere, all finite."""
    floor = plane_depth(view, (0.0, 1.0, 0.0), 1.0)
    wall = plane_depth(view, (0.1, 0.0, 1.0), 5.0)
    ball = sphere_depth(view, (0.3, 0.2, 3.0), 0.7)
    return np.minimum(np.minimum(floor, wall), ball)
