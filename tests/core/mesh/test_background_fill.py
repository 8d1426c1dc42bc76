# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.mesh.background_fill import fill_background
from mono3d_addon.core.mesh.grid import build_grid
from tests.core import scenes

RED, GREEN = (220, 30, 20), (30, 180, 60)


def square(rows: int = 60, columns: int = 80, near: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns depth and photo of a red square in front of a green wall at 4 m."""
    depth = np.full((rows, columns), 4.0, np.float32)
    pixels = np.full((rows, columns, 3), GREEN, np.uint8)
    inside = (slice(rows // 3, 2 * rows // 3), slice(columns // 3, 2 * columns // 3))
    depth[inside], pixels[inside] = near, RED
    return depth, pixels


def test_the_wall_goes_on_behind_the_square_in_its_own_colour() -> None:
    depth, pixels = square()
    view = scenes.camera(80, 60)
    found = fill_background(depth, view, pixels, 0.04)
    assert found is not None
    assert np.allclose(found.mesh.vertices[:, 2], 4.0, atol=1e-4)
    assert np.abs(found.mesh.colors.astype(int) - np.array(GREEN)).max() <= 1
    assert np.allclose(found.mesh.normals, [0, 0, -1], atol=1e-3)


def test_its_texture_coordinates_are_projections_and_its_texture_is_right_there() -> None:
    depth, pixels = square()
    view = scenes.camera(80, 60)
    found = fill_background(depth, view, pixels, 0.04)
    assert found is not None
    assert np.abs(found.mesh.uv - view.uv(found.mesh.vertices)).max() < 1e-6
    column = np.rint(found.mesh.uv[:, 0] * 80 - 0.5).astype(int)
    row = np.rint((1 - found.mesh.uv[:, 1]) * 60 - 0.5).astype(int)
    assert np.array_equal(found.texture[row, column], found.mesh.colors)


def test_no_hole_is_left_for_a_camera_that_moves() -> None:
    """The fill covers the part of the wall that the square occludes, and is connected to the rim of the wall."""
    depth, pixels = square()
    view = scenes.camera(80, 60)
    front = build_grid(depth, view, pixels, 0.04).mesh(view)
    found = fill_background(depth, view, pixels, 0.04)
    assert found is not None
    on_wall = {tuple(place) for place in front.vertices[front.vertices[:, 2] > 3].round(4).tolist()}
    shared = [tuple(place) in on_wall for place in found.mesh.vertices.round(4).tolist()]
    assert sum(shared) >= 2 * (20 + 26), "the layer is not joined to the rim"
    assert len(found.mesh.vertices) - sum(shared) > 300


@limits(max_examples=20)
@given(st.integers(0, 2**31), st.integers(0, 3))
def test_it_never_comes_out_in_front(seed: int, trim: int) -> None:
    random = np.random.default_rng(seed)
    depth = np.full((40, 50), 6.0, np.float32)
    for _ in range(4):
        row, column = random.integers(0, 30, 2)
        depth[row : row + 10, column : column + 12] = random.uniform(1, 5)
    pixels = random.integers(0, 256, (40, 50, 3), np.uint8)
    view = scenes.camera(50, 40)
    found = fill_background(depth, view, pixels, 0.04, trim=trim)
    if found is None:
        return
    column = np.rint(found.mesh.uv[:, 0] * 50 - 0.5).astype(int)
    row = np.rint((1 - found.mesh.uv[:, 1]) * 40 - 0.5).astype(int)
    assert (found.mesh.vertices[:, 2] >= depth[row, column] * 0.9999).all()
    assert np.isfinite(found.mesh.vertices).all() and np.isfinite(found.mesh.normals).all()
    a, b, c = (found.mesh.vertices[found.mesh.triangles[:, corner]] for corner in range(3))
    assert ((np.cross(b - a, c - a) * a).sum(1) < 0).all()


@pytest.mark.parametrize("tear", [0.0, 2.0])
def test_without_tears_there_is_nothing_behind(tear: float) -> None:
    depth, pixels = square()
    assert fill_background(depth, scenes.camera(80, 60), pixels, tear) is None


def test_a_floor_under_a_thing_ends_at_the_contact() -> None:
    view = scenes.camera(160, 120)
    floor = np.minimum(scenes.plane_depth(view, (0, 1, 0), 1.0), 8.0).astype(np.float32)
    depth = floor.copy()
    depth[50:100, 60:100] = floor[100, 80]
    pixels = np.full((120, 160, 3), GREEN, np.uint8)
    pixels[50:100, 60:100] = RED
    found = fill_background(depth, view, pixels, 0.04)
    assert found is not None
    row = np.rint((1 - found.mesh.uv[:, 1]) * 120 - 0.5).astype(int)
    column = np.rint(found.mesh.uv[:, 0] * 160 - 0.5).astype(int)
    off = np.abs(found.mesh.vertices[:, 2] / floor[row, column] - 1)
    assert np.median(off) < 0.05


def test_colours_and_depth_behind_are_a_smooth_membrane() -> None:
    """Linear gradients around an object continue linearly behind it, without streaks."""
    depth, pixels = square(300, 400, near=1.0)
    view = scenes.camera(400, 300)
    slope = np.linspace(60, 200, 400)
    wall = depth > 2
    pixels[wall] = np.broadcast_to(np.stack([slope, 255 - slope, slope], axis=1), (300, 400, 3))[wall].astype(np.uint8)
    depth = np.where(wall, 1 / np.linspace(0.2, 0.3, 300, dtype=np.float32)[:, None], depth)
    found = fill_background(depth, view, pixels, 0.04)
    assert found is not None
    hole = (slice(110, 190), slice(145, 255))
    assert np.abs(found.texture[hole][..., 0].astype(float) - slope[hole[1]]).max() < 4
    row = (1 - found.mesh.uv[:, 1]) * 300 - 0.5
    expected = 1 / np.interp(row, np.arange(300), np.linspace(0.2, 0.3, 300))
    assert np.abs(found.mesh.vertices[:, 2] / expected - 1).max() < 0.02
