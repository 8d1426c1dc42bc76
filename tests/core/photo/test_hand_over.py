# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that another program has decoded give the photo that Pillow gives."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.photo.hand_over import NOTHING, HandedOver, handed_over, needs_hand_over
from mono3d_addon.core.photo.mask import masked
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT
from tests.core.photo.picture_files import exr_header, png, tags_of, tiff
from tests.core.photo.test_colours import TRUTH, adobe_jpeg


def handing(folder: Path, path: Path, values: NDArray[Any]) -> HandedOver:
    np.save(folder / "values.npy", values, allow_pickle=False)
    return handed_over({"decoded": {str(path): str(folder / "values.npy")}})


def encoded(form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(TRUTH).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "needs"),
    [
        ("a.jpg", encoded("JPEG"), True),
        ("named_wrongly.png", encoded("JPEG"), True),
        ("a.webp", encoded("WEBP", lossless=True), True),
        ("a.gif", encoded("GIF"), True),
        ("a.jp2", encoded("JPEG2000"), True),
        ("a.tif", encoded("TIFF", compression="jpeg"), True),
        ("a.psd", b"8BPS" + bytes(40), True),
        ("a.exr", exr_header((9, 9)), True),
        ("b.exr", exr_header((9, 9), compression=3), False),
        ("cut.exr", b"\x76\x2f\x31\x01" + bytes(40), False),
        ("cut.jpg", b"\xff" + bytes(40), True),
        ("a.png", png(TRUTH), False),
        ("named_wrongly.jpg", png(TRUTH), False),
        ("b.tif", encoded("TIFF"), False),
        ("c.tif", tiff(tags_of(TRUTH, 2, _259=("H", (8,))), [zlib.compress(TRUTH.tobytes())]), False),
        ("a.bmp", encoded("BMP"), False),
        ("a.tga", encoded("TGA"), False),
        ("a.ppm", encoded("PPM"), False),
        ("a.hdr", b"#?RADIANCE\n", False),
        ("a.heic", b"\0\0\0\x18ftypheic" + bytes(40), False),
        ("a.npy", b"\x93NUMPY" + bytes(40), False),
        ("empty.jpg", b"", True),
        ("empty.tif", b"II*\0", False),
    ],
)
def test_the_content_decides_what_is_handed_over(tmp_path: Path, name: str, content: bytes, needs: bool) -> None:
    (tmp_path / name).write_bytes(content)
    assert needs_hand_over(tmp_path / name) == needs


def test_what_cannot_be_opened_is_not_handed_over(tmp_path: Path) -> None:
    assert not needs_hand_over(tmp_path / "gone.jpg")
    assert not needs_hand_over(tmp_path)


def same(one: Photo, other: Photo, within: int = 0) -> None:
    assert one.size == other.size
    assert np.abs(one.pixels.astype(int) - other.pixels).max() <= within
    assert (one.lens, one.digest, one.texture, one.notes) == (other.lens, other.digest, other.texture, other.notes)
    assert (one.mask is None) == (other.mask is None) and np.array_equal(one.mask, other.mask)  # type: ignore[arg-type]


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_the_file_still_says_all_else(tmp_path: Path, orientation: int, has_alpha: bool) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    exif.get_ifd(0x8769)[41989] = 28
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded("JPEG", exif=exif))
    values = np.asarray(Image.open(path))
    if has_alpha:
        values = np.dstack([values, np.full(values.shape[:2], 255, np.uint8)])
    photo = read_photo(path, handed=handing(tmp_path, path, values))
    same(photo, read_photo(path))
    assert photo.lens.focal_length_35mm == 28.0 and (photo.texture is not None) == (orientation == 1)


def test_colours_are_converted_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(adobe_jpeg(2, ""))
    same(read_photo(path, handed=handing(tmp_path, path, np.asarray(Image.open(path)))), read_photo(path))


def test_grey_may_come_as_three_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(TRUTH).convert("L").save(path)
    values = np.asarray(Image.open(path))
    same(read_photo(path, handed=handing(tmp_path, path, np.dstack([values] * 3))), read_photo(path))


def test_a_file_that_is_read_here_is_not_taken_from_the_hand_over(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(TRUTH))
    assert np.array_equal(read_photo(path, handed=handing(tmp_path, path, 255 - TRUTH)).pixels, TRUTH)


def test_a_mask_in_a_folder_is_handed_over(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    path, mask = tmp_path / "a.png", tmp_path / "masks" / "a.jpg"
    path.write_bytes(png(TRUTH))
    kept = np.zeros(TRUTH.shape[:2], np.uint8)
    kept[:, 16:] = 255
    Image.fromarray(255 - kept).save(mask)
    found = masked(read_photo(path), str(tmp_path / "masks"), 100.0, handing(tmp_path, mask, kept)).mask
    assert found is not None and not found[:, :15].any() and found[:, 17:].all()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no array", "damaged"),
        (b"", "damaged"),
        (np.zeros((8, 8, 3), np.float64), "no picture"),
        (np.zeros((8, 8, 7), np.uint8), "no picture"),
        (np.zeros(8, np.uint8), "no picture"),
        (np.zeros((0, 8), np.uint8), "no picture"),
        (np.array([{}]), "damaged"),
        (np.zeros((24, 31, 3), np.uint8), "31 x 24, and the file has 32 x 24"),
        (np.zeros((2000, 2000), np.uint8), "more than the limit"),
    ],
)
def test_what_is_no_picture_is_one_sentence(tmp_path: Path, content: Any, words: str) -> None:
    path, place = tmp_path / "a.jpg", tmp_path / "a.npy"
    path.write_bytes(encoded("JPEG"))
    if isinstance(content, bytes):
        place.write_bytes(content)
    else:
        np.save(place, content)
    with pytest.raises(Mono3DError, match=words) as caught:
        read_photo(path, max_pixels=1.0, handed=handed_over({"decoded": {str(path): str(place)}}))
    assert "\n" not in str(caught.value) and "a.jpg" in str(caught.value)


def test_a_link_to_a_device_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded("JPEG"))
    with pytest.raises(Mono3DError, match="not a regular file"):
        read_photo(path, handed=HandedOver({str(path): "/dev/zero"}))


def test_nothing_is_handed_over_by_default() -> None:
    assert handed_over({}) == NOTHING


def test_blender_can_ask_without_loading_numpy(tmp_path: Path) -> None:
    code = f"""import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from mono3d_addon.core.photo.hand_over import needs_hand_over
print(needs_hand_over(Path({str(tmp_path / "a.jpg")!r})), "numpy" in sys.modules, "PIL" in sys.modules)"""
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False"]
