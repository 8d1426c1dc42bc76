# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mono3d_addon.core import windows

MAPS = arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(-100, 100, width=32))


def brute(values: np.ndarray, radius: int, pick: object) -> np.ndarray:
    rows, columns = values.shape
    result = np.empty_like(values)
    for row in range(rows):
        for column in range(columns):
            window = values[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1]
            result[row, column] = pick(window)  # type: ignore[operator]
    return result


@given(MAPS, st.integers(1, 7))
def test_windows_equal_the_plain_definition(values: np.ndarray, radius: int) -> None:
    assert np.array_equal(windows.maximum(values, radius), brute(values, radius, np.max))
    assert np.array_equal(windows.minimum(values, radius), brute(values, radius, np.min))
    assert np.allclose(windows.total(values, radius), brute(values.astype(np.float64), radius, np.sum), atol=1e-3)


@given(MAPS, st.integers(1, 14))
def test_means_are_totals_by_the_cells_of_their_windows(values: np.ndarray, radius: int) -> None:
    counts = windows.total(np.ones_like(values), radius)
    assert np.array_equal(windows.counts(values.shape, radius), counts)
    assert np.array_equal(windows.mean(values, radius), windows.total(values, radius) / counts)


@given(MAPS, st.integers(1, 5))
def test_one_axis_only(values: np.ndarray, radius: int) -> None:
    rows = np.stack([brute(row[None], radius, np.max)[0] for row in values])
    assert np.array_equal(windows.maximum(values, radius, (1,)), rows)


def test_resize_covers_the_same_picture() -> None:
    ramp = np.tile(np.arange(16, dtype=np.float32), (8, 1))
    large = windows.resize(ramp, 64, 32)
    assert large.shape == (32, 64)
    assert np.allclose(large[:, 8:56], (np.arange(8, 56) + 0.5) / 4 - 0.5, atol=1e-4)


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_reduced_gives_means_of_blocks_also_at_the_borders(block: int) -> None:
    values = np.random.default_rng(block).random((13, 17), np.float32)
    found = windows.reduced(values, block)
    for row, column in np.ndindex(found.shape):
        part = values[row * block : (row + 1) * block, column * block : (column + 1) * block]
        assert found[row, column] == pytest.approx(part.mean(), rel=1e-5)
