# SPDX-License-Identifier: GPL-3.0-or-later
"""A renderer decodes the normals of the full depth map from the normal map."""

from __future__ import annotations

import numpy as np

from mono3d_addon.core.mesh.adaptive import adaptive_triangles
from mono3d_addon.core.mesh.grid import Grid, build_grid
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.mesh.normal_map import normal_map, tangents
from mono3d_addon.core.mesh.normals import vertex_normals
from mono3d_addon.core.mesh.raster import cover
from tests.core import scenes

SHAPE = (120, 160)


def coarse(grid: Grid) -> Mesh:
    view = scenes.camera(320, 240)
    triangles = adaptive_triangles(grid, *SHAPE, 1500)
    used, numbers = np.unique(triangles, return_inverse=True)
    triangles = numbers.reshape(-1, 3).astype(np.int32)
    places = grid.points[used]
    return Mesh(places, triangles, view.uv(places), grid.colors[used], vertex_normals(places, triangles))


def bumpy() -> Grid:
    view = scenes.camera(320, 240)
    small = scenes.camera(160, 120)
    down, right = np.mgrid[:120, :160]
    depth = scenes.room(small) * (1 + 0.003 * np.sin(down) * np.sin(right))
    return build_grid(depth.astype(np.float32), view, np.zeros((240, 320, 3), np.uint8), 0.04)


def test_decoded_normals_are_those_of_the_depth_map() -> None:
    """Decoded as specified by glTF 2.0 (3.9.3): normal = T x + B y + N z with B = cross(N, T) w."""
    grid = bumpy()
    mesh = coarse(grid)
    view = scenes.camera(320, 240)
    picture = normal_map(mesh, grid, SHAPE, view).reshape(-1, 3)
    frame = tangents(mesh)
    assert (frame[:, 3] == 1).all()
    np.testing.assert_allclose((frame[:, :3] * mesh.normals).sum(axis=1), 0, atol=1e-5)
    found = np.zeros((SHAPE[0] * SHAPE[1], 3))
    for part in cover(view.project(mesh.vertices).astype(np.float64) / 2, mesh.triangles, *SHAPE):
        corners = mesh.triangles[part.triangle]
        weights = part.weights / mesh.vertices[corners][..., 2]
        weights /= weights.sum(axis=1, keepdims=True)
        out = (weights[..., None] * mesh.normals[corners]).sum(axis=1)
        right = (weights[..., None] * frame[corners][..., :3]).sum(axis=1)
        out, right = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (out, right))
        values = picture[part.cell] / 127.5 - 1.0
        normal = right * values[:, :1] + np.cross(out, right) * values[:, 1:2] + out * values[:, 2:]
        found[part.cell] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((found * grid.normals).sum(axis=1), -1, 1)))[grid.connected]
    assert np.median(angle) < 1.0
    assert np.quantile(angle, 0.97) < 10.0
    plain = np.degrees(np.arccos(np.clip((interpolated(mesh) * grid.normals).sum(axis=1), -1, 1)))[grid.connected]
    assert np.median(angle) < 0.3 * np.median(plain), "the map adds what the mesh has lost"


def interpolated(mesh: Mesh) -> np.ndarray:
    result = np.zeros((SHAPE[0] * SHAPE[1], 3))
    places = scenes.camera(320, 240).project(mesh.vertices).astype(np.float64) / 2
    for part in cover(places, mesh.triangles, *SHAPE):
        normal = (part.weights[..., None] * mesh.normals[mesh.triangles[part.triangle]]).sum(axis=1)
        result[part.cell] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return result


def test_red_is_right_and_green_is_up() -> None:
    view = scenes.camera(160, 120)
    flat = build_grid(np.full((120, 160), 3.0, np.float32), view, np.zeros((120, 160, 3), np.uint8), 0.0)
    mesh = flat.mesh(view)
    tilted = np.array([0.3, -0.6, -1.0], np.float32)
    leaning = Grid(
        flat.points, np.tile(tilted / np.linalg.norm(tilted), (len(flat.points), 1)), flat.colors, flat.triangles
    )
    red, green, blue = normal_map(mesh, leaning, (120, 160), view)[60, 80].astype(int)
    assert red > 150 and green > 180 and blue > 200
    assert tuple(normal_map(mesh, flat, (120, 160), view)[60, 80]) == (128, 128, 255)
