# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged pictures are refused, or taken with a note that says how much of them there is."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core.photo import jpeg_stream
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from tests import shared_data
from tests.core.photo.picture_files import png, tags_of, tiff
from tests.core.photo.test_colours import read
from tests.core.photo.without_pillow import without_pillow

NOISE = np.random.default_rng(5).integers(60, 200, (160, 120, 3), np.uint8)


def jpeg(*, progressive: bool = False) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, "JPEG", quality=90, progressive=progressive)
    return buffer.getvalue()


@pytest.mark.parametrize("place", [0.02, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("piece", [2000, 1 << 20])
def test_one_wrong_byte_in_png_never_counts_as_whole(tmp_path: Path, place: float, piece: int) -> None:
    data = bytearray(png(NOISE, piece=piece))
    start = data.index(b"IDAT") + 4
    data[start + int(place * (len(data) - start - 20))] ^= 0x55
    try:
        photo = read(tmp_path, bytes(data))
    except Mono3DError as error:
        assert "damaged or cut off" in str(error)
        return
    assert photo.texture is None and "damaged or cut off" in photo.notes[0]
    rows = NOISE.shape[0] if photo.mask is None else int(photo.mask.all(axis=1).sum())
    assert rows >= 0.25 * NOISE.shape[0]
    wrong = (photo.pixels[:rows] != NOISE[:rows]).any(axis=(1, 2)).sum()
    assert wrong <= 12


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_cut_png_keeps_its_upper_rows(tmp_path: Path, share: float) -> None:
    data = png(NOISE)
    photo = read(tmp_path, data[: int(share * len(data))])
    assert photo.mask is not None and photo.texture is None
    rows = int(photo.mask.all(axis=1).sum())
    assert abs(rows / NOISE.shape[0] - share) < 0.1
    assert np.array_equal(photo.pixels[:rows], NOISE[:rows])
    assert f"the upper {int(100 * rows / NOISE.shape[0])} %" in photo.notes[0]


@pytest.mark.parametrize("strips", [1, 10])
@pytest.mark.parametrize("pack", [bytes, zlib.compress])
@pytest.mark.parametrize("is_deep", [False, True])
@pytest.mark.parametrize("is_bare", [False, True])
def test_a_cut_tiff_keeps_its_upper_rows(
    tmp_path: Path, strips: int, pack: Callable[[bytes], bytes], is_deep: bool, is_bare: bool
) -> None:
    values = NOISE.astype(np.uint16) * 257 if is_deep else NOISE
    tags = tags_of(values, 2, _278=("I", (160 // strips,)))
    tags[259] = ("H", (1 if pack is bytes else 8,))
    data = tiff(tags, [pack(part.tobytes()) for part in np.split(values, strips)])
    cut = data[: int(0.6 * len(data))]
    with without_pillow() if is_bare else nullcontext():
        photo = read(tmp_path, cut, "a.tif")
    assert photo.mask is not None and "damaged or cut off" in photo.notes[0]
    rows = int(photo.mask.all(axis=1).sum())
    assert not photo.mask[rows:].any() and abs(rows / 160 - 0.6) < 0.12
    assert np.array_equal(photo.pixels[:rows], NOISE[:rows])
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read(tmp_path, data[: int(0.1 * len(data))], "b.tif")


def test_too_little_of_a_png_is_refused(tmp_path: Path) -> None:
    data = png(NOISE)
    with pytest.raises(Mono3DError, match=r"damaged or cut off \(only \d+ % of the picture can be decoded\)"):
        read(tmp_path, data[: len(data) // 10])


def test_a_damaged_side_chunk_does_not_matter(tmp_path: Path) -> None:
    data = bytearray(png(NOISE, (b"tEXt", b"Comment\0hello")))
    data[data.index(b"hello")] ^= 1
    assert np.array_equal(read(tmp_path, bytes(data)).pixels, NOISE)


def test_a_jpeg_without_its_last_bytes_is_whole(tmp_path: Path) -> None:
    whole = read(tmp_path, jpeg(), "a.jpg")
    photo = read(tmp_path, jpeg()[:-2], "a.jpg")
    assert np.array_equal(photo.pixels, whole.pixels)
    assert photo.mask is None and photo.texture is None
    assert "the whole picture can be decoded" in photo.notes[0]


@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_a_cut_jpeg_keeps_its_upper_rows(tmp_path: Path, share: float) -> None:
    whole = read(tmp_path, jpeg(), "a.jpg")
    photo = read(tmp_path, jpeg()[: int(share * len(jpeg()))], "a.jpg")
    assert photo.mask is not None and photo.texture is None
    rows = int(photo.mask.all(axis=1).sum())
    assert abs(rows / NOISE.shape[0] - share) < 0.15
    assert np.array_equal(photo.pixels[: rows - 1], whole.pixels[: rows - 1])


def test_a_cut_progressive_jpeg_is_less_sharp(tmp_path: Path) -> None:
    data = jpeg(progressive=True)
    photo = read(tmp_path, data[: int(0.7 * len(data))], "a.jpg")
    assert photo.mask is None and photo.texture is None and "less sharp" in photo.notes[0]
    with pytest.raises(Mono3DError, match="damaged or cut off"):
        read(tmp_path, data[: jpeg_stream.inspect(data).scans[0] + 30], "a.jpg")


def bomb() -> tuple[bytes, int]:
    """Returns a progressive JPEG whose last scan is repeated, and the number of scans."""
    buffer = io.BytesIO()
    Image.fromarray(NOISE).resize((1500, 1500)).save(buffer, "JPEG", quality=50, progressive=True)
    data = buffer.getvalue()
    scans = jpeg_stream.inspect(data).scans
    tables = data.rindex(b"\xff\xc4", 0, scans[-1])
    return data[:-2] + data[tables:-2] * 300 + b"\xff\xd9", len(scans) + 300


def test_hundreds_of_scans_are_not_decoded(tmp_path: Path) -> None:
    data, count = bomb()
    assert len(jpeg_stream.inspect(data).scans) == count
    start = time.monotonic()
    photo = read(tmp_path, data, "a.jpg")
    assert time.monotonic() - start < 5.0
    assert photo.texture is None and f"has {count} scans" in photo.notes[0]


@pytest.mark.parametrize(("name", "rows"), [("no_eoi.jpg", 200), ("half.jpg", 78), ("rot_one_byte.png", 399)])
def test_the_damaged_cases(name: str, rows: int) -> None:
    photo = read_photo(shared_data.case(f"files/{name}"))
    assert photo.notes and photo.texture is None
    found = photo.size[1] if photo.mask is None else int(photo.mask.all(axis=1).sum())
    assert abs(found - rows) <= 3
