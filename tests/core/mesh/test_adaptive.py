# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive meshes: bounded error, no gaps, the grid's own boundaries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from numpy.typing import NDArray

from mono3d_addon.core.arrays import Ints
from mono3d_addon.core.mesh.adaptive import adaptive_triangles
from mono3d_addon.core.mesh.grid import Grid, build_grid
from mono3d_addon.core.mesh.raster import cover
from tests.core import scenes


def grid_of(depth: NDArray[np.floating], tear: float = 0.04, valid: NDArray[np.bool_] | None = None) -> Grid:
    rows, columns = depth.shape
    pixels = np.zeros((rows, columns, 3), np.uint8)
    return build_grid(depth.astype(np.float32), scenes.camera(columns, rows), pixels, tear, 0.0, valid)


def places(rows: int, columns: int) -> NDArray[np.float64]:
    down, right = np.divmod(np.arange(rows * columns), columns)
    return np.stack([right + 0.5, down + 0.5], axis=1)


def areas(triangles: Ints, columns: int) -> NDArray[np.float64]:
    """Returns twice the areas in cells, positive for triangles that face the camera."""
    down, right = np.divmod(triangles.astype(np.int64), columns)
    one, other = (np.stack([right[:, i] - right[:, 0], down[:, i] - down[:, 0]], axis=1) for i in (1, 2))
    return np.asarray(other[:, 0] * one[:, 1] - other[:, 1] * one[:, 0], np.float64)


def largest_error(grid: Grid, triangles: Ints, shape: tuple[int, int]) -> float:
    depth = grid.points[:, 2].astype(np.float64)
    seen = np.zeros(len(depth), bool)
    worst = 0.0
    for part in cover(places(*shape), triangles, *shape):
        guess = (part.weights / depth[triangles[part.triangle]]).sum(axis=1)
        worst = max(worst, float(np.abs(1 / (guess * depth[part.cell]) - 1).max(initial=0)))
        seen[part.cell] = True
    assert seen[grid.connected].all()
    return worst


def rim(triangles: Ints) -> set[tuple[int, int]]:
    edges = {(int(a), int(b)) for triangle in triangles for a, b in zip(triangle, np.roll(triangle, -1), strict=True)}
    return {(a, b) for a, b in edges if (b, a) not in edges}


def test_planes_need_hardly_any_triangles() -> None:
    depth = scenes.plane_depth(scenes.camera(257, 257), (0.3, 0.2, 1.0), 4.0)
    triangles = adaptive_triangles(grid_of(depth, tear=0.0), 257, 257, 4000)
    assert areas(triangles, 257).sum() == 2 * 256 * 256
    assert len(triangles) == 4 * 4 * 2


def test_a_tenth_of_the_triangles_has_a_small_error_and_all_rims() -> None:
    shape = (240, 320)
    grid = grid_of(scenes.room(scenes.camera(320, 240)))
    budget = len(grid.triangles) // 10
    triangles = adaptive_triangles(grid, *shape, budget)
    assert 0.9 * budget < len(triangles) <= budget
    assert largest_error(grid, triangles, shape) < 0.002
    # The silhouette is the grid's: one edge may replace several only where it is straight.
    assert {step for edge in rim(triangles) for step in unit_steps(edge, 320)} == rim(grid.triangles)


def unit_steps(edge: tuple[int, int], columns: int) -> list[tuple[int, int]]:
    start, end = (np.array(divmod(point, columns)) for point in edge)
    count = int(np.gcd(*(end - start)))
    points = [start + (end - start) // count * step for step in range(count + 1)]
    numbers = [int(down * columns + right) for down, right in points]
    return list(itertools.pairwise(numbers))


@limits(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 90), st.integers(2, 90), st.floats(0.01, 1.0))
def test_random_torn_grids_stay_whole(seed: int, rows: int, columns: int, share: float) -> None:
    random = np.random.default_rng(seed)
    steps = random.integers(1, 4, (-(-rows // 7), -(-columns // 7)))
    depth = np.kron(steps, np.ones((7, 7)))[:rows, :columns] + random.normal(0, 0.002, (rows, columns))
    valid = random.random((rows, columns)) > 0.02
    grid = grid_of(depth, valid=valid)
    triangles = adaptive_triangles(grid, rows, columns, int(share * len(grid.triangles)))
    assert (areas(triangles, columns) > 0).all()
    assert areas(triangles, columns).sum() == areas(grid.triangles, columns).sum()
    assert len(triangles) <= len(grid.triangles)
    if len(triangles):
        assert largest_error(grid, triangles, (rows, columns)) < 0.2
        # There are no degenerate gaps: every open edge is a boundary of the grid.
        assert {step for edge in rim(triangles) for step in unit_steps(edge, columns)} == rim(grid.triangles)


def test_less_is_allowed_where_the_budget_grows() -> None:
    grid = grid_of(scenes.room(scenes.camera(160, 120)))
    errors = [
        largest_error(grid, adaptive_triangles(grid, 120, 160, len(grid.triangles) // part), (120, 160))
        for part in (4, 8, 16)
    ]
    assert errors == sorted(errors)
    assert errors[0] < 0.5 * errors[2]


@pytest.mark.parametrize("shape", [(2, 2), (3, 200), (129, 129)])
def test_a_generous_budget_gives_the_grid_itself(shape: tuple[int, int]) -> None:
    depth = 2.0 + np.random.default_rng(1).random(shape)
    grid = grid_of(depth, tear=0.0)
    triangles = adaptive_triangles(grid, *shape, len(grid.triangles))
    assert {tuple(sorted(one)) for one in triangles.tolist()} == {tuple(sorted(one)) for one in grid.triangles.tolist()}
