# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of triangle meshes, compared with a simple way to find them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mono3d_addon.core.mesh.triangle_edges import edges_of_faces
from tests.blender import made


def check(triangles: NDArray[np.int32], vertices: int) -> None:
    edges, of_corner = edges_of_faces((np.empty((0, 4), np.int32), triangles), vertices)
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    np.testing.assert_array_equal(edges[of_corner], ends)
    expected = np.unique(ends, axis=0) if len(ends) else ends
    np.testing.assert_array_equal(np.unique(edges, axis=0) if len(edges) else edges, expected)
    assert len(edges) == len(expected)
    assert edges.dtype == of_corner.dtype == np.int32


@given(st.integers(2, 12), st.integers(2, 12), st.floats(0.3, 1.0), st.integers(0, 1000))
def test_torn_grids(rows: int, columns: int, kept: float, seed: int) -> None:
    triangles = made.grid_triangles(rows, columns)
    check(triangles[np.random.default_rng(seed).random(len(triangles)) < kept], rows * columns)


@given(st.integers(3, 60), st.integers(0, 200), st.integers(0, 1000))
def test_any_triangles(vertices: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    triangles = [rng.choice(vertices, 3, replace=False) for _ in range(count)]
    check(np.array(triangles, dtype=np.int32).reshape(-1, 3), vertices)


def test_a_fan_with_very_many_triangles() -> None:
    rim = np.arange(1, 3000, dtype=np.int32)
    check(np.stack([np.zeros_like(rim), rim, rim + 1], axis=1), 3001)
