# SPDX-License-Identifier: GPL-3.0-or-later
"""When two results count as the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.depth.engines.agreement import LARGEST_DIFFERENCE, compare, compare_all
from mono3d_addon.depth.engines.engine import Precision

PLAIN = np.random.default_rng(0).normal(size=(1, 40, 60)).astype(np.float32)
NOISE = np.random.default_rng(1).normal(size=PLAIN.shape).astype(np.float32)


@pytest.mark.parametrize(
    ("noise", "float32", "reduced"), [(0.0, True, True), (1e-4, True, True), (0.01, False, True), (0.1, False, False)]
)
def test_float32_is_held_to_more_than_a_reduced_precision(noise: float, float32: bool, reduced: bool) -> None:
    found = PLAIN + np.float32(noise) * NOISE
    assert compare(PLAIN, found, "float32").agrees == float32
    assert compare(PLAIN, found, "bfloat16").agrees == compare(PLAIN, found, "float16").agrees == reduced


def test_a_pattern_on_even_surfaces_is_seen_in_a_reduced_precision() -> None:
    """Rounded to eight binary digits a slope becomes a stair; the correlation hardly tells."""
    slope = np.add.outer(np.linspace(0.5, 0.9, 200), np.linspace(0.0, 0.05, 300)).astype(np.float32)[None]
    slope += np.float32(1e-4) * np.random.default_rng(2).normal(size=slope.shape).astype(np.float32)
    stair = (np.round(slope * 256) / 256).astype(np.float32)
    verdict = compare(slope, stair, "bfloat16")
    assert not verdict.agrees and verdict.correlation > 0.9999 and "uneven" in verdict.reason
    smooth = (slope + 0.002 * np.sin(np.linspace(0, 3, 300))).astype(np.float32)
    assert compare(slope, smooth, "bfloat16").agrees


def test_numbers_about_a_whole_picture_are_compared_too() -> None:
    plain = {"disparity": PLAIN, "scene": np.linspace(-2.0, 2.0, 12, dtype=np.float32)[None]}
    for scale, agrees in ((1.001, True), (-1.0, False)):
        found = {**plain, "scene": plain["scene"] * np.float32(scale)}
        assert compare_all(plain, found, "bfloat16").agrees == agrees


def test_a_photo_without_sky_may_have_other_traces_of_it() -> None:
    random = np.random.default_rng(0)
    traces = [random.uniform(0.0, 0.01, (1, 8, 8)).astype(np.float32) for _ in range(2)]
    assert compare_all({"sky": traces[0]}, {"sky": traces[1]}, "bfloat16").agrees
    assert not compare_all({"disparity": traces[0]}, {"disparity": traces[1]}, "bfloat16").agrees
    assert not compare_all({"sky": traces[0]}, {"sky": traces[1] + np.float32(0.5)}, "bfloat16").agrees


def test_one_wrong_pixel_is_seen_in_float32() -> None:
    found = PLAIN.copy()
    found[0, 3, 4] += 2 * LARGEST_DIFFERENCE * PLAIN.std()
    verdict = compare(PLAIN, found, "float32")
    assert not verdict.agrees and "0.002 standard deviations" in verdict.reason


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_verdict_can_be_stored(precision: Precision) -> None:
    verdict = compare(PLAIN, PLAIN + np.float32(1e-4), precision)
    assert (type(verdict.agrees), type(verdict.correlation), type(verdict.difference)) == (bool, float, float)


def test_the_reason_tells_the_correlation() -> None:
    verdict = compare(PLAIN, -PLAIN, "bfloat16")
    assert not verdict.agrees and verdict.correlation == pytest.approx(-1) and "-1.0000" in verdict.reason


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_numbers_out_of_range_never_agree(value: float, precision: Precision) -> None:
    found = PLAIN.copy()
    found[0, 0, 0] = value
    verdict = compare(PLAIN, found, precision)
    assert not verdict.agrees and verdict.reason == "its numbers are out of range"


def test_another_shape_never_agrees() -> None:
    assert not compare(PLAIN, PLAIN[:, :-1], "float16").agrees


@pytest.mark.parametrize(("value", "found", "agrees"), [(0, 0, True), (2, 2, True), (2, 2.001, True), (2, 3, False)])
def test_flat_results(value: float, found: float, agrees: bool) -> None:
    plain, other = (np.full((1, 4, 4), x, np.float32) for x in (value, found))
    assert compare(plain, other, "float16").agrees == compare(plain, other, "float32").agrees == agrees


@pytest.mark.parametrize("relief", [1.0, 0.1, 0.01])
def test_rounding_counts_by_the_size_of_the_numbers(relief: float) -> None:
    # A black picture has a relief of a few hundredths, and is as far off as others of its size.
    plain = (2.4 + relief * (PLAIN - PLAIN.mean()) / PLAIN.std()).astype(np.float32)
    assert compare(plain, plain * np.float32(1 + 1e-4), "float32").agrees
    assert not compare(plain, plain * np.float32(1 + 1e-2), "float32").agrees


def test_a_flat_result_of_a_picture_with_relief_does_not_agree() -> None:
    assert not compare(PLAIN, np.full_like(PLAIN, PLAIN.mean()), "float16").agrees


@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_a_result_agrees_with_itself_whatever_its_size(scale: float, shift: float) -> None:
    plain = PLAIN * np.float32(scale) + np.float32(shift)
    assert compare(plain, plain, "float32").agrees and compare(plain, plain, "float16").agrees


def test_every_array_has_to_agree() -> None:
    depth = np.random.default_rng(0).normal(size=(1, 16, 24)).astype(np.float32)
    plain = {"depth": depth, "normals": np.stack([depth] * 3, axis=-1)}
    assert compare_all(plain, plain, "float32").agrees
    other = plain | {"normals": -plain["normals"]}
    # Vectors are compared by component.
    assert compare_all(plain, other, "float32") == compare(depth, -depth, "float32")
    assert not compare_all(plain, other, "float32").agrees


def test_one_component_may_not_be_uneven() -> None:
    ramp = np.broadcast_to(np.linspace(1.0, 2.0, 240, dtype=np.float32), (1, 160, 240))
    plain = {"points": np.stack([100.0 * ramp, 100.0 * ramp, ramp], axis=-1)}
    noise = 0.01 * np.random.default_rng(0).standard_normal(ramp.shape).astype(np.float32)
    rough = {"points": np.stack([100.0 * ramp, 100.0 * ramp, ramp + noise], axis=-1)}
    verdict = compare_all(plain, rough, "float16")
    assert not verdict.agrees and "uneven" in verdict.reason


@pytest.mark.parametrize(("factor", "agrees"), [(1.01, True), (1.1, False)])
def test_the_scale_may_differ_by_a_share(factor: float, agrees: bool) -> None:
    plain = {"scale": np.array([[30.0]], np.float32)}
    assert compare_all(plain, {"scale": plain["scale"] * np.float32(factor)}, "float16").agrees is agrees
