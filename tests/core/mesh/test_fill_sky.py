# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.maps.sky_colors import RIM, rim_of
from mono3d_addon.core.mesh.background_fill import BackgroundFill
from mono3d_addon.core.mesh.fill_reach import MOST_REACH
from mono3d_addon.core.mesh.fill_sky import fill_before_sky
from mono3d_addon.core.mesh.grid import Grid, grid_of, torn_triangles
from mono3d_addon.core.mesh.mixed_rims import without
from mono3d_addon.core.mesh.torn_map import TornMap
from tests.core import scenes
from tests.core.mesh.side_view import covered_share

TEAR, SKY = 0.04, 24.0
BLUE = (120, 160, 230)

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]


def tower(rows: int = 60, columns: int = 80) -> Scene:
    """Returns depth, photo and sky of a dark tower at 3 m and ground at 6 m before a blue sky, with mixed outlines."""
    depth = np.full((rows, columns), SKY, np.float32)
    depth[40:], depth[20:, 30:45] = 6.0, 3.0
    sky = depth == SKY
    pixels = np.where(sky[..., None], BLUE, (30, 40, 20)).astype(np.uint8)
    pixels[19, 30:45] = pixels[19:40, 29] = pixels[19:40, 45] = pixels[39, :29] = pixels[39, 46:] = (75, 100, 125)
    return depth, pixels, sky


def ragged(seed: int, rows: int = 40, columns: int = 50) -> Scene:
    """Returns a ridge of random height and random boxes before the sky."""
    random = np.random.default_rng(seed)
    depth = np.full((rows, columns), SKY, np.float32)
    ridge = np.clip(25 + np.cumsum(random.integers(-2, 3, columns)), 10, rows - 3)
    depth[np.arange(rows)[:, None] >= ridge] = 6.0
    for _ in range(3):
        row, column = random.integers(0, rows - 10), random.integers(0, columns - 12)
        depth[row : row + 10, column : column + 12] = random.uniform(1, 5)
    return depth, random.integers(0, 256, (rows, columns, 3), np.uint8), depth == SKY


def made(scene: Scene) -> tuple[Camera, Grid, BackgroundFill]:
    depth, pixels, sky = scene
    view = scenes.camera(depth.shape[1], depth.shape[0])
    triangles = torn_triangles(depth, TEAR, 0.0, None)
    grid = without(grid_of(triangles, depth, view, pixels, TEAR, 0), rim_of(sky))
    torn = TornMap(triangles, depth, TEAR)
    found = fill_before_sky(torn, torn.without_sky(sky), view, pixels, sky)
    assert found is not None
    return view, grid, found


def far_part(found: BackgroundFill) -> np.ndarray:
    return np.asarray(found.mesh.vertices[:, 2] > 0.9 * SKY)


def test_the_sky_goes_on_behind_the_tower_in_its_own_colour() -> None:
    _, grid, found = made(tower())
    far = far_part(found)
    assert np.allclose(found.mesh.vertices[far, 2], SKY, rtol=1e-3)
    assert np.abs(found.mesh.colors[far].astype(int) - np.array(BLUE)).max() <= 3, "without the outline's colour"
    seen = grid.colors[grid.connected & (grid.points[:, 2] > 0.9 * SKY)]
    assert (seen == BLUE).all()
    hidden = far & (np.abs(found.mesh.uv[:, 0] * 80 - 37.5) < 7)
    assert hidden.any(), "behind the tower"


def test_the_sky_goes_on_down_to_the_frame_of_the_photo() -> None:
    sky = tower()[2]
    view, _, found = made(tower())
    far = far_part(found)
    column, row = (found.mesh.uv[far, 0] * 80).astype(int), ((0.5 - found.mesh.uv[far, 1]) * 120).astype(int)
    assert row.max() == 59 and {0, 79} <= set(column[row == 59].tolist()), "as straight as the photo's own border"
    assert covered_share([found.mesh], view, 2.0, 0.0, 0.0) > 0.99 * (~sky).mean()


