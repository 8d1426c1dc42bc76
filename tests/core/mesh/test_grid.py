# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_map import depth_map
from mono3d_addon.core.mesh.grid import build_grid
from mono3d_addon.core.mesh.grid_cells import cells_of, with_quads
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.settings import Settings
from tests.core import scenes


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def photo_of(pixels: np.ndarray, mask: np.ndarray | None = None) -> Photo:
    return Photo(Path("scene.png"), pixels, mask, Lens(), "0" * 64)


def test_known_scene_from_disparity_on_is_exact() -> None:
    """Planes and a sphere with known camera and depth: every vertex within 0.1 % of its true position."""
    view = scenes.camera(320, 240)
    true_depth = scenes.room(view)
    disparity = (7.0 / true_depth + 3.0).astype(np.float32)  # the network's unknown scale and shift
    settings = Settings(
        near=float(true_depth.min()), far=float(true_depth.max()), percentile=0.0, detail=320, edge_aware=False
    )
    depth, valid = depth_map(disparity, photo_of(noise(240, 320)), settings)
    assert valid is None
    true_points = (scenes.rays(view) * true_depth[..., None]).reshape(-1, 3)
    points = build_grid(depth, view, noise(240, 320), settings.tear).points
    error = np.linalg.norm(points - true_points, axis=1) / np.linalg.norm(true_points, axis=1)
    assert error.max() < 1e-3


def test_colours_are_the_pixels_under_the_vertices() -> None:
    pixels = noise(90, 120)
    view = scenes.camera(120, 90)
    for rows, columns in ((90, 120), (30, 40), (41, 77)):
        mesh = build_grid(np.full((rows, columns), 2.0, np.float32), view, pixels, 0.04).mesh(view)
        at = (mesh.uv * [120, 90]).astype(np.float64)
        inside = np.abs(at - np.rint(at)).min(1) > 1e-3  # on a border between two pixels both are correct
        column, row = np.floor(at[:, 0]).astype(int), np.floor(90 - at[:, 1]).astype(int)
        assert inside.any()
        assert np.array_equal(mesh.colors[inside], pixels[row, column][inside])


def test_whole_grid_has_two_triangles_a_cell_facing_the_camera() -> None:
    view = scenes.camera(40, 30)
    mesh = build_grid(np.full((30, 40), 3.0, np.float32), view, noise(30, 40), 0.04).mesh(view)
    assert len(mesh.triangles) == 2 * 29 * 39 and len(mesh.vertices) == 1200
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]] for corner in range(3))
    facing = (np.cross(b - a, c - a) * a).sum(1)
    assert (facing < 0.0).all()
    assert np.allclose(mesh.normals, [0, 0, -1], atol=1e-4)


@given(st.floats(1e-3, 1e4))
def test_tearing_knows_no_unit(scale: float) -> None:
    view = scenes.camera(80, 60)
    depth = scenes.room(view).astype(np.float32)
    first = build_grid(depth, view, noise(60, 80), 0.04).triangles
    second = build_grid((depth * np.float32(scale)).astype(np.float32), view, noise(60, 80), 0.04).triangles
    assert abs(len(first) - len(second)) <= 4  # rounding at the threshold


def test_a_step_is_cut_and_a_slope_is_not() -> None:
    view = scenes.camera(60, 40)
    depth = np.full((40, 60), 2.0, np.float32)
    depth[:, 30:] = 4.0
    mesh = build_grid(depth, view, noise(40, 60), 0.04).mesh(view)
    spans = np.ptp(mesh.vertices[mesh.triangles][..., 2], axis=1)
    assert spans.max() == 0.0 and len(mesh.triangles) == 2 * 39 * (29 + 29)
    kept = build_grid(depth, view, noise(40, 60), 0.0).mesh(view)
    assert len(kept.triangles) == 2 * 39 * 59
    slope = np.tile(np.linspace(2.0, 4.0, 60, dtype=np.float32), (40, 1))
    assert len(build_grid(slope, view, noise(40, 60), 0.04).triangles) == 2 * 39 * 59


def test_the_cut_follows_the_shorter_diagonal() -> None:
    view = scenes.camera(32, 32)
    row, column = np.mgrid[:32, :32]
    for near_side in (row > column, row + column > 31):
        depth = np.where(near_side, 2.0, 4.0).astype(np.float32)
        triangles = build_grid(depth, view, noise(32, 32), 0.04).triangles
        # Only the cells that the diagonal edge itself crosses lose one of their two triangles or both.
        assert len(triangles) >= 2 * 31 * 31 - 2 * 62
        assert np.ptp(depth.ravel()[triangles], axis=1).max() == 0.0


def test_masked_and_broken_cells_take_no_part() -> None:
    view = scenes.camera(40, 30)
    depth = np.full((30, 40), 3.0, np.float32)
    depth[5, 5] = np.nan
    depth[6, 20] = np.inf
    valid = np.ones((30, 40), bool)
    valid[:, 30:] = False
    mesh = build_grid(depth, view, noise(30, 40), 0.04, valid=valid).mesh(view)
    assert np.isfinite(mesh.vertices).all()
    assert mesh.uv[:, 0].max() < 30 / 40
    assert len(mesh.vertices) == 30 * 30 - 2


