# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender decodes picture files for a worker without packages: Pillow's values, and nothing else changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import state
from mono3d_addon.blender.photos import pixels
from mono3d_addon.core.photo.stated_size import stated_size
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from tests.blender import made, made_pictures
from tests.blender.made import bpy

PYTHON = os.environ.get("MONO3D_TEST_WORKER", "")
"""A Python with the worker's packages, which writes the pictures."""

pytestmark = pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages")

EXACT = (
    "a.jpg",
    "progressive.jpg",
    "noise 420.jpg",
    "noise 444.jpg",
    "grey.jpg",
    "several.mpo",
    *(f"turned {number}.jpg" for number in range(1, 9)),
    "lossy.webp",
    "alpha.webp",
    "lossless.webp",
    "a.jp2",
    "alpha.jp2",
    "grey.jp2",
    "deep.jp2",
    "8 bits.psd",
    "16 bits.psd",
    *(f"{kind} {word}.exr" for kind in ("full", "half") for word in ("NO", "RLE", "ZIP", "PIZ")),
)
"""Files whose values are the same in every Blender."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([PYTHON, str(made_pictures.__file__), str(folder)], check=True, timeout=120)
    return folder


@pytest.fixture
def kept(registered: None) -> None:
    """The state of the enabled add-on, in which decoded pixels are kept."""


def scene_data() -> tuple[Any, ...]:
    return len(bpy.data.images), sorted(one.name for one in bpy.data.images), bpy.data.is_dirty


@pytest.mark.smoke
@pytest.mark.parametrize("name", EXACT)
def test_the_values_are_those_of_the_file(pictures: Path, name: str) -> None:
    expected = np.load(pictures / f"{name}.npy")
    before = scene_data()
    found = pixels.read(pictures / name)
    assert scene_data() == before
    assert found.dtype == expected.dtype
    if expected.ndim == 2 and found.ndim == 3:
        assert (found == found[..., :1]).all()
        found = found[..., 0]
    assert found.shape == expected.shape and np.array_equal(found, expected)
    assert stated_size(pictures / name) == made_pictures.SIZE


def test_a_gif_is_read_or_refused_with_the_remedy(pictures: Path) -> None:
    try:
        found = pixels.read(pictures / "a.gif")
    except Mono3DError as error:
        assert "GIF" in str(error) and "Install" in str(error) and "PNG" in str(error)
    else:
        assert np.array_equal(found, np.load(pictures / "a.gif.npy"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("junk.jpg", "'junk.jpg' is damaged or cut off; copy it again."),
        ("head.jpg", "'head.jpg' is damaged or cut off; copy it again."),
        ("cut.webp", "Blender cannot read 'cut.webp': it is damaged, or a kind of WEBP"),
        ("layers.exr", "Blender cannot read 'layers.exr'"),
    ],
)
def test_damage_is_one_sentence(pictures: Path, name: str, words: str) -> None:
    before = scene_data()
    with pytest.raises(Mono3DError) as caught:
        pixels.read(pictures / name)
    assert str(caught.value).startswith(words) and scene_data() == before


@pytest.mark.parametrize("name", ["tile.1001.jpg", "frame_####.jpg", "größe {0} #1 100%.jpg", "<UDIM>.jpg", "n" * 240])
def test_any_name_is_read(pictures: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(pictures / "a.jpg", tmp_path / name)
    assert np.array_equal(pixels.read(tmp_path / name), np.load(pictures / "a.jpg.npy"))


def test_the_users_own_images_stay_as_they_are(empty_file: None, pictures: Path) -> None:
    own: Any = bpy.data.images.load(str(pictures / "a.jpg"))
    own.pixels[0] = 0.25
    painted = own.pixels[0]
    bpy.ops.ed.undo_push(message="painted")
    pixels.read(pictures / "a.jpg")
    assert list(bpy.data.images) == [own] and own.pixels[0] == painted and own.is_dirty
    assert own.colorspace_settings.name == "sRGB" and own.alpha_mode == "STRAIGHT"


def test_a_colour_profile_in_the_file_changes_nothing(pictures: Path, tmp_path: Path) -> None:
    """The worker converts the colours by the profile; Blender must not do it before."""
    code = (
        "import sys, numpy; sys.path.insert(0, sys.argv[3]); from PIL import Image;"
        "from tests.core.photo.picture_files import LINEAR, rgb_profile;"
        "Image.open(sys.argv[1]).save(sys.argv[2], quality=92, icc_profile=rgb_profile(LINEAR, 'linear'));"
        "numpy.save(sys.argv[2] + '.npy', numpy.asarray(Image.open(sys.argv[2])))"
    )
    made = tmp_path / "linear.jpg"
    command = [PYTHON, "-c", code, str(pictures / "a.jpg"), str(made), str(Path(__file__).parents[2])]
    subprocess.run(command, check=True, timeout=60)
    assert np.array_equal(pixels.read(made), np.load(f"{made}.npy"))


def test_only_what_needs_it_is_handed_over(kept: None, pictures: Path, tmp_path: Path) -> None:
    photo, mask, depth = tmp_path / "cup.jpg", tmp_path / "masks", tmp_path / "cup.exr"
    mask.mkdir()
    shutil.copy(pictures / "a.jpg", photo)
    shutil.copy(pictures / "grey.jpg", mask / "cup_mask.jpg")
    shutil.copy(pictures / "full PIZ.exr", depth)
    folder = tmp_path / "job"
    folder.mkdir()
    handed = pixels.for_job(photo, Settings(mask=str(mask), depth_file=str(depth)), folder)
    assert set(handed) == {str(photo), str(mask / "cup_mask.jpg"), str(depth)}
    assert all(Path(place).parent == folder for place in handed.values())
    assert np.array_equal(np.load(handed[str(photo)]), np.load(pictures / "a.jpg.npy"))
    plain = tmp_path / "plain.png"
    plain.write_bytes((Path(__file__).parents[1] / "photos" / "coffee.png").read_bytes())
    assert pixels.for_job(plain, Settings(), folder) == {}
    assert pixels.for_job(tmp_path / "gone.jpg", Settings(mask="/nowhere"), folder) == {}


def test_a_photo_is_decoded_once_for_its_description_and_its_mesh(
    kept: None, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = pixels.read
    seen: list[str] = []

    def watched(path: Path) -> Any:
        seen.append(path.name)
        return read(path)

    monkeypatch.setattr(pixels, "read", watched)
    names = ["a.jpg", "grey.jpg", "lossy.webp", "a.jp2"]
    for name in names:
        shutil.copy(pictures / name, tmp_path)
    for job in ("first", "second"):
        (tmp_path / job).mkdir()
        for name in names[:3]:
            handed = pixels.hand_over([tmp_path / name], 100.0, tmp_path / job)
            assert Path(handed[str(tmp_path / name)]).parent == tmp_path / job
    assert seen == names[:3]
    scratch = next(iter(state.current.decoded.values())).parent
    pixels.hand_over([tmp_path / "a.jp2"], 100.0, tmp_path / "first")
    assert len(list(scratch.glob("pixels-*.npy"))) == 3, "more than the last few are kept"
    os.utime(tmp_path / "a.jp2", ns=(1, 1))
    pixels.hand_over([tmp_path / "a.jp2"], 100.0, tmp_path / "first")
    assert seen[3:] == ["a.jp2", "a.jp2"], "a changed file must be decoded again"
    pixels.hand_over([tmp_path / "a.jp2"], 100.0, tmp_path / "second", is_for_more=False)
    assert len(seen) == 6


def test_a_photo_that_is_too_large_is_not_decoded(
    kept: None, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "read", None)
    for name in ("a.jpg", "lossy.webp", "alpha.webp", "lossless.webp", "a.gif", "a.jp2", "8 bits.psd", "full PIZ.exr"):
        with pytest.raises(Mono3DError, match="210 x 140 pixels, more than the limit of 0.02 megapixels"):
            pixels.hand_over([pictures / name], 0.02, tmp_path)


@pytest.mark.parametrize("name", ["only Z.exr", "only depth.exr", "layers.exr"])
def test_channels_that_blender_does_not_look_for_are_refused(
    kept: None, pictures: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before version 5.2 it returns pixels that were never read."""
    monkeypatch.setattr(pixels, "needs_hand_over", lambda path: True)
    with pytest.raises(Mono3DError, match="Blender cannot read.*Install"):
        pixels.hand_over([pictures / name], 100.0, tmp_path)


def test_a_full_disk_is_one_sentence(kept: None, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Mono3DError, match="cannot be stored.*free disk space"):
        pixels.hand_over([pictures / "a.jpg"], 100.0, tmp_path / "nowhere", is_for_more=False)


def test_twelve_megapixels_take_a_moment(tmp_path: Path) -> None:
    code = (
        "import sys; from PIL import Image; Image.open(sys.argv[1]).resize((4000, 3000)).save(sys.argv[2], quality=90)"
    )
    china = Path(__file__).parents[1] / "photos" / "china.jpg"
    subprocess.run([PYTHON, "-c", code, str(china), str(tmp_path / "a.jpg")], check=True)
    began = time.perf_counter()
    assert pixels.read(tmp_path / "a.jpg").shape == (3000, 4000, 3)
    seconds = time.perf_counter() - began
    print(f"12 megapixels decoded in {seconds:.2f} s")
    assert seconds < made.patience(5.0)
