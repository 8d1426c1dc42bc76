# SPDX-License-Identifier: GPL-3.0-or-later
"""Our PNG files, read by Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.photo import png_file
from mono3d_addon.core.photo.png_writer import encoded
from mono3d_addon.version import ROOT

SHAPES = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}


def smooth(seed: int, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """Returns slopes, steps and noise, for which different filters are best."""
    random = np.random.default_rng(seed)
    top = np.iinfo(kind).max
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    plane = (rows * random.integers(0, 9) + columns * random.integers(0, 9)) * (top // 255)
    plane = plane + random.integers(0, 1 + random.integers(0, top), plane.shape) * (rows > shape[0] // 2)
    values = np.broadcast_to((plane % (top + 1)).reshape(*shape[:2], *([1] * (len(shape) - 2))), shape)
    return values.astype(kind)


@pytest.mark.parametrize("mode", SHAPES)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.integers(0, 9))
def test_pillow_reads_what_was_written(mode: str, seed: int, h: int, w: int, level: int) -> None:
    values = smooth(seed, (h, w, *SHAPES[mode]), np.uint8)
    with Image.open(io.BytesIO(encoded(values, level))) as picture:
        assert picture.mode == mode
        assert np.array_equal(np.asarray(picture), values)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_pillow_reads_sixteen_bits(seed: int, h: int, w: int) -> None:
    values = smooth(seed, (h, w), np.uint16)
    with Image.open(io.BytesIO(encoded(values))) as picture:
        assert np.array_equal(np.asarray(picture), values)


def test_sixteen_bits_of_colours_keep_all_bits() -> None:
    """Pillow reads 8 of them; the program's own reader all."""
    values = smooth(3, (20, 31, 3), np.uint16)
    data = encoded(values)
    with Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(np.asarray(picture), values >> 8)
    assert png_file.parse(data).depth == 16


def test_rows_of_more_than_one_block_are_filtered_alike() -> None:
    values = smooth(4, (700, 900, 3), np.uint8)
    with Image.open(io.BytesIO(encoded(values, 1))) as picture:
        assert np.array_equal(np.asarray(picture), values)


def test_texts_are_metadata() -> None:
    texts = {"Software": "Mono3D", "near": "1.25"}
    with Image.open(io.BytesIO(encoded(np.zeros((3, 4), np.uint8), texts=texts))) as picture:
        assert picture.info == texts


def test_files_are_no_larger_than_pillows() -> None:
    with Image.open(ROOT / "tests" / "photos" / "coffee.png") as stored:
        photo = stored.convert("RGB")
    for level in (1, 4):
        theirs = io.BytesIO()
        photo.save(theirs, "PNG", compress_level=level)
        assert len(encoded(np.asarray(photo), level)) <= 1.01 * len(theirs.getvalue())


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2), np.float32), np.zeros((0, 2), np.uint8), np.zeros(4, np.uint8)], ids=str
)
def test_what_is_no_picture_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match="no picture"):
        encoded(values)
