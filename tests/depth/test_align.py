# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing one disparity to the scale and shift of another."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mono3d_addon.depth.align import agreement, flip_averaged, scale_and_shift

SCALES = st.floats(0.01, 100.0)
SHIFTS = st.floats(-100.0, 100.0)
SEEDS = st.integers(0, 2**31)


def relief(seed: int = 0, rows: int = 24, columns: int = 32) -> NDArray[np.float32]:
    """A floor with a box and noise, float32 (rows, columns), about 0..2."""
    random = np.random.default_rng(seed)
    values = np.linspace(0.0, 1.0, rows)[:, None] + 0.1 * random.random((rows, columns))
    values[rows // 3 : rows // 2, columns // 4 : columns // 2] += 0.8
    return values.astype(np.float32)


@given(SEEDS, SCALES, SHIFTS)
def test_an_affine_map_is_recovered(seed: int, scale: float, shift: float) -> None:
    source = relief(seed).astype(np.float64)
    found = scale_and_shift(source.astype(np.float32), scale * source + shift)  # type: ignore[arg-type]
    assert found == pytest.approx((scale, shift), rel=1e-4, abs=1e-4 * scale)


@given(SEEDS, st.floats(0.0, 0.2), st.floats(0.5, 1e6), st.booleans())
def test_outliers_do_not_spoil_it(seed: int, share: float, size: float, in_source: bool) -> None:
    random = np.random.default_rng(seed)
    source = relief(seed)
    target = 2 * source - 1
    wrong = random.random(source.shape) < share
    (source if in_source else target)[wrong] += size * random.random(int(wrong.sum()))
    assert scale_and_shift(source, target) == pytest.approx((2.0, -1.0), abs=0.05)


def test_plain_least_squares_would_be_spoilt() -> None:
    """The test before this one is able to fail."""
    source = relief()
    target = 2 * source - 1
    target[:4] += 5.0
    assert abs(np.polyfit(source.ravel(), target.ravel(), 1)[0] - 2.0) > 0.5
    assert scale_and_shift(source, target) == pytest.approx((2.0, -1.0), abs=0.01)


def test_a_large_even_sky_does_not_make_outliers_of_the_rest() -> None:
    random = np.random.default_rng(0)
    source = np.zeros((40, 40), np.float32)
    source[30:] = 1.0 + 0.3 * random.random((10, 40))
    target = 3 * source
    target[30:] += 0.1 * random.standard_normal((10, 40)).astype(np.float32)
    scale, _ = scale_and_shift(source, target)
    assert scale == pytest.approx(3.0, rel=0.05)


@given(SEEDS, SHIFTS)
def test_flat_and_contrary_sources_give_the_mean(seed: int, value: float) -> None:
    target = relief(seed)
    mean = pytest.approx((0.0, float(target.mean(dtype=np.float64))))
    assert scale_and_shift(np.full_like(target, value), target) == mean
    assert scale_and_shift(-target, target) == mean


@given(SEEDS, SEEDS, st.floats(1e-6, 1e6))
def test_the_result_varies_no_more_than_the_target(one: int, other: int, size: float) -> None:
    noise = np.random.default_rng(one).standard_normal((24, 32)).astype(np.float32)
    target = relief(other)
    scale, _ = scale_and_shift(np.float32(size) * noise, target)
    assert 0.0 <= scale * size * noise.std() <= 1.5 * target.std()


@given(st.floats(0.1, 10.0))
def test_weights_choose_what_counts(weight: float) -> None:
    source = relief()
    target = np.where(np.arange(32) < 20, 2 * source, 5 * source + 7).astype(np.float32)
    weights = np.where(np.arange(32) < 20, 0.0, weight) * np.ones_like(source)
    assert scale_and_shift(source, target, weights) == pytest.approx((5.0, 7.0), rel=1e-3)
    assert scale_and_shift(np.zeros_like(source), target, weights)[1] == pytest.approx(target[:, 20:].mean(), rel=1e-5)


def test_a_light_majority_is_outweighed() -> None:
    source = relief()
    target = np.where(np.arange(32) < 24, 0.5 * source, 3 * source).astype(np.float32)
    weights = np.where(np.arange(32) < 24, 1e-3, 1.0) * np.ones_like(source)
    assert scale_and_shift(source, target, weights) == pytest.approx((3.0, 0.0), abs=2e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_left_out(value: float) -> None:
    source, target, weights = relief(), 2 * relief() + 1, np.ones((24, 32), np.float32)
    source[3, 4] = target[5, 6] = weights[7, 8] = value
    assert scale_and_shift(source, target, weights) == pytest.approx((2.0, 1.0), abs=1e-4)
    assert scale_and_shift(np.full_like(source, value), target) == (0.0, 0.0)


@given(st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_few_values_are_enough_to_answer(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    source, target = (random.random((rows, columns)).astype(np.float32) for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scale, shift = scale_and_shift(source, target)
    assert np.isfinite([scale, shift]).all() and scale >= 0.0


def test_agreement() -> None:
    target = relief()
    noise = np.random.default_rng(0).standard_normal(target.shape).astype(np.float32)
    assert agreement(target, target) == 1.0
    assert agreement(np.full_like(target, target.mean()), target) == pytest.approx(0.0, abs=1e-6)
    assert agreement(-5 * target, target) == 0.0
    assert agreement(target + 0.5 * np.float32(target.std()) * noise, target) == pytest.approx(0.75, abs=0.05)
    assert agreement(target, np.ones_like(target)) == agreement(target[:0], target[:0]) == 0.0


@given(SEEDS, SCALES, SHIFTS)
def test_a_symmetric_network_gains_nothing_by_flipping(seed: int, scale: float, shift: float) -> None:
    disparity = relief(seed)
    mirrored = (scale * disparity[:, ::-1].astype(np.float64) + shift).astype(np.float32)
    averaged = flip_averaged(disparity, mirrored)
    assert averaged.dtype == np.float32
    assert np.abs(averaged - disparity).max() < 1e-3 * (1 + 0.02 * abs(shift) / scale)


def test_flipping_averages_the_errors_of_both() -> None:
    truth = relief()
    random = np.random.default_rng(1)
    one, other = (truth + 0.1 * random.standard_normal(truth.shape).astype(np.float32) for _ in range(2))
    averaged = flip_averaged(one, 7 * other[:, ::-1] - 3)
    assert np.abs(averaged - truth).std() < 0.8 * np.abs(one - truth).std()


def test_a_mirror_image_that_tells_nothing_is_left_out() -> None:
    disparity = relief()
    assert np.array_equal(flip_averaged(disparity, np.ones_like(disparity)), disparity)
    damaged = disparity[:, ::-1].copy()
    damaged[2, 3] = np.nan
    assert np.isfinite(flip_averaged(disparity, damaged)).all()


@given(SEEDS, st.integers(1, 200))
def test_equal_weights_of_any_size_are_no_weights(seed: int, values: int) -> None:
    chance = np.random.default_rng(seed)
    source, target = chance.normal(size=(2, values)).astype(np.float32).round(1)
    assert scale_and_shift(source, target, np.full(values, 2.0)) == scale_and_shift(source, target)
