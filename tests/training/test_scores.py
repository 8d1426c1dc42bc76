# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import scores

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.uniform(0.1, 1.0, (30, 40)).astype(np.float32)
GUESS = (TRUTH + RANDOM.normal(0, 0.1, TRUTH.shape)).astype(np.float32)


def test_spearman_by_hand() -> None:
    assert scores.spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 90.0])) == pytest.approx(1.0)
    assert scores.spearman(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1.0)
    # Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4.
    assert scores.spearman(np.array([1.0, 5, 5, 9]), np.array([0.0, 2, 1, 7])) == pytest.approx(4.5 / math.sqrt(22.5))
    assert math.isnan(scores.spearman(np.ones(4), np.arange(4.0)))


@given(st.floats(0.05, 8.0), st.floats(-5.0, 5.0))
def test_spearman_depends_on_the_order_only(power: float, shift: float) -> None:
    kept = scores.spearman(GUESS.astype(np.float64), TRUTH)
    raised = np.sign(GUESS) * np.abs(GUESS.astype(np.float64)) ** power + shift
    assert scores.spearman(raised, TRUTH) == pytest.approx(kept, abs=1e-3)


@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_scale_and_shift_do_not_matter(scale: float, shift: float) -> None:
    moved = scale * GUESS.astype(np.float64) + shift
    assert scores.within(moved, TRUTH) == pytest.approx(scores.within(GUESS, TRUTH), abs=1e-3)
    assert scores.agreement(moved, TRUTH) == pytest.approx(scores.agreement(GUESS, TRUTH), abs=1e-6)


def test_within_counts_depths_off_by_less_than_a_quarter() -> None:
    truth = np.array([1.0, 1.0, 0.5, 0.5])
    # Least squares: 0.75 where the guess is 0, 0.75 where it is 1.
    assert scores.within(np.array([0.0, 1.0, 0.0, 1.0]), truth) == 0.0
    assert scores.within(np.array([2.0, 2.0, 1.0, 1.0]), truth) == 1.0
    assert scores.within(np.array([0.0, 1.0, 0.0, 1.0]), truth, ratio=1.6) == 1.0


def test_the_sky_takes_part_in_the_fit_only() -> None:
    truth = np.array([1.0, 0.5, 0.0, 0.0])
    assert scores.within(truth + np.array([0.0, 0.0, 0.01, -0.01]), truth) == 1.0
    assert math.isnan(scores.within(np.arange(4.0), np.zeros(4)))


def test_agreement_by_hand() -> None:
    label = np.array([0.0, 0.0, 1.0, 1.0])
    assert scores.agreement(2 - label, label) == pytest.approx((1.0, 0.0))
    half = scores.agreement(np.array([0.0, 1.0, 0.0, 1.0]), label)
    assert half == pytest.approx((0.0, 0.5))
    assert math.isnan(scores.agreement(label, np.ones(4)).r_squared)


def test_a_flat_prediction_becomes_the_mean() -> None:
    assert np.allclose(scores.aligned(np.full((2, 2), 7.0), np.array([[0.0, 1.0], [2.0, 5.0]])), 2.0)
