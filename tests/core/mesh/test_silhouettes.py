# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.mesh.grid import Grid, build_grid
from tests.core import scenes

ROWS, COLUMNS = 60, 80
VIEW = scenes.camera(COLUMNS, ROWS)
GREY = np.full((ROWS, COLUMNS, 3), 128, np.uint8)
COLORS = np.array([[200, 80, 60], [70, 120, 190]])


def beyond(angle: float, distance: float, factor: int = 1) -> np.ndarray:
    """Returns the signed distance, in cells, of the cells' centres from a line; positive on the far side."""
    row, column = (np.mgrid[: ROWS * factor, : COLUMNS * factor] + 0.5) / factor
    return (column - COLUMNS / 2) * np.cos(angle) + (row - ROWS / 2) * np.sin(angle) - distance


def photo(angle: float, distance: float) -> np.ndarray:
    """Returns a photo with mixed pixels along the line."""
    share = (beyond(angle, distance, 8) > 0).reshape(ROWS, 8, COLUMNS, 8).mean(axis=(1, 3))[..., None]
    return np.rint(COLORS[0] * (1 - share) + COLORS[1] * share).astype(np.uint8)


def built(depth: np.ndarray, pixels: np.ndarray, *, smooth: bool = True) -> Grid:
    return build_grid(depth.astype(np.float32), VIEW, pixels, 0.04, has_smooth_silhouettes=smooth)


def places(grid: Grid) -> np.ndarray:
    """Returns where the points are in the picture, in cells with centres at +0.5."""
    return VIEW.project(grid.points)


@given(st.floats(0, 2 * np.pi), st.floats(-8, 8))
def test_both_sides_of_a_straight_outline_end_at_the_photo_s_edge(angle: float, distance: float) -> None:
    depth = np.where(beyond(angle, distance) < 0, 2.0, 4.0)
    grid = built(depth, photo(angle, distance))
    where = places(grid)
    moved = np.abs(where - places(built(depth, GREY, smooth=False))).max(axis=1) > 1e-4
    off = (where[:, 0] - COLUMNS / 2) * np.cos(angle) + (where[:, 1] - ROWS / 2) * np.sin(angle) - distance
    inner = moved & (np.abs(where - [COLUMNS / 2, ROWS / 2]) < [COLUMNS / 2 - 5, ROWS / 2 - 5]).all(axis=1)
    assert inner.sum() > 40
    assert np.quantile(np.abs(off[inner]), 0.95) < 0.15 and np.abs(off[inner]).max() < 0.4
    # A staircase of cells is 0.25 off on average.
    assert np.abs(off[inner]).mean() < 0.08


@pytest.mark.parametrize("angle", [0.1, 0.5, 1.2])
def test_without_contrast_the_cells_decide(angle: float) -> None:
    depth = np.where(beyond(angle, 0.0) < 0, 2.0, 4.0)
    where = places(built(depth, GREY))
    rim = np.abs(where - places(built(depth, GREY, smooth=False))).max(axis=1) > 1e-4
    off = np.abs(beyond(angle, 0.0).ravel() * 0 + (where - [COLUMNS / 2, ROWS / 2]) @ [np.cos(angle), np.sin(angle)])
    assert off[rim].mean() < 0.2


@given(st.floats(0, 2 * np.pi), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_points_stay_on_the_plane_of_their_side(angle: float, lean: float, turn: float) -> None:
    near = scenes.plane_depth(VIEW, (lean, turn, 1.0), 2.0)
    far = scenes.plane_depth(VIEW, (turn, lean, 1.0), 5.0)
    is_near = beyond(angle, 1.0) < 0
    grid = built(np.where(is_near, near, far), photo(angle, 1.0))
    used = grid.connected
    for side, normal, distance in ((is_near, (lean, turn, 1.0), 2.0), (~is_near, (turn, lean, 1.0), 5.0)):
        of = side.ravel() & used
        assert np.abs(grid.points[of] @ np.array(normal, np.float32) / distance - 1).max() < 1e-4


@given(st.integers(0, 2**32 - 1))
def test_no_triangle_turns_over(seed: int) -> None:
    random = np.random.default_rng(seed)
    depth = 2.0 + 2.0 * (random.random((ROWS // 4, COLUMNS // 4)) > 0.5).repeat(4, 0).repeat(4, 1)
    depth[random.random(depth.shape) > 0.97] = 3.0
    pixels = random.integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
    grid = built(depth, pixels)
    corners = places(grid)[grid.triangles].astype(np.float64)
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    assert (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).max() < -0.04
    away = np.abs(places(grid) - places(built(depth, pixels, smooth=False))).max()
    assert away < 1.0


def test_everything_else_is_as_without() -> None:
    depth = np.where(beyond(0.4, 0.0) < 0, 2.0, 4.0)
    smooth, plain = built(depth, photo(0.4, 0.0)), built(depth, photo(0.4, 0.0), smooth=False)
    assert np.array_equal(smooth.triangles, plain.triangles) and np.array_equal(smooth.colors, plain.colors)
    still = np.abs(beyond(0.4, 0.0).ravel()) > 2
    assert np.array_equal(smooth.points[still], plain.points[still])
    level = np.full((ROWS, COLUMNS), 3.0)
    assert np.array_equal(built(level, GREY).points, built(level, GREY, smooth=False).points)


def test_a_thin_pole_stays_as_wide_as_it_is() -> None:
    depth = np.full((ROWS, COLUMNS), 4.0)
    depth[:, 39:42] = 2.0
    pixels = np.where((depth == 2.0)[..., None], COLORS[0], COLORS[1]).astype(np.uint8)
    where = places(built(depth, pixels))[(depth == 2.0).ravel()].reshape(ROWS, 3, 2)[5:-5]
    assert np.abs(np.ptp(where[..., 0], axis=1) - 3.0).max() < 0.6
