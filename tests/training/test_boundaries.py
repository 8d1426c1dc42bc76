# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training import boundaries

Array = NDArray[np.float32]


def scene() -> Array:
    """A board in front of a wall, and a thin pole."""
    truth = np.full((60, 80), 0.25, np.float32)
    truth[15:45, 14:40] = 1.0
    truth[5:, 66] = 0.5
    return truth


def blurred(values: Array, deviation: float) -> Array:
    reach = math.ceil(4 * deviation)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, reach, mode="edge").astype(np.float64)
    for axis in (0, 1):
        padded = np.apply_along_axis(np.convolve, axis, padded, kernel, "valid")
    return padded.astype(np.float32)


def test_the_truth_is_perfect_at_any_scale_and_shift() -> None:
    assert boundaries.contours(3 * scene() + 7, scene()) == pytest.approx((1.0, 1.0, 1.0))


def test_more_blur_is_worse_and_wider() -> None:
    softened = [scene(), *(blurred(scene(), deviation) for deviation in (0.5, 1.0, 2.0, 4.0))]
    found = [boundaries.contours(one, scene()).f_score for one in softened]
    widths = [float(np.median(boundaries.ramp_widths(one, scene()))) for one in softened]
    assert found == sorted(found, reverse=True)
    assert widths == sorted(widths)
    assert found[0] - found[1] > 0.05 and found[1] - found[2] > 0.05


@pytest.mark.parametrize("deviation", [1.0, 2.0, 3.0])
def test_ramps_are_as_wide_as_their_gaussians(deviation: float) -> None:
    widths = boundaries.ramp_widths(blurred(scene(), deviation), scene())
    assert len(widths) > 80
    assert np.median(widths) == pytest.approx(2.563 * deviation, rel=0.06)


def test_a_step_without_a_ramp_measures_four_fifths_of_a_pixel() -> None:
    assert np.median(boundaries.ramp_widths(scene(), scene())) == pytest.approx(0.8)


def test_a_step_that_is_not_seen_is_as_wide_as_the_profile() -> None:
    widths = boundaries.ramp_widths(np.repeat(np.arange(60, dtype=np.float32)[:, None], 80, axis=1), scene())
    assert np.median(widths) == 2 * boundaries.REACH


def test_a_shift_by_one_pixel_is_missed() -> None:
    assert boundaries.contours(np.roll(scene(), 1, axis=1), scene()).f_score < 0.6


def test_the_direction_counts() -> None:
    """A hole in a wall has a board's contours in the opposite direction; only those of the strip beside it match."""
    truth = np.full((40, 40), 1.0, np.float32)
    truth[:, :10] = 0.1
    hole = truth.copy()
    truth[15:25, 20:30], hole[15:25, 20:30] = 1.5, 0.5
    found = boundaries.contours(hole, truth)
    assert found.recall == found.precision == pytest.approx(40 / 80)


def test_a_slope_is_no_contour() -> None:
    floor = np.repeat(np.linspace(0.0, 1.0, 40, dtype=np.float32)[:, None], 50, axis=1)
    assert all(math.isnan(score) for score in boundaries.contours(floor, floor))
    doubled = floor.repeat(2, axis=0).repeat(2, axis=1)
    assert all(math.isnan(score) for score in boundaries.contours(doubled, doubled))
    with_board = floor.copy()
    with_board[10:20, 20:30] = 0.9
    assert boundaries.contours(with_board, with_board).f_score == pytest.approx(1.0)
    imagined = with_board.copy()
    imagined[25:35, 5:15] += 0.3
    found = boundaries.contours(imagined, with_board)
    assert found.recall > 0.8
    assert found.precision < 0.7


def test_a_picture_without_depth_has_no_scores() -> None:
    flat = np.zeros((40, 40), np.float32)
    assert all(math.isnan(score) for score in boundaries.contours(flat, flat))
    assert len(boundaries.ramp_widths(flat, flat)) == 0
    small = scene()[10:20, 10:20]
    assert len(boundaries.ramp_widths(small, small)) == 0


@given(st.integers(0, 10_000), st.floats(0.1, 10.0), st.floats(-3.0, 3.0))
def test_scores_are_shares_and_ignore_scale_and_shift(seed: int, scale: float, shift: float) -> None:
    random = np.random.default_rng(seed)
    truth = random.choice([0.0, 0.2, 0.5, 1.0], (30, 36)).astype(np.float32)
    guess = truth + random.normal(0, 0.2, truth.shape)
    found = boundaries.contours(guess, truth)
    assert all(0.0 <= score <= 1.0 for score in found)
    assert boundaries.contours(scale * guess + shift, truth) == pytest.approx(found, abs=0.01)
    widths = boundaries.ramp_widths(guess, truth)
    assert ((widths > 0.0) & (widths <= 2 * boundaries.REACH)).all()
