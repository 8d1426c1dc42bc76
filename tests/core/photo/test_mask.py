# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core.photo.mask import masked
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.errors import Mono3DError


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    Image.new("RGB", (80, 60), (10, 200, 30)).save(tmp_path / "cup.png")
    return read_photo(tmp_path / "cup.png")


def half(width: int, height: int) -> Image.Image:
    """Returns a picture whose left half is white."""
    values = np.zeros((height, width), np.uint8)
    values[:, : width // 2] = 255
    return Image.fromarray(values)


def test_no_mask_leaves_the_photo_alone(photo: Photo) -> None:
    assert masked(photo, "", 100.0) is photo


@pytest.mark.parametrize("size", [(80, 60), (8, 6), (2, 1), (400, 300)])
def test_white_is_kept_at_any_size(photo: Photo, tmp_path: Path, size: tuple[int, int]) -> None:
    half(*size).save(tmp_path / "m.png")
    mask = masked(photo, str(tmp_path / "m.png"), 100.0).mask
    assert mask is not None and mask.shape == (60, 80)
    assert mask[:, :39].all() and not mask[:, 41:].any()


def test_the_photos_own_transparency_counts_too(tmp_path: Path) -> None:
    values = np.full((60, 80, 4), 255, np.uint8)
    values[:30, :, 3] = 0
    Image.fromarray(values).save(tmp_path / "glass.png")
    half(80, 60).save(tmp_path / "m.png")
    mask = masked(read_photo(tmp_path / "glass.png"), str(tmp_path / "m.png"), 100.0).mask
    assert mask is not None
    assert mask[30:, :40].all() and mask.sum() == 30 * 40


def test_a_white_mask_masks_nothing(photo: Photo, tmp_path: Path) -> None:
    Image.new("L", (9, 9), 255).save(tmp_path / "m.png")
    assert masked(photo, str(tmp_path / "m.png"), 100.0).mask is None


def test_what_is_transparent_in_the_mask_is_not_kept(photo: Photo, tmp_path: Path) -> None:
    values = np.full((60, 80, 4), 255, np.uint8)
    values[:, 40:, 3] = 0
    Image.fromarray(values).save(tmp_path / "m.png")
    mask = masked(photo, str(tmp_path / "m.png"), 100.0).mask
    assert mask is not None and mask[:, :40].all() and not mask[:, 41:].any()


@pytest.mark.parametrize("name", ["cup.png", "cup_mask.png", "CUP.JPG", "cup-mask.webp"])
def test_a_folder_has_one_for_each_photo(photo: Photo, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    Image.new("L", (80, 60), 0).save(folder / "other.png")
    half(80, 60).save(folder / name)
    mask = masked(photo, str(folder), 100.0).mask
    assert mask is not None and mask[:, 0].all()


def test_a_photo_is_not_its_own_mask(photo: Photo, tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match=r"holds no mask for 'cup\.png'; it would be called"):
        masked(photo, str(tmp_path), 100.0)
    half(80, 60).save(tmp_path / "cup_mask.png")
    assert masked(photo, str(tmp_path), 100.0).mask is not None


def test_bad_masks_are_one_sentence(photo: Photo, tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"no picture")
    Image.new("L", (80, 60), 0).save(tmp_path / "black.png")
    half(800, 600).save(tmp_path / "large.png")
    for name, limit, words in (
        ("m.png", 100.0, "mask cannot be used.*not a photo"),
        ("gone.png", 100.0, "There is no mask"),
        ("black.png", 100.0, r"'black\.png' keeps nothing of 'cup\.png'"),
        ("large.png", 0.1, "more than the limit"),
    ):
        with pytest.raises(Mono3DError, match=words) as caught:
            masked(photo, str(tmp_path / name), limit)
        assert "\n" not in str(caught.value)
