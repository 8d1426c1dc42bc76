# SPDX-License-Identifier: GPL-3.0-or-later
"""Normals of grids and meshes, compared with exact surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.mesh.normals import grid_normals, unit, vertex_normals
from tests.core import scenes


def degrees_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((one * other).sum(axis=1), -1, 1)))


def test_normals_of_a_plane_are_exact_everywhere_even_at_the_borders() -> None:
    view = scenes.camera()
    normal = np.array([0.3, 0.5, 1.0]) / np.linalg.norm([0.3, 0.5, 1.0])
    depth = scenes.plane_depth(view, tuple(normal), 2.0).astype(np.float32)
    found = grid_normals(depth, view, 0.0)
    assert found.dtype == np.float32
    assert found.shape == (depth.size, 3)
    assert degrees_between(found, -normal).max() < 0.2


def test_normals_of_a_sphere_are_close_and_face_the_camera() -> None:
    view = scenes.camera(320, 240)
    centre = (0.3, 0.2, 3.0)
    depth = scenes.sphere_depth(view, centre, 0.7).astype(np.float32)
    hit = np.isfinite(depth).ravel()
    points = view.back_project(np.where(np.isfinite(depth), depth, 1).astype(np.float32))[hit]
    found = grid_normals(depth, view, 0.04)[hit]
    true = (points - np.array(centre)) / 0.7
    error = degrees_between(found, true)
    assert np.median(error) < 0.3
    assert np.quantile(error, 0.95) < 2.0
    assert ((found * points).sum(axis=1) < 0).all()


def test_a_jump_does_not_bend_the_normals_beside_it() -> None:
    view = scenes.camera(64, 48)
    depth = np.full((48, 64), 5.0, np.float32)
    depth[:, 32:] = 2.0
    torn = grid_normals(depth, view, 0.04)
    np.testing.assert_allclose(torn, np.tile([0, 0, -1], (depth.size, 1)), atol=1e-4)
    connected = grid_normals(depth, view, 0.0).reshape(48, 64, 3)
    assert abs(connected[20, 32, 0]) > 0.5


def test_unknown_depth_and_lone_points_look_along_the_axis() -> None:
    view = scenes.camera(8, 6)
    depth = np.full((6, 8), np.nan, np.float32)
    depth[2, 3] = 1.0
    depth[4, 5] = -1.0
    np.testing.assert_array_equal(grid_normals(depth, view, 0.04), np.tile([0, 0, -1], (48, 1)))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_normals_do_not_depend_on_the_size_of_the_scene(scale: float) -> None:
    view = scenes.camera(40, 30)
    depth = scenes.room(view).astype(np.float32)
    np.testing.assert_allclose(
        grid_normals(depth * np.float32(scale), view, 0.04), grid_normals(depth, view, 0.04), atol=2e-4
    )


def test_vertex_normals_are_weighted_by_area() -> None:
    vertices = np.array([[0, 0, 1], [0, 3, 1], [3, 0, 1], [0, 0, 2]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 3, 1]], np.int32)
    found = vertex_normals(vertices, triangles)
    np.testing.assert_allclose(found[2], [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(found[0], np.array([-3.0, 0, -9.0]) / np.sqrt(90), atol=1e-6)


def test_vertices_without_an_area_look_to_the_camera() -> None:
    vertices = np.array([[3, 0, 4], [0, 0, 0], [6, 0, 8]], np.float32)
    found = vertex_normals(vertices, np.array([[0, 2, 0]], np.int32))
    np.testing.assert_allclose(found, [[-0.6, 0, -0.8], [0, 0, -1], [-0.6, 0, -0.8]], atol=1e-6)  # type: ignore[arg-type]
    assert vertex_normals(np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)).shape == (0, 3)


@given(st.floats(1e-12, 1e12), st.integers(0, 2**32 - 1))
def test_vertex_normals_do_not_depend_on_the_scale(scale: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    # A height field, whose normals cannot cancel out.
    row, column = np.divmod(np.arange(12), 4)
    vertices = np.stack([column, row, random.normal(size=12)], axis=1).astype(np.float32)
    first = np.array([0, 1, 2, 4, 5, 6], np.int32)[:, None]
    triangles = np.concatenate([first + np.array([0, 4, 1], np.int32), first + np.array([1, 4, 5], np.int32)])
    found = vertex_normals(vertices * np.float32(scale), triangles)
    np.testing.assert_allclose(found, vertex_normals(vertices, triangles), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_unit_keeps_tiny_vectors() -> None:
    np.testing.assert_allclose(unit(np.array([[3e-30, 4e-30, 0]], np.float32)), [[0.6, 0.8, 0]], atol=1e-6)
