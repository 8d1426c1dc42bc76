# SPDX-License-Identifier: GPL-3.0-or-later
"""The difficult files that no test of a module names: masks, depth maps, private data, names, and colours by others."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from mono3d_addon.core.photo.companions import MASK, companion
from mono3d_addon.core.photo.mask import masked, read_mask
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.depth_source import depth_from_file
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run import photos
from mono3d_addon.settings import Settings
from tests import shared_data


@pytest.mark.parametrize(
    ("name", "share"), [("mask_white0_16.tif", 0.25), ("mask16.png", 0.25), ("mask_palette_inverted.png", 0.75)]
)
def test_white_of_a_mask_is_kept(name: str, share: float) -> None:
    assert read_mask(shared_data.case(f"masks/{name}"), (120, 80), 100.0).mean() == share


def test_a_mask_of_labels_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    Image.new("RGB", (120, 80)).save(tmp_path / "cup.png")
    with pytest.raises(Mono3DError, match="white is kept"):
        masked(read_photo(tmp_path / "cup.png"), str(shared_data.case("masks/mask_labels01.png")), 100.0)


@pytest.mark.parametrize(
    ("name", "words"), [("zero", "is 0 everywhere"), ("neg", "-z axis"), ("huge1e30", "no distance below")]
)
def test_depth_without_a_distance_is_refused_with_the_reason(name: str, words: str, tmp_path: Path) -> None:
    Image.new("RGB", (48, 32)).save(tmp_path / "cup.png")
    settings = Settings(depth_file=str(shared_data.case(f"depth/depth_{name}.npy")))
    with pytest.raises(Mono3DError, match=words):
        depth_from_file(read_photo(tmp_path / "cup.png"), settings)


@pytest.mark.parametrize("name", ["gps_upright.jpg", "motion_photo.jpg", "trailing_mp4.jpg"])
def test_no_texture_holds_position_owner_or_video(name: str, tmp_path: Path) -> None:
    texture = read_photo(shared_data.case(f"files/{name}")).write_texture(tmp_path).read_bytes()
    assert not [word for word in (b"Exif", b"GPS", b"ftyp", b"http://ns.adobe.com") if word in texture]


@pytest.mark.thorough
def test_many_scans_take_at_most_four_times_as_long(tmp_path: Path) -> None:
    path = shared_data.case("files/bomb_progressive_scans.jpg")
    began = time.process_time()
    photo = read_photo(path)
    took = time.process_time() - began
    assert "310 scans" in photo.notes[0]
    Image.fromarray(photo.pixels).save(tmp_path / "plain.jpg")
    began = time.process_time()
    read_photo(tmp_path / "plain.jpg")
    assert took < 4 * (time.process_time() - began)


def test_brackets_and_unicode_forms_of_names() -> None:
    folder = shared_data.case("names")
    assert len(photos.find([str(folder / "shoot[2024]" / "*.jpg")]).tasks) == 2
    (photo,) = (folder / "nf").iterdir()
    assert companion(str(folder / "masks_nfd"), photo, *MASK).parent.name == "masks_nfd"


def test_all_endings_are_found_in_folders() -> None:
    folders = sorted(shared_data.case("files/endings").iterdir())
    found = photos.find([str(folder) for folder in folders]).tasks
    assert len(found) == len(folders) > 5 and not any(one.problem for one in found)
    for one in found:
        assert min(read_photo(one.path).size) > 16


def test_lab_is_what_little_cms_makes_of_it() -> None:
    """The samples of this file are those of the RGB picture under the tag of CIELab, so its colours are odd ones."""
    path = shared_data.case("colour/lab8.tif")
    to_srgb = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    with Image.open(path) as picture:
        right = np.asarray(ImageCms.applyTransform(picture, to_srgb), np.float64)
    assert np.abs(read_photo(path).pixels - right).mean() < 1.0


def test_planar_premultiplied_and_upside_down_pixels() -> None:
    targa = read_photo(shared_data.case("colour/top_left.tga"))
    assert targa.size == (75, 70) and targa.pixels[:10].mean() != targa.pixels[-10:].mean()
    flower = read_photo(shared_data.case("colour/flower-rgb-planar-16.tif")).pixels.astype(float)
    # A picture, not noise: neighbours are alike.
    assert np.abs(np.diff(flower, axis=1)).mean() < 0.4 * flower.std()
    grey = read_photo(shared_data.case("colour/La_premultiplied.tiff"))
    assert grey.mask is not None and np.ptp(grey.pixels[grey.mask]) > 0
