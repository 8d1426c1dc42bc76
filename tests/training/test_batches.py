# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from mono3d_addon.depth.scene_vector import KINDS
from tests.training.made_sets import write_set
from training.augment import crop
from training.batches import NOT_KNOWN, Batches, Source, facts, shape
from training.packed import Pack

pytestmark = pytest.mark.torch
SMALL = (64, 96)


def source(folder: Path, *, is_growing: bool = False) -> Source:
    made = Source(Pack(folder / "pack"), [folder], is_growing=is_growing)
    made.fill()
    return made


def _batches(folder: Path, **changes: object) -> Batches:
    photos = source(write_set(folder / "photos", ["p_1", "p_2"], disparity_divisor=2))
    exact = source(write_set(folder / "exact", ["e_1"], is_metric=True))
    choices = {
        "count": 10,
        "size": 5,
        "exact_share": 0.4,
        "large_share": 0.2,
        "seed": 3,
        "small": SMALL,
        "large": (96, 128),
        "done": lambda number: number / 10,
    }
    return Batches(**{"photos": photos, "exact": exact, **choices, **changes})  # type: ignore[arg-type]


def test_a_batch_holds_both_kinds_in_one_shape(tmp_path: Path) -> None:
    batch = _batches(tmp_path)[0]
    count, channels, height, width = batch.pictures.shape
    assert (count, channels) == (5, 3)
    assert batch.labels.shape == (3, height, width)
    assert batch.truths.shape == (2, height, width)
    assert batch.pictures.dtype == torch.uint8


def test_a_batch_knows_metres_lens_and_kind_of_renders(tmp_path: Path) -> None:
    batch = _batches(tmp_path)[0]
    truths, facts = batch.truths, batch.facts
    assert facts.kind.tolist() == [2, 2] and facts.has_sky.all()
    for truth, (near, far, focal), pixels in zip(truths, facts.scene.tolist(), facts.focal.tolist(), strict=True):
        seen = truth[truth > 0.0]
        assert near == pytest.approx(-np.log(2.0 * np.percentile(seen, 99)), abs=0.05)
        assert far == pytest.approx(-np.log(2.0 * np.percentile(seen, 1)), abs=0.05)
        assert np.exp(focal) * max(truth.shape) == pytest.approx(pixels)
        # A crop is a smaller part of the picture, and its lens a longer one.
        assert np.exp(focal) >= 0.8 * (1 - 1e-5)


def test_distances_of_flat_pictures_are_not_used(tmp_path: Path) -> None:
    exact = write_set(tmp_path / "flat", ["f_1"], is_metric=True)
    (exact / "f_1.json").write_text('{"kind": "flat", "inverse_metres": 2.0, "focal": 0.8}', encoding="utf-8")
    facts = _batches(tmp_path, exact=source(exact))[0].facts
    assert facts.kind.tolist() == [KINDS.index("flat")] * 2
    assert facts.scene[:, :2].isnan().all() and facts.scene[:, 2].isfinite().all()


def test_what_is_not_known_is_marked(tmp_path: Path) -> None:
    exact = source(write_set(tmp_path / "plain", ["e_1"]))
    facts = _batches(tmp_path, exact=exact)[0].facts
    assert facts.kind.tolist() == [NOT_KNOWN] * 2
    assert torch.isnan(facts.scene).all() and torch.isnan(facts.focal).all() and not facts.has_sky.any()


def test_a_photo_may_tell_its_lens_alone(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "lens", ["p_2", "p_3"])
    (folder / "p_2.json").write_text('{"focal": 0.9}', encoding="utf-8")
    photos = source(folder)
    assert len(photos.by_kind[None]) == 2
    batch = _batches(tmp_path, photos=photos)[0]
    assert batch.labels.shape[0] == 3 and batch.facts.has_sky.tolist() == [True, True]
    known = next(entry for entry in photos.pack.entries if entry.metric)
    told = facts([known], [crop(photos.pack.read(known), SMALL, np.random.default_rng(0))])
    assert torch.isfinite(told.focal).all() and torch.isfinite(told.scene[:, 2]).all()
    assert torch.isnan(told.scene[:, :2]).all() and not told.has_sky.any()


def test_renders_are_used_as_they_are_made(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "exact", ["e_1"], is_metric=True)
    growing = source(folder, is_growing=True)
    batches = _batches(tmp_path, photos=None, exact=growing, refill=2)
    write_set(folder, ["e_2", "e_3"], is_metric=True)
    (folder / "e_3.json").unlink()
    batches[1]
    assert len(growing.pack.entries) == 1
    batches[2]
    assert [entry.name for entry in growing.pack.entries] == ["e_1", "e_2"], "e_3 is not complete"
    assert [entry.name for entry in Pack(growing.pack.folder).entries] == ["e_1", "e_2"]


def test_a_batch_depends_on_its_number_only(tmp_path: Path) -> None:
    batches = _batches(tmp_path)
    for first, second in zip(batches[4][:3], _batches(tmp_path)[4][:3], strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(batches[4].pictures.flatten()[:1000], batches[5].pictures.flatten()[:1000])
    assert len(batches) == 10


def test_the_last_steps_have_large_pictures(tmp_path: Path) -> None:
    batches = _batches(tmp_path)
    areas = [batches[number].pictures[0, 0].numel() for number in range(10)]
    assert max(areas[:8]) < min(areas[8:])


@pytest.mark.parametrize("kind", ["photos", "exact"])
def test_one_kind_is_enough(tmp_path: Path, kind: str) -> None:
    batch = _batches(tmp_path, **{kind: None})[0]
    assert len(batch.pictures) == 5
    assert len(batch.labels if kind == "photos" else batch.truths) == 0


def test_the_share_is_kept_on_average(tmp_path: Path) -> None:
    batches = _batches(tmp_path, exact_share=0.3, count=40)
    share = np.mean([len(batches[number].truths) / 5 for number in range(40)])
    assert 0.25 < share < 0.36


def test_shapes_suit_the_network() -> None:
    random = np.random.default_rng(0)
    shapes = {shape((160, 224), random) for _ in range(100)}
    assert shapes == {(160, 224), (224, 160), (160, 160), (128, 288), (288, 128)}
