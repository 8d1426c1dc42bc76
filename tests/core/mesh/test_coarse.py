# SPDX-License-Identifier: GPL-3.0-or-later
"""Coarse copies keep the surface, its tears and its orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.mesh.coarse import coarsened
from mono3d_addon.core.mesh.mesh import Mesh
from tests.surface import results

CAMERA = results.view()
FINE = results.grid(CAMERA).mesh(CAMERA)


def areas(mesh: Mesh) -> np.ndarray:
    """Returns the signed areas of the triangles in the photo, (m,)."""
    one, two, three = (mesh.uv[mesh.triangles[:, corner]] for corner in range(3))
    first, second = two - one, three - one
    return 0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


@pytest.mark.parametrize("cells", [20, 40, 80])
def test_it_has_about_a_vertex_for_each_cell_and_lies_on_the_surface(cells: int) -> None:
    coarse = coarsened(FINE, cells, 4 / 3)
    assert 0.6 < len(coarse.vertices) / (cells * cells * 0.75) < 1.6
    assert {tuple(one) for one in coarse.vertices} <= {tuple(one) for one in FINE.vertices}
    assert np.abs(results.error(coarse.vertices)).max() < 0.01
    assert len(coarse.uv) == len(coarse.colors) == len(coarse.normals) == len(coarse.vertices)


def test_it_covers_the_photo_and_faces_the_camera() -> None:
    coarse = coarsened(FINE, 60, 4 / 3)
    assert np.abs(areas(coarse)).sum() == pytest.approx(np.abs(areas(FINE)).sum(), rel=0.06)
    facing = np.sign(np.median(areas(FINE)))
    assert np.mean(np.sign(areas(coarse)) == facing) > 0.97


def test_tears_stay_open() -> None:
    """No triangle joins the ball with the wall far behind it."""
    coarse = coarsened(FINE, 60, 4 / 3)
    depths = coarse.vertices[:, 2][coarse.triangles]
    assert (depths.max(axis=1) / depths.min(axis=1)).max() < 1.4


@limits(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(0, 500), st.integers(2, 40), st.floats(0.2, 5.0))
def test_of_any_mesh_it_is_a_mesh(seed: int, count: int, triangles: int, cells: int, aspect: float) -> None:
    mesh = results.random_mesh(seed, count, triangles)
    coarse = coarsened(mesh, cells, aspect)
    assert len(coarse.vertices) <= count and coarse.triangles.shape[1] == 3 and len(coarse.quads) == 0
    assert coarse.triangles.size == 0 or coarse.triangles.max() < len(coarse.vertices)
    one, two, three = coarse.triangles.T
    assert not ((one == two) | (two == three) | (three == one)).any()
    keys = {tuple(np.roll(row, -int(row.argmin()))) for row in coarse.triangles}
    assert len(keys) == len(coarse.triangles), "each triangle once"
