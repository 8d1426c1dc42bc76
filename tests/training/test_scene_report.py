# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest

from mono3d_addon.core.scene_guess import Guess, SceneGuess
from training import scene_report
from training.scene_report import Truth
from training.sets import Metric


def test_near_and_far_are_percentiles_without_the_sky() -> None:
    disparity = np.concatenate([np.zeros(500), np.linspace(0.1, 1.0, 1001)]).astype(np.float32)[None]
    truth = scene_report.truth_of(disparity, Metric("room", 2.0, 0.8))
    assert truth.near == pytest.approx(0.5 / 0.991, rel=1e-3) and truth.far == pytest.approx(0.5 / 0.109, rel=1e-3)
    assert math.isnan(scene_report.truth_of(np.zeros((2, 2), np.float32), Metric("room", 2.0, 0.8)).near)
    flat = scene_report.truth_of(disparity, Metric("flat", 2.0, 0.8))
    assert math.isnan(flat.near) and math.isnan(flat.far) and (flat.focal, flat.kind) == (0.8, "flat")


def test_factors_are_those_of_the_errors() -> None:
    guess = SceneGuess(Guess(2.0, 0.5), Guess(8.0, 0.5), Guess(0.8, 0.1), {"room": 0.7, "street": 0.3})
    truth = Truth(1.0, 8.0, 0.8, "room")
    found = scene_report.errors([guess], [truth])
    assert math.exp(abs(found["near"][0])) == pytest.approx(2.0)
    assert math.exp(abs(found["far / near"][0])) == pytest.approx(2.0)
    assert found["far"][0] == 0.0
    lines = scene_report.table({"one": [guess, SceneGuess()]}, [truth, truth]).splitlines()
    assert lines[2].startswith("| one | 2.00 ±") and lines[2].endswith("| 100% |")


def test_photos_with_a_lens_have_its_columns_and_rows_only() -> None:
    guess = SceneGuess(Guess(2.0, 0.5), Guess(8.0, 0.5), Guess(0.8, 0.1), {"room": 0.7, "street": 0.3})
    truth = scene_report.truth_of(np.ones((2, 2), np.float32), Metric(focal=0.8))
    head, _, row = scene_report.table({"one": [guess]}, [truth]).splitlines()
    assert head == "| | lens | lens, degrees |" and row.startswith("| one | 1.00 ±")
    assert scene_report.reliability_table({"one": [guess]}, [truth]).splitlines()[2:] == [
        "| one: lens | 100% | 100% | 100% |"
    ]


def test_honest_deviations_hold_what_they_promise() -> None:
    random = np.random.default_rng(0)
    scale = 0.3
    truths = [Truth(math.exp(error), math.nan, 0.8, None) for error in random.laplace(0.0, scale, 4000)]
    for factor in (1.0, 0.5):
        guess = SceneGuess(near=Guess(1.0, factor * scale * math.sqrt(2.0)))
        shares = scene_report.reliability([guess] * len(truths), truths)["near"]
        if factor == 1.0:
            assert shares == pytest.approx(scene_report.LEVELS, abs=0.03)
        else:
            assert all(share < level - 0.1 for share, level in zip(shares, scene_report.LEVELS, strict=True))
