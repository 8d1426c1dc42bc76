# SPDX-License-Identifier: GPL-3.0-or-later
"""The rasteriser, compared with a brute-force test of all cells and triangles."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.mesh.raster import cover


@limits(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 9), st.integers(1, 11))
def test_cells_and_weights_are_those_of_every_triangle(seed: int, count: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(-3, 14, (9, 2))
    triangles = random.integers(0, 9, (count, 3)).astype(np.int32)
    found = {
        (int(triangle), int(cell)): weights
        for part in cover(places, triangles, rows, columns)
        for triangle, cell, weights in zip(part.triangle, part.cell, part.weights, strict=True)
    }
    expected: dict[tuple[int, int], np.ndarray] = {}
    for number, corners in enumerate(places[triangles]):
        system = np.vstack([corners.T, np.ones(3)])
        if abs(np.linalg.det(system)) < 1e-9:
            continue
        for cell in range(rows * columns):
            weights = np.linalg.solve(system, [cell % columns + 0.5, cell // columns + 0.5, 1.0])
            if (weights >= 0.0).all():
                expected[number, cell] = weights
    assert expected.keys() <= found.keys()
    for key, weights in expected.items():
        np.testing.assert_allclose(found[key], weights, atol=1e-6)
    # Centres within the tolerance count as covered.
    for number, cell in found.keys() - expected.keys():
        system = np.vstack([places[triangles[number]].T, np.ones(3)])
        weights = np.linalg.solve(system, [cell % columns + 0.5, cell // columns + 0.5, 1.0])
        nearest = places[triangles[number]].T @ np.clip(weights, 0, 1) / np.clip(weights, 0, 1).sum()
        assert np.linalg.norm(nearest - [cell % columns + 0.5, cell // columns + 0.5]) < 0.1


def test_two_halves_leave_no_gap_and_nothing_outside() -> None:
    places = np.array([[0.0, 0.0], [7.0, 0.0], [0.0, 5.0], [7.0, 5.0]])
    triangles = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
    seen = np.zeros(6 * 8, int)
    for part in cover(places, triangles, 6, 8):
        np.add.at(seen, part.cell, 1)
        np.testing.assert_allclose(part.weights.sum(axis=1), 1)
    inside = np.zeros((6, 8), bool)
    inside[:5, :7] = True
    assert ((seen > 0).reshape(6, 8) == inside).all()
    assert seen.max() <= 2


def test_nothing_is_covered_by_nothing() -> None:
    assert sum(len(part.cell) for part in cover(np.zeros((0, 2)), np.empty((0, 3), np.int32), 4, 4)) == 0
    line = np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])
    assert sum(len(part.cell) for part in cover(line, np.array([[0, 1, 2]], np.int32), 4, 4)) == 0
