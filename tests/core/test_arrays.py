# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

from mono3d_addon.core.arrays import folded, marked, rows_where


@pytest.mark.parametrize("width", range(1, 8))
@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_short_rows_are_folded_as_by_numpy(rows: int, width: int) -> None:
    values = np.random.default_rng(width).normal(size=(rows, 2, width)).astype(np.float32)
    for pick in (np.minimum, np.maximum, np.add):
        assert np.array_equal(folded(pick, values), pick.reduce(values, axis=-1)), pick
    for both in (np.logical_and, np.logical_or):
        assert np.array_equal(folded(both, values > 0), both.reduce(values > 0, axis=-1)), both


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_rows_are_chosen_as_by_numpy(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
    which = values[:, 0] > 0
    assert np.array_equal(rows_where(which, values), values[which])


def test_points_of_triangles_are_marked() -> None:
    triangles = np.array([[5, 0, 2], [2, 5, 3]], np.int32)
    assert marked(triangles, 7).tolist() == [True, False, True, True, False, True, False]
    assert not marked(triangles[:0], 2).any()
