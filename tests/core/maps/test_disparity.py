# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mono3d_addon.core.maps.disparity import FLAT, normalise, to_depth

MAPS = arrays(np.float32, st.tuples(st.integers(2, 20), st.integers(2, 20)), elements=st.floats(-1e3, 1e3, width=32))


@given(MAPS, st.floats(0.0, 20.0), st.floats(0.01, 100.0), st.floats(-100.0, 100.0))
def test_scale_and_shift_of_the_network_do_not_matter(
    disparity: np.ndarray, percentile: float, scale: float, shift: float
) -> None:
    if np.ptp(disparity) < 1.0:
        return
    moved = (disparity.astype(np.float64) * scale + shift).astype(np.float32)
    first, second = normalise(disparity, percentile), normalise(moved, percentile)
    if (first == FLAT).all() or (second == FLAT).all() or np.ptp(moved) < 1e-3 * np.abs(moved).max():
        return
    spread = np.subtract(*np.percentile(disparity, [100 - percentile, percentile]))
    if spread > 0.05 * np.ptp(disparity):
        assert np.allclose(first, second, atol=2e-2)


@given(MAPS, st.floats(0.0, 20.0))
def test_order_is_kept_and_nothing_lies_beyond_far(disparity: np.ndarray, percentile: float) -> None:
    normalised = normalise(disparity, percentile)
    assert normalised.dtype == np.float32 and np.isfinite(normalised).all()
    assert (normalised >= 0.0).all()
    order = np.argsort(disparity, axis=None)
    assert (np.diff(normalised.ravel()[order]) >= 0.0).all()


def test_wild_pixels_do_not_squeeze_the_rest() -> None:
    disparity = np.linspace(0.0, 1.0, 10000, dtype=np.float32).reshape(100, 100)
    disparity[0, :5], disparity[1, :5] = 1000.0, -1000.0
    normalised = normalise(disparity, 1.0)
    assert np.ptp(normalised[2:]) > 0.95


def test_masked_and_broken_pixels_take_no_part() -> None:
    disparity = np.tile(np.linspace(1.0, 2.0, 50, dtype=np.float32), (50, 1))
    disparity[:10] = 900.0
    disparity[10, :] = np.nan
    disparity[11, :] = np.inf
    valid = np.ones((50, 50), bool)
    valid[:10] = False
    normalised = normalise(disparity, 0.0, valid)
    assert normalised[20, 0] == 0.0 and normalised[20, -1] == pytest.approx(1.0)
    assert np.isfinite(normalised).all()


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_no_relief_is_a_flat_plane(value: float) -> None:
    assert (normalise(np.full((8, 8), value, np.float32), 1.0) == FLAT).all()


@given(st.floats(0.01, 10.0), st.floats(1.5, 100.0))
def test_near_and_far_are_met(near: float, ratio: float) -> None:
    depth = to_depth(np.array([0.0, 1.0], np.float32), near, near * ratio)
    assert depth[0] == pytest.approx(near * ratio, rel=1e-5) and depth[1] == pytest.approx(near, rel=1e-5)


def test_depth_is_the_inverse_and_not_the_disparity() -> None:
    depth = to_depth(np.array([0.5], np.float32), 1.0, 3.0)
    assert depth[0] == pytest.approx(1.0 / (0.5 * (1.0 - 1.0 / 3.0) + 1.0 / 3.0))


def test_constant_but_for_wild_pixels_is_a_flat_plane() -> None:
    disparity = np.zeros((10, 10), np.float32)
    disparity[0, :3] = 1e-38, 1.0, 2.0
    assert (normalise(disparity, 8.0) == FLAT).all()
