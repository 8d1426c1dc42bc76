# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.camera.camera import Camera
from tests.core import scenes

CAMERAS = st.builds(
    Camera,
    st.integers(16, 500),
    st.integers(16, 500),
    st.floats(50, 2000),
    st.floats(50, 2000),
    st.floats(0, 500),
    st.floats(0, 500),
    st.just("test"),
)


@given(CAMERAS, st.integers(2, 30), st.integers(2, 30), st.integers(0, 2**31))
def test_projection_undoes_back_projection_at_pixel_centres(view: Camera, rows: int, columns: int, seed: int) -> None:
    depth = np.random.default_rng(seed).uniform(0.5, 20.0, (rows, columns)).astype(np.float32)
    points = view.back_project(depth)
    assert points.dtype == np.float32 and np.array_equal(points[:, 2], depth.ravel())
    pixels = view.project(points).reshape(rows, columns, 2)
    u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    assert np.allclose(pixels[..., 0], u * view.width, atol=2e-3)
    assert np.allclose(pixels[..., 1], v * view.height, atol=2e-3)
    uv = view.uv(points).reshape(rows, columns, 2)
    assert np.allclose(uv[..., 0], u, atol=1e-4) and np.allclose(uv[..., 1], 1.0 - v, atol=1e-4)


@given(st.integers(16, 10000), st.integers(16, 10000), st.floats(1.0, 160.0))
def test_field_of_view_is_across_the_longer_side(width: int, height: int, degrees: float) -> None:
    view = Camera.from_field_of_view(width, height, math.radians(degrees), "test")
    assert math.degrees(view.field_of_view) == pytest.approx(degrees)
    assert view.fx == view.fy
    edge = np.array([[math.tan(math.radians(degrees) / 2), 0.0, 1.0]], dtype=np.float32)
    if width >= height:
        assert view.project(edge)[0, 0] == pytest.approx(width, rel=1e-5)


def test_a_point_right_and_below_lands_right_and_below() -> None:
    view = scenes.camera()
    pixel = view.project(np.array([[0.1, 0.2, 1.0]], dtype=np.float32))[0]
    assert pixel[0] > view.cx and pixel[1] > view.cy
