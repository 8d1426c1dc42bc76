# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from tests.training.made_sets import write_set
from training import sets
from training.batches import Batches, shape

pytestmark = pytest.mark.torch
SMALL = (64, 96)


def _batches(folder: Path, **changes: object) -> Batches:
    photos = sets.read([write_set(folder / "photos", ["p_1", "p_2"], disparity_divisor=2)])
    exact = sets.read([write_set(folder / "exact", ["e_1"])])
    choices = {
        "count": 10,
        "size": 5,
        "exact_share": 0.4,
        "large_share": 0.2,
        "seed": 3,
        "small": SMALL,
        "large": (96, 128),
    }
    return Batches(**{"photos": photos, "exact": exact, **choices, **changes})  # type: ignore[arg-type]


def test_a_batch_holds_both_kinds_in_one_shape(tmp_path: Path) -> None:
    batch = _batches(tmp_path)[0]
    count, channels, height, width = batch.pictures.shape
    assert (count, channels) == (5, 3)
    assert batch.labels.shape == (3, height, width)
    assert batch.truths.shape == (2, height, width)
    assert batch.pictures.dtype == torch.float32
    assert batch.pictures.min() >= -1.0
    assert batch.pictures.max() <= 1.0


def test_a_batch_depends_on_its_number_only(tmp_path: Path) -> None:
    batches = _batches(tmp_path)
    for first, second in zip(batches[4], _batches(tmp_path)[4], strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(batches[4].pictures.flatten()[:1000], batches[5].pictures.flatten()[:1000])
    assert len(batches) == 10


def test_the_last_steps_have_large_pictures(tmp_path: Path) -> None:
    batches = _batches(tmp_path)
    areas = [batches[number].pictures[0, 0].numel() for number in range(10)]
    assert max(areas[:8]) < min(areas[8:])


@pytest.mark.parametrize("kind", ["photos", "exact"])
def test_one_kind_is_enough(tmp_path: Path, kind: str) -> None:
    batch = _batches(tmp_path, **{kind: []})[0]
    assert len(batch.pictures) == 5
    assert len(batch.labels if kind == "photos" else batch.truths) == 0


def test_the_share_is_kept_on_average(tmp_path: Path) -> None:
    batches = _batches(tmp_path, exact_share=0.3, count=40)
    share = np.mean([len(batches[number].truths) / 5 for number in range(40)])
    assert 0.25 < share < 0.36


def test_shapes_suit_the_network() -> None:
    random = np.random.default_rng(0)
    shapes = {shape((160, 224), random) for _ in range(100)}
    assert shapes == {(160, 224), (224, 160), (160, 160)}
