# SPDX-License-Identifier: GPL-3.0-or-later
"""TIFF files are decompressed without libtiff to the bytes that libtiff gives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from mono3d_addon.core.photo import tiff_unpacking
from mono3d_addon.core.photo.damage import Damaged, Unsupported
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from tests.core.photo.without_pillow import without_pillow

NOISE = np.random.default_rng(3).integers(0, 256, (90, 110, 3), np.uint8)
SMOOTH = np.dstack([np.add.outer(np.arange(90), np.arange(110)).astype(np.uint8)] * 3)
FLAT = np.full((300, 400, 3), 77, np.uint8)


def packed(data: bytes) -> bytes:
    """Returns LZW codes, by the algorithm of the specification."""
    bits, table = "", {bytes([value]): value for value in range(256)}
    codes = [(256, 9)]
    prefix, width = b"", 9
    for number in range(len(data)):
        byte = data[number : number + 1]
        if prefix + byte in table:
            prefix += byte
            continue
        codes.append((table[prefix], width))
        table[prefix + byte] = len(table) + 2
        prefix = byte
        width = 9 + sum(len(table) + 2 >= limit for limit in (511, 1023, 2047))
        if len(table) + 2 == 4094:
            codes.append((table[prefix], width))
            codes.append((256, width))
            table, prefix, width = {bytes([value]): value for value in range(256)}, b"", 9
    if prefix:
        codes.append((table[prefix], width))
    codes.append((257, width))
    bits = "".join(f"{code:0{size}b}" for code, size in codes)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


@given(some.one_of(some.binary(max_size=300), some.lists(some.sampled_from([b"aa", b"b", b"aab"]), max_size=3000)))
def test_lzw(data: Any) -> None:
    data = data if isinstance(data, bytes) else b"".join(data)
    assert tiff_unpacking.lzw(packed(data), len(data)) == data


@pytest.mark.parametrize("name", ["noise", "smooth", "flat"])
@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "lzma", "tiff_adobe_deflate", None])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA", "P", "CMYK"])
def test_what_libtiff_writes(tmp_path: Path, name: str, compression: str | None, mode: str) -> None:
    values = {"noise": NOISE, "smooth": SMOOTH, "flat": FLAT}[name]
    path = tmp_path / "a.tif"
    try:
        Image.fromarray(values).convert(mode).save(path, compression=compression)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow writes no {compression}")
    with without_pillow():
        own = read_photo(path)
    other = read_photo(path)
    assert np.abs(own.pixels.astype(int) - other.pixels).max() == 0
    assert np.array_equal(own.mask, other.mask) and own.lens == other.lens  # type: ignore[arg-type]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python unpacks zstd")
def test_what_cannot_be_unpacked_is_named(tmp_path: Path) -> None:
    try:
        Image.fromarray(NOISE).save(tmp_path / "a.tif", compression="zstd")
    except (OSError, KeyError):
        pytest.skip("this Pillow writes no zstd")
    with without_pillow(), pytest.raises(Mono3DError, match="TIFF files"):
        read_photo(tmp_path / "a.tif")


def test_damage_is_told() -> None:
    with pytest.raises(Damaged):
        tiff_unpacking.lzw(bytes.fromhex("804b00"), 100)
    with pytest.raises(Unsupported, match="TIFF 5"):
        tiff_unpacking.lzw(b"\0\1abc", 100)
    with pytest.raises(Damaged):
        tiff_unpacking.lzma(b"no such stream", 100)


@given(some.binary(max_size=200), some.integers(0, 1000))
def test_any_bytes_end(data: bytes, wanted: int) -> None:
    for unpack in (tiff_unpacking.lzw, tiff_unpacking.pack_bits, tiff_unpacking.lzma):
        try:
            assert len(unpack(data, wanted)) <= wanted
        except (Damaged, Unsupported):
            continue