def test_the_sky_ends_in_a_level_line_below_what_a_moved_camera_sees() -> None:
    depth, pixels, sky = tower(rows=60)
    parts = (np.repeat(part[-1:], 90, axis=0) for part in (depth, pixels, sky))
    depth, pixels, sky = (np.concatenate(pair) for pair in zip((depth, pixels, sky), parts, strict=True))
    view, grid, found = made((depth, pixels, sky))
    row = (0.5 - found.mesh.uv[far_part(found), 1]) * 300
    columns = found.mesh.uv[far_part(found)][row > row.max() - 0.5, 0] * 80
    assert 50 < row.max() < 100 and columns.min() < 1 and columns.max() > 79
    front = [grid.mesh(view), found.mesh]
    assert covered_share(front, view, 6.0, 0.0, 2.0) > covered_share(front, view, 6.0, 0.0, 0.0) - 0.02


def test_the_sky_of_an_upright_photo_reaches_as_far_down_as_the_fill() -> None:
    depth = np.full((160, 60), SKY, np.float32)
    depth[60:], depth[60:72] = 4.0, 1.0
    sky = depth == SKY
    _, _, found = made((depth, np.where(sky[..., None], BLUE, (30, 40, 20)).astype(np.uint8), sky))
    row = (0.5 - found.mesh.uv[far_part(found), 1]) * 320
    assert 60 + MOST_REACH * 160 - 3 < row.max() < 160


def test_a_floor_does_not_rise_behind_a_man_before_the_sky() -> None:
    rows, columns, horizon = 100, 120, 50
    row = np.arange(rows)[:, None]
    depth = np.where(row > horizon, np.minimum(160 / np.maximum(row - horizon, 1), 12), SKY).astype(np.float32)
    depth = np.repeat(depth, columns, axis=1)
    depth[20:90, 50:70] = 3.0
    sky = depth == SKY
    _, _, found = made((depth, np.where(sky[..., None], BLUE, (90, 120, 40)).astype(np.uint8), sky))
    front = ~far_part(found)
    top = (1 - found.mesh.uv[front, 1]) * 2 * rows
    assert front.any() and top.min() > horizon - 6, "the sky is there"


def test_texture_and_vertex_colours_agree() -> None:
    view, _, found = made(tower())
    assert found.texture.shape == (120, 80, 3), "what is before the sky above, the sky below"
    column = np.rint(found.mesh.uv[:, 0] * 80 - 0.5).astype(int)
    row = np.rint((1 - found.mesh.uv[:, 1]) * 120 - 0.5).astype(int)
    np.testing.assert_array_equal(found.texture[row, column], found.mesh.colors)
    half = np.where(far_part(found), 0.0, 0.5)
    expected = view.uv(found.mesh.vertices) * (1.0, 0.5) + np.stack([np.zeros_like(half), half], axis=1)
    assert np.abs(found.mesh.uv - expected).max() < 1e-6, "projections, half as high"


@limits(max_examples=6, deadline=None)
@given(st.integers(0, 2**31))
def test_there_is_no_gap_in_the_photos_own_view(seed: int) -> None:
    scene = ragged(seed)
    view, grid, found = made(scene)
    assert covered_share([grid.mesh(view), found.mesh], view, 4.0, 0.0, 0.0) > 0.9995


@pytest.mark.parametrize("right", [-8.0, 8.0])
def test_from_the_side_the_sky_has_no_hole(right: float) -> None:
    view, grid, found = made(tower())
    front = covered_share([grid.mesh(view)], view, 6.0, right, 0.0)
    whole = covered_share([grid.mesh(view), found.mesh], view, 6.0, right, 0.0)
    assert whole > front + 0.02


def test_only_the_rim_of_the_sky_is_left_out_of_the_grid() -> None:
    depth, pixels, sky = tower()
    view = scenes.camera(80, 60)
    whole = grid_of(torn_triangles(depth, TEAR, 0.0, None), depth, view, pixels, TEAR, 0)
    rest = without(whole, rim_of(sky))
    lost = (whole.connected & ~rest.connected).reshape(60, 80)
    assert lost.any() and not lost[~sky].any() and not lost[: 20 - RIM - 1].any()


def test_a_sky_alone_has_nothing_behind() -> None:
    depth, pixels = np.full((20, 30), SKY, np.float32), np.zeros((20, 30, 3), np.uint8)
    triangles = torn_triangles(depth, TEAR, 0.0, None)
    sky = np.ones((20, 30), bool)
    torn = TornMap(triangles, depth, TEAR)
    assert fill_before_sky(torn, torn.without_sky(sky), scenes.camera(30, 20), pixels, sky) is None
