# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.training.made_sets import write_set
from training import augment, sets
from training.packed import Pack, Packed


@pytest.fixture
def stripes(tmp_path: Path) -> Packed:
    """An example whose disparity equals its red channel, so both must be changed alike."""
    random = np.random.default_rng(0)
    red = np.asarray(Image.fromarray(random.integers(0, 255, (6, 8)).astype(np.uint8)).resize((256, 192)))
    Image.fromarray(np.repeat(red[..., None], 3, axis=2)).save(tmp_path / "a.png")
    Image.fromarray(red).save(tmp_path / "a.disp.png")
    return packed(tmp_path)


def packed(folder: Path) -> Packed:
    """Returns the only example in a folder."""
    pack = Pack(folder / "pack")
    pack.add(sets.read([folder]))
    return pack.read(pack.entries[0])


@pytest.mark.parametrize("size", [(96, 128), (128, 96), (96, 96)])
def test_picture_and_disparity_are_cropped_alike(stripes: Packed, size: tuple[int, int]) -> None:
    for seed in range(8):
        part, disparity, scale, centre = augment.crop(stripes, size, np.random.default_rng(seed))
        assert scale >= size[1] / stripes.picture.shape[1]
        assert abs(centre[0] - size[1] / 2) < size[1] and abs(centre[1] - size[0] / 2) < size[0]
        assert part.size == (size[1], size[0])
        assert disparity.shape == size
        red = np.asarray(part.getchannel("R"), np.float32) / 255
        assert np.abs(red - disparity).mean() < 0.02


@pytest.mark.parametrize("divisor", [1, 2])
def test_only_labels_as_large_as_the_photo_have_sharp_edges(tmp_path: Path, divisor: int) -> None:
    write_set(tmp_path, ["a_1"], disparity_divisor=divisor)
    disparity = augment.crop(packed(tmp_path), (64, 96), np.random.default_rng(1)).disparity
    assert disparity.shape == (64, 96)
    assert np.isin(disparity, np.unique(sets.read([tmp_path])[0].disparity())).all() == (divisor == 1)


def test_the_middle_of_the_picture_stays_in_its_place(tmp_path: Path) -> None:
    """A bright spot in the middle of the picture is where a cut says that the optical axis is."""
    rows, columns = np.mgrid[:96, :128]
    spot = np.where(np.hypot(rows - 47.5, columns - 63.5) < 4, 255, 0).astype(np.uint8)
    Image.fromarray(np.repeat(spot[..., None], 3, axis=2)).save(tmp_path / "a.png")
    Image.fromarray(spot).save(tmp_path / "a.disp.png")
    for seed in range(12):
        cut = augment.crop(packed(tmp_path), (96, 128), np.random.default_rng(seed))
        bright = np.asarray(cut.picture.getchannel("R"), np.float64)
        if bright.sum() < 255 * 40:
            continue
        found = [(bright * place).sum() / bright.sum() for place in np.mgrid[:96, :128][::-1]]
        np.testing.assert_allclose(found, cut.centre, atol=0.5)


@given(st.integers(0, 2**32))
def test_a_degraded_picture_is_valid_and_keeps_its_edges(seed: int) -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, 24:] = 220
    worse = augment.degrade(Image.fromarray(pixels), np.random.default_rng(seed))
    assert worse.dtype == np.uint8
    assert worse.shape == pixels.shape
    steps = np.abs(np.diff(worse.astype(np.float64).mean(axis=(0, 2))))
    assert abs(int(steps.argmax()) - 23) <= 1


def test_many_seeds_make_many_pictures() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8))
    results = {augment.degrade(picture, np.random.default_rng(seed)).tobytes() for seed in range(20)}
    assert len(results) == 20
