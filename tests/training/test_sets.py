# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.shared_data import path
from training import sets


def _write(folder: Path, name: str, kind: type[np.unsignedinteger]) -> None:
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.full((6, 8, 3), 90, np.uint8)).save(folder / f"{name}.png")
    largest = np.iinfo(kind).max
    Image.fromarray(np.linspace(0, largest, 12).reshape(3, 4).astype(kind)).save(folder / f"{name}.disp.png")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_folder_and_an_archive_hold_the_same(tmp_path: Path, kind: type[np.unsignedinteger]) -> None:
    for name in ("b_1", "a_2"):
        _write(tmp_path / "set", name, kind)
    archive = tmp_path / "set.tar"
    with tarfile.open(archive, "w") as stream:
        stream.add(tmp_path / "set", "set")
    for place in (tmp_path / "set", archive):
        found = sets.read([place])
        assert [example.name for example in found] == ["a_2", "b_1"]
        assert found[0].picture().size == (8, 6)
        disparity = found[0].disparity()
        assert disparity.dtype == np.float32
        np.testing.assert_allclose(disparity, np.linspace(0, 1, 12).reshape(3, 4), atol=1 / 255)


def test_a_picture_without_disparity_is_skipped_and_an_empty_folder_refused(tmp_path: Path) -> None:
    _write(tmp_path / "set", "whole", np.uint8)
    (tmp_path / "set" / "lonely.jpg").write_bytes(b"")
    assert [example.name for example in sets.read([tmp_path / "set"])] == ["whole"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no picture with its disparity in .*empty"):
        sets.read([tmp_path / "empty"])


def test_colour_is_no_disparity(tmp_path: Path) -> None:
    _write(tmp_path / "set", "a", np.uint8)
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "set" / "a.disp.png")
    with pytest.raises(ValueError, match="disparity of a is no picture of one channel"):
        sets.read([tmp_path / "set"])[0].disparity()


def test_the_hash_gives_the_published_split() -> None:
    lines = path("starter/set/split.txt").read_text().split("\n")
    for name, part in (line.split() for line in lines if line):
        assert sets.is_held_out(name) == (part == "held"), name


def test_these_pictures_are_held_out() -> None:
    held = [number for number in range(200) if sets.is_held_out(f"photo_{number}")]
    assert held == [21, 23, 32, 102, 106, 121, 138, 157, 164, 173]


def test_a_turned_photo_is_upright(tmp_path: Path) -> None:
    _write(tmp_path / "set", "a", np.uint8)
    (tmp_path / "set" / "a.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (90, 60)).save(tmp_path / "set" / "a.jpg", exif=exif)
    assert sets.read([tmp_path / "set"])[0].picture().size == (60, 90)
