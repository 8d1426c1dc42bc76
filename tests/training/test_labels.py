# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.estimate import Estimate
from mono3d_addon.depth.estimator import AS_TRAINED, Estimator, InferenceOptions
from mono3d_addon.errors import Mono3DError
from training import labels, photos, sets

Floats = NDArray[np.float32]


class _Teacher:
    """Returns brightness as disparity, with a different scale, shift and size for each network size."""

    gains_by_many = True

    def __init__(self, bad_size: int = 0) -> None:
        self.bad_size = bad_size
        self.looks: list[tuple[int, InferenceOptions]] = []

    def estimate_all(self, seen: Sequence[NDArray[np.uint8]], look: InferenceOptions = AS_TRAINED) -> list[Estimate]:
        self.looks.append((len(seen), look))
        return [Estimate(self._disparity(photo, look.network_size), "made") for photo in seen]

    def _disparity(self, photo: NDArray[np.uint8], size: int) -> Floats:
        grey = Image.fromarray(photo).convert("L").convert("F").resize((size, size), Image.Resampling.BILINEAR)
        scale = -1.0 if size == self.bad_size else size / 100
        return np.asarray(grey) * np.float32(scale) + np.float32(size)


def _teacher(bad_size: int = 0) -> tuple[Estimator, _Teacher]:
    made = _Teacher(bad_size)
    return cast(Estimator, made), made


def _ramp(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    return np.repeat(np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))[..., None], 3, axis=2)


@pytest.mark.parametrize("bad_size", [0, 64])
def test_sizes_are_brought_together_and_spread_from_0_to_1(bad_size: int) -> None:
    teacher, made = _teacher(bad_size)
    photo = _ramp()
    (found,) = labels.disparities([photo], teacher, [64, 32])
    assert found.shape == (64, 96) and found.dtype == np.float32
    assert found.min() == 0.0 and found.max() == pytest.approx(1.0)
    np.testing.assert_allclose(found, photo[..., 0] / 255.0, atol=0.04)
    assert made.looks == [
        (1, InferenceOptions(network_size=32, flip=True)),
        (1, InferenceOptions(network_size=64, flip=True)),
    ]


def test_a_photo_without_depth_gets_zeros() -> None:
    (found,) = labels.disparities([np.full((40, 50, 3), 80, np.uint8)], _teacher()[0], [32])
    assert not found.any()


def test_a_folder_becomes_a_set_and_existing_files_stay(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    for number in range(10):
        Image.fromarray(_ramp(96, 40 + number)).save(source / f"made_{number:03d}.jpg")
    (source / "packages").mkdir()
    (source / "made_003.json").write_text('{"focal": 0.9}', encoding="utf-8")
    teacher, made = _teacher()
    done: list[tuple[int, int]] = []
    assert labels.label(source, tmp_path / "set", teacher, [32], lambda *told: done.append(told)) == 10
    assert done == [(8, 10), (10, 10)]
    examples = sets.read([tmp_path / "set"])
    assert [example.name for example in examples] == [f"made_{number:03d}" for number in range(10)]
    for example in examples:
        picture, disparity = example.picture(), example.disparity()
        assert disparity.shape == picture.size[::-1]
        np.testing.assert_allclose(disparity, np.asarray(picture.convert("L")) / 255.0, atol=0.05)
    assert (tmp_path / "set" / "made_003.jpg").read_bytes() == (source / "made_003.jpg").read_bytes()
    # What the photo's file tells of its lens goes with it.
    assert [example.metric() for example in examples if example.metric_at] == [sets.Metric(focal=0.9)]
    assert examples[3].metric() == sets.Metric(focal=0.9)
    (tmp_path / "set" / "made_004.disp.png").unlink()
    assert labels.label(source, tmp_path / "set", teacher, [32]) == 1
    assert [count for count, _ in made.looks] == [8, 2, 1]


def test_endings_in_capitals_are_photos_and_nothing_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(Mono3DError, match="no .jpg or .png photo"):
        labels.label(tmp_path / "photos", tmp_path / "set", _teacher()[0], [32])
    Image.fromarray(_ramp()).save(tmp_path / "photos" / "DSC_1.JPG")
    assert labels.label(tmp_path / "photos", tmp_path / "set", _teacher()[0], [32]) == 1
    assert [example.name for example in sets.read([tmp_path / "set"])] == ["DSC_1"]


@pytest.mark.torch
def test_the_bundled_model_labels_photos(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        Image.fromarray(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)).save(source / f"made_{number:03d}.png")
    command = [
        "label",
        "--photos",
        str(source),
        "--out",
        str(tmp_path / "set"),
        "--data-folder",
        str(tmp_path / "data"),
    ]
    assert photos.main([*command, "--device", "cpu", "--sizes", "64", "96"]) == 0
    examples = sets.read([tmp_path / "set"])
    assert len(examples) == 2
    for example in examples:
        disparity = example.disparity()
        assert disparity.shape == (64, 96)
        assert disparity.min() == 0.0 and disparity.max() == 1.0
        assert np.unique(disparity).size > 256


@pytest.mark.torch
def test_missing_weights_end_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["label", "--photos", str(tmp_path), "--out", str(tmp_path / "set"), "--data-folder", str(tmp_path)]
    assert photos.main([*command, "--weights", str(tmp_path / "none.safetensors")]) == 1
    assert "none.safetensors does not exist" in capsys.readouterr().err
