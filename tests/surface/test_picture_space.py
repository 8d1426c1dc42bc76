# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture space: conversion in both directions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.surface.picture_space import PictureSpace
from tests.surface import results


@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1e6), st.floats(0.1, 20))
def test_points_and_normals_come_back(seed: int, scale: float, cell: float) -> None:
    random = np.random.default_rng(seed)
    points = (random.uniform([-1, -1, 0.5], [1, 1, 9], (20, 3)) * scale).astype(np.float32)
    normals = random.normal(size=(20, 3))
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    space = PictureSpace(results.view(), cell, scale)
    points_back = space.points_to_camera(space.points_to_picture(points))
    normals_back = space.normals_to_camera(points, space.normals_to_picture(points, normals))
    np.testing.assert_allclose(points_back, points, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(normals_back, normals, atol=1e-4)


def test_a_normal_stays_at_right_angles_to_its_surface() -> None:
    """The mapping bends planes, but the tangents stay perpendicular to the mapped normal."""
    space = PictureSpace(results.view(), 2.0, 3.0)
    normal, point = np.array([[0.2, -0.5, -1.0]], np.float32), np.array([[0.7, 0.4, 2.5]], np.float32)
    step = 1e-3
    inside = space.normals_to_picture(point, normal / np.linalg.norm(normal))
    for tangent in (np.cross(normal, [[1.0, 0, 0]]), np.cross(normal, [[0, 1.0, 0]])):
        ends = [np.asarray(point + side * step * tangent, np.float32) for side in (1, -1)]
        moved = space.points_to_picture(ends[0]) - space.points_to_picture(ends[1])
        assert abs(float((moved * inside).sum()) / np.linalg.norm(moved)) < 1e-3


def test_neighbours_on_a_wall_are_one_unit_apart_near_and_far() -> None:
    camera = results.view()
    for distance in (0.01, 3.0, 5000.0):
        points = camera.back_project(np.full((60, 80), distance, np.float32))
        positions = PictureSpace(camera, 2.0, 3.0).points_to_picture(points)
        np.testing.assert_allclose(positions[1] - positions[0], [1, 0, 0], atol=1e-3)


def test_a_step_of_one_footprint_along_the_view_is_one_unit() -> None:
    camera = results.view()
    space = PictureSpace(camera, 2.0, 3.0)
    footprint = 4.0 * 2.0 / camera.fx
    near, far = space.points_to_picture(np.array([[0, 0, 4.0], [0, 0, 4.0 + footprint]], np.float32))
    assert abs((far - near)[2] - 1) < 0.02