def test_islands_are_dropped_by_their_share() -> None:
    view = scenes.camera(60, 40)
    depth = np.full((40, 60), 4.0, np.float32)
    depth[10:14, 10:14] = 2.0
    with_speck = build_grid(depth, view, noise(40, 60), 0.04, 0.0).mesh(view)
    without = build_grid(depth, view, noise(40, 60), 0.04, 0.01).mesh(view)
    assert with_speck.vertices[:, 2].min() == 2.0 and without.vertices[:, 2].min() == 4.0


@pytest.mark.parametrize("size", [(600, 400), (400, 600), (451, 300), (333, 777)])
@pytest.mark.parametrize("detail", [64, 333, 1024])
def test_uv_is_the_projection(size: tuple[int, int], detail: int) -> None:
    view = replace(scenes.camera(*size), cx=size[0] * 0.41, cy=size[1] * 0.57)
    photo = photo_of(noise(size[1], size[0]))
    disparity = np.random.default_rng(0).random((32, 48)).astype(np.float32)
    depth, _ = depth_map(disparity, photo, Settings(detail=detail, tear=0.0))
    grid = build_grid(depth, view, photo.pixels, 0.0)
    rows, columns = depth.shape
    u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, 1 - (np.arange(rows) + 0.5) / rows)
    assert np.abs(grid.mesh(view).uv - np.stack([u, v], 2).reshape(-1, 2)).max() < 1e-5
    assert max(rows, columns) == min(detail, max(size))


def test_field_of_view_scales_the_width() -> None:
    depth = np.full((30, 40), 2.0, np.float32)
    wide = build_grid(depth, scenes.camera(40, 30, 90.0), noise(30, 40), 0.0).points
    assert np.ptp(wide[:, 0]) == pytest.approx(2 * 2.0 * math.tan(math.radians(45)) * 39 / 40, rel=1e-5)


def test_trim_cuts_along_tears_and_the_border() -> None:
    view = scenes.camera(60, 40)
    depth = np.full((40, 60), 2.0, np.float32)
    depth[:, 30:] = 4.0
    for trim in (1, 3):
        mesh = build_grid(depth, view, noise(40, 60), 0.04, trim=trim).mesh(view)
        column = np.rint(mesh.uv[:, 0] * 60 - 0.5).astype(int)
        row = np.rint((1 - mesh.uv[:, 1]) * 40 - 0.5).astype(int)
        assert row.min() == trim and row.max() == 39 - trim
        expected = {*range(trim, 30 - trim), *range(30 + trim, 60 - trim)}
        assert set(column.tolist()) == expected


def test_a_floor_at_a_grazing_angle_stays_whole_and_slivers_go() -> None:
    """Near the horizon the depth range of a floor cell exceeds any threshold; the last cells are slivers."""
    view = scenes.camera(160, 240)
    depth = np.minimum(scenes.plane_depth(view, (0, 1, 0), 0.2), 1000.0).astype(np.float32)[130:]
    row = np.arange(110)
    ratio = depth[:-1, 0] / depth[1:, 0] - 1
    view = replace(view, height=110, cy=view.cy - 130)
    grid = build_grid(depth, view, noise(110, 160), 0.01).triangles
    used = np.zeros(110 * 160, bool)
    used[grid] = True
    assert ratio[5] > 0.01 and used.reshape(110, 160)[row[5:100]].all()
    blunt = build_grid(depth, view, noise(110, 160), 0.01, has_sharp_steps=False).triangles
    assert len(blunt) < 0.9 * len(grid)
    wall = depth.copy()
    wall[:, 80:] *= 1.05
    torn = build_grid(wall, view, noise(110, 160), 0.01).triangles
    assert not ((torn % 160 < 80).any(axis=1) & (torn % 160 >= 80).any(axis=1)).any()


@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(2, 9))
def test_whole_cells_are_quads_and_nothing_else_changes(seed: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    depth = (1 + random.integers(0, 2, (rows, columns)) + 0.01 * random.random((rows, columns))).astype(np.float32)
    view = scenes.camera(columns, rows)
    grid = build_grid(depth, view, np.zeros((rows, columns, 3), np.uint8), 0.04)
    plain = grid.mesh(view)
    mesh = with_quads(plain, grid, columns)
    assert sorted(mesh.triangles.tolist()) == sorted(plain.triangles.tolist())
    halves = mesh.triangles[: 2 * len(mesh.quads)].reshape(-1, 2, 3)
    for quad, pair in zip(mesh.quads.tolist(), halves.tolist(), strict=True):
        outline = {(a, b) for half in pair for a, b in zip(half, half[1:] + half[:1], strict=True)}
        assert {(a, b) for a, b in outline if (b, a) not in outline} == set(zip(quad, quad[1:] + quad[:1], strict=True))
    cells = {(int(row), int(column)) for row, column in zip(*cells_of(grid.triangles, columns), strict=True)}
    assert len(cells) == len(mesh.quads) + len(mesh.loose_triangles)
