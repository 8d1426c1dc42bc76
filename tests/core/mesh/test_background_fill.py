# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from PIL import Image

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.mesh.background_fill import BackgroundFill, fill_background
from mono3d_addon.core.mesh.grid import Grid, grid_of, torn_triangles
from mono3d_addon.core.mesh.torn_map import TornMap
from tests.core import scenes
from tests.core.mesh.side_view import covered_share

TEAR = 0.04
RED, GREEN = (220, 30, 20), (30, 180, 60)


def square(rows: int = 60, columns: int = 80, near: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns depth and photo of a red square in front of a green wall at 4 m."""
    depth = np.full((rows, columns), 4.0, np.float32)
    pixels = np.full((rows, columns, 3), GREEN, np.uint8)
    inside = (slice(rows // 3, 2 * rows // 3), slice(columns // 3, 2 * columns // 3))
    depth[inside], pixels[inside] = near, RED
    return depth, pixels


def boxes(seed: int, rows: int = 40, columns: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Returns depth and photo of four rectangles before a wall at 6 m, in noise."""
    random = np.random.default_rng(seed)
    depth = np.full((rows, columns), 6.0, np.float32)
    for _ in range(4):
        row, column = random.integers(0, rows - 10), random.integers(0, columns - 12)
        depth[row : row + 10, column : column + 12] = random.uniform(1, 5)
    return depth, random.integers(0, 256, (rows, columns, 3), np.uint8)


def made(
    depth: np.ndarray, pixels: np.ndarray, trim: int = 0, island: float = 0.0, valid: np.ndarray | None = None
) -> tuple[Camera, Grid, BackgroundFill | None]:
    """Returns the camera, the torn grid, and the background behind it."""
    view = scenes.camera(depth.shape[1], depth.shape[0])
    triangles = torn_triangles(depth, TEAR, island, valid)
    grid = grid_of(triangles, depth, view, pixels, TEAR, trim)
    return view, grid, fill_background(TornMap(triangles, depth, TEAR, valid), view, pixels, trim)


def filled(depth: np.ndarray, pixels: np.ndarray) -> BackgroundFill:
    found = made(depth, pixels)[2]
    assert found is not None
    return found


def cells_of(found: BackgroundFill, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns row and column of the cell under each vertex."""
    column = np.rint(found.mesh.uv[:, 0] * shape[1] - 0.5).astype(int)
    return np.rint((1 - found.mesh.uv[:, 1]) * shape[0] - 0.5).astype(int), column


def test_the_wall_goes_on_behind_the_square_in_its_own_colour() -> None:
    found = filled(*square())
    assert np.allclose(found.mesh.vertices[:, 2], 4.0, rtol=3e-3)
    assert np.abs(found.mesh.colors.astype(int) - np.array(GREEN)).max() <= 2
    assert np.allclose(found.mesh.normals, [0, 0, -1], atol=0.1)


def test_its_texture_coordinates_are_projections_and_its_texture_is_right_there() -> None:
    depth, pixels = square()
    found = filled(depth, pixels)
    assert np.abs(found.mesh.uv - scenes.camera(80, 60).uv(found.mesh.vertices)).max() < 1e-6
    assert np.array_equal(found.texture[cells_of(found, depth.shape)], found.mesh.colors)


@limits(max_examples=6)
@given(st.integers(0, 2**31), st.integers(0, 3))
def test_it_is_behind_the_front_and_never_nearer_than_the_rims(seed: int, trim: int) -> None:
    depth, pixels = boxes(seed)
    found = made(depth, pixels, trim)[2]
    if found is None:
        return
    row, column = cells_of(found, depth.shape)
    assert (found.mesh.vertices[:, 2] >= depth[row, column] * 0.9999).all()
    across, down = depth[:, 1:] / depth[:, :-1], depth[1:] / depth[:-1]
    rims = [depth[:, 1:][across > 1 + TEAR], depth[:, :-1][across < 1 / (1 + TEAR)]]
    rims += [depth[1:][down > 1 + TEAR], depth[:-1][down < 1 / (1 + TEAR)]]
    assert found.mesh.vertices[:, 2].min() >= np.concatenate(rims).min() * 0.9999
    assert np.isfinite(found.mesh.vertices).all() and np.isfinite(found.mesh.normals).all()
    a, b, c = (found.mesh.vertices[found.mesh.triangles[:, corner]] for corner in range(3))
    assert ((np.cross(b - a, c - a) * a).sum(1) < 0).all()


@limits(max_examples=6)
@given(st.integers(0, 2**31))
def test_it_stays_inside_the_photo(seed: int) -> None:
    found = made(*boxes(seed))[2]
    if found is not None:
        assert found.mesh.uv.min() >= 0 and found.mesh.uv.max() <= 1


@limits(max_examples=4)
@given(st.integers(0, 2**31), st.floats(-20, 20), st.floats(-20, 20))
def test_a_camera_that_moves_sees_no_gap(seed: int, right: float, up: float) -> None:
    """Within what the photo's frame bounds on the far wall, every ray hits the front or the fill."""
    depth, pixels = boxes(seed, 60, 80)
    depth[:8] = depth[-8:] = 6.0
    depth[:, :8] = depth[:, -8:] = 6.0
    view, grid, found = made(depth, pixels)
    meshes = [grid.mesh(view)] + ([] if found is None else [found.mesh])
    assert covered_share(meshes, view, 6.0, right, up) > 0.999


def test_without_the_fill_such_a_camera_sees_gaps() -> None:
    view, grid, found = made(*square())
    assert found is not None
    assert covered_share([grid.mesh(view)], view, 4.0, 15, 0) < 0.97
    assert covered_share([grid.mesh(view), found.mesh], view, 4.0, 15, 0) > 0.999


def test_loose_pieces_that_were_dropped_leave_no_hole() -> None:
    depth, pixels = square()
    depth[10:12, 10:12] = 1.5
    view, grid, found = made(depth, pixels, island=0.01)
    assert found is not None
    assert covered_share([grid.mesh(view), found.mesh], view, 4.0, 0.5, 0) > 0.999
    assert covered_share([grid.mesh(view)], view, 4.0, 0.5, 0) < 0.999
    assert found.mesh.vertices[:, 2].min() > 3.99


def test_without_tears_there_is_nothing_behind() -> None:
    depth, pixels = square()
    view = scenes.camera(80, 60)
    for tear in (0.0, 2.0):
        assert fill_background(TornMap(torn_triangles(depth, tear, 0.0, None), depth, tear), view, pixels) is None


def test_masked_cells_stay_empty() -> None:
    depth, pixels = square()
    valid = np.ones(depth.shape, bool)
    valid[:, 40:] = False
    found = made(depth, pixels, valid=valid)[2]
    assert found is not None
    assert cells_of(found, depth.shape)[1].max() < 40


@pytest.mark.parametrize("normal", [(0.0, 1.0, 0.0), (0.3, 0.9, 0.1)])
def test_a_floor_goes_on_as_its_plane_and_ends_at_the_contact(normal: tuple[float, float, float]) -> None:
    view = scenes.camera(160, 120)
    floor = scenes.plane_depth(view, normal, 1.0)
    ground = np.where((floor > 0) & (floor < 50), floor, 50).astype(np.float32)
    depth = ground.copy()
    depth[88:112, 60:100] = ground[112, 60:100].min()
    found = filled(np.minimum(depth, ground), np.full((120, 160, 3), GREEN, np.uint8))
    row, column = cells_of(found, depth.shape)
    inside = (row > 90) & (row < 106) & (column > 63) & (column < 97)
    assert inside.sum() > 5
    assert np.abs(found.mesh.vertices[inside, 2] / ground[row, column][inside] - 1).max() < 1e-3


def test_colours_and_depth_behind_follow_gradients_around() -> None:
    depth, pixels = square(300, 400, near=1.0)
    slope = np.linspace(60, 200, 400)
    wall = depth > 2
    pixels[wall] = np.broadcast_to(np.stack([slope, 255 - slope, slope], axis=1), (300, 400, 3))[wall].astype(np.uint8)
    depth = np.where(wall, 1 / np.linspace(0.2, 0.3, 300, dtype=np.float32)[:, None], depth)
    found = filled(depth, pixels)
    hole = (slice(110, 190), slice(145, 255))
    assert np.abs(found.texture[hole][..., 0].astype(float) - slope[hole[1]]).mean() < 8
    row = (1 - found.mesh.uv[:, 1]) * 300 - 0.5
    expected = 1 / np.interp(row, np.arange(300), np.linspace(0.2, 0.3, 300))
    assert np.abs(found.mesh.vertices[:, 2] / expected - 1).max() < 0.005


def test_the_texture_varies_as_much_as_what_is_around() -> None:
    """The variance of fine detail behind the square is that of the wall within a factor of two; a smear has none."""
    depth, pixels = square(300, 400)
    random = np.random.default_rng(1)
    wall = depth > 3
    grain = random.normal(0, 25, (300, 400, 1)) + 120
    pixels[wall] = np.clip(np.broadcast_to(grain, (300, 400, 3)), 0, 255).astype(np.uint8)[wall]
    texture = filled(depth, pixels).texture.astype(float)[..., 0]
    inside = np.diff(texture[110:190, 145:255], axis=1).var()
    around = np.diff(pixels[10:90, 145:255, 0].astype(float), axis=1).var()
    assert 0.5 < inside / around < 2


def test_the_texture_is_written_as_a_jpeg_over_the_whole_photo(tmp_path: Path) -> None:
    depth, pixels = square()
    found = filled(depth, pixels)
    path = found.write_texture(tmp_path)
    with Image.open(path) as picture:
        assert picture.format == "JPEG" and picture.size == (80, 60)
        apart = np.asarray(picture).astype(int) - found.texture
    assert np.abs(apart)[25:35, 32:48].max() < 12
