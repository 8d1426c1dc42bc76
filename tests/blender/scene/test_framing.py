# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview's view contains all points, from no farther than needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.blender.scene.framing import View, frame_points, orbit_axes

MARGIN = 0.05


def in_picture(view: View, points: np.ndarray) -> np.ndarray:
    """Returns the positions of the points in units of half the picture, (n, 2): -1..1 is inside."""
    local = (points - view.position) @ view.axes.T
    assert (local[:, 2] < 1e-6).all(), "behind the camera"
    return np.asarray(local[:, :2] / -local[:, 2:] / view.tangents)


@given(st.integers(0, 10_000), st.floats(-1.0, 1.0), st.floats(-0.8, 0.8), st.floats(0.2, 1.5), st.floats(0.2, 1.5))
def test_all_points_are_inside_and_some_at_the_edge(
    seed: int, sideways: float, above: float, wide: float, high: float
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(50, 3)).astype(np.float32) * rng.uniform(0.1, 10, 3).astype(np.float32)
    view = frame_points(points, orbit_axes(sideways, above), (wide, high), MARGIN)
    # With a wide lens one point alone may hold the eye back, at the eye itself, where it has no place in the picture.
    apart = np.linalg.norm(points - view.position, axis=1) > 1e-4
    places = np.abs(in_picture(view, points[apart]))
    assert places.max() <= 1 - MARGIN + 1e-3
    assert places.max() >= 1 - MARGIN - 1e-3 or not apart.all()


def test_without_an_orbit_it_is_the_photo_camera() -> None:
    tangents = (0.5, 0.4)
    corners = np.array(
        [[x * tangents[0] * z, z, y * tangents[1] * z] for x in (-1, 1) for y in (-1, 1) for z in (1, 5)]
    )
    view = frame_points(corners.astype(np.float32), orbit_axes(0.0, 0.0), tangents, 0.0)
    np.testing.assert_allclose(view.position, 0.0, atol=1e-5)
    np.testing.assert_allclose(view.axes, [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)


def test_it_moves_to_the_right_and_up() -> None:
    axes = orbit_axes(math.radians(20), math.radians(10))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    assert axes[2, 0] > 0 > axes[2, 1] and axes[2, 2] > 0, "not to the right of, in front of and above the scene"
    assert axes[0, 2] == 0 and axes[1, 2] > 0, "tilted"
