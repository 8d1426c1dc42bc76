# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of a floor, a wall and a sphere with exact depth, and small results for export."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.grid import Grid, build_grid
from mono3d_addon.core.mesh.mesh import Mesh, PointCloud
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.settings import Settings

BALL = np.array([0.3, 0.2, 3.0])
RADIUS = 0.7
WALL = 5.0
FLOOR = 1.0


def quiet(stage: str, fraction: float) -> None:
    assert stage
    assert 0.0 <= fraction <= 1.0


def view(width: int = 160, height: int = 120) -> Camera:
    return Camera.from_field_of_view(width, height, math.radians(55), "test")


def room(camera: Camera) -> np.ndarray:
    """Returns the exact depth of the scene, float32 (height, width)."""
    a = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    b = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
    rays = np.stack([*np.meshgrid(a, b), np.ones((camera.height, camera.width))], axis=2)
    along, square = rays @ BALL, (rays**2).sum(axis=2)
    root = along**2 - square * (BALL @ BALL - RADIUS**2)
    ball = np.where(root >= 0, (along - np.sqrt(np.maximum(root, 0))) / square, np.inf)
    floor = np.where(rays[..., 1] > 0, FLOOR / np.maximum(rays[..., 1], 1e-9), np.inf)
    return np.minimum(np.minimum(floor, WALL), ball).astype(np.float32)


def error(points: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Returns the distance of `points` to the nearest part of the scene, relative to their distance."""
    at = points / scale
    ball = np.abs(np.linalg.norm(at - BALL, axis=1) - RADIUS)
    return np.minimum(np.minimum(np.abs(at[:, 1] - FLOOR), np.abs(at[:, 2] - WALL)), ball) / np.linalg.norm(at, axis=1)


def picture(camera: Camera) -> np.ndarray:
    """Returns a smooth picture, uint8 (height, width, 3): red grows to the right, green downwards."""
    row, column = np.mgrid[: camera.height, : camera.width]
    planes = [column * 255 / camera.width, row * 255 / camera.height, np.full(row.shape, 90.0)]
    return np.stack(planes, axis=2).astype(np.uint8)


def grid(camera: Camera, scale: float = 1.0, tear: float = 0.04) -> Grid:
    return build_grid(room(camera) * np.float32(scale), camera, picture(camera), tear, 0.001)


def random_mesh(seed: int, count: int, triangles: int) -> Mesh:
    random = np.random.default_rng(seed)
    normals = random.normal(size=(count, 3))
    return Mesh(
        random.normal(size=(count, 3)).astype(np.float32),
        random.integers(0, count, (triangles, 3)).astype(np.int32),
        random.random((count, 2)).astype(np.float32),
        random.integers(0, 256, (count, 3), np.uint8),
        (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32),
    )


def result(folder: Path, mesh: Mesh | None = None, cloud: PointCloud | None = None, **settings: Any) -> Reconstruction:
    """Returns a result whose photo lies in `folder`."""
    camera = view(64, 48)
    texture = folder / "texture.png"
    Image.fromarray(picture(camera)).save(texture)
    depth = room(camera)
    return Reconstruction(
        name="Café Ω one",
        photo=folder / "Café Ω one.jpg",
        texture=texture,
        camera=camera,
        settings=Settings(**settings),
        disparity=np.asarray(1 / depth, np.float32),
        depth=depth,
        mesh=mesh or grid(camera).mesh(camera),
        cloud=cloud,
    )
