# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG files of every kind are decoded without Pillow to the pixels that Pillow gives."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from mono3d_addon.core.photo import png_rows
from mono3d_addon.core.photo.damage import Damaged
from mono3d_addon.core.photo.photo import Photo, read_photo
from mono3d_addon.errors import Mono3DError
from tests.core.photo.picture_files import SIGNATURE, png_chunk
from tests.core.photo.without_pillow import without_pillow

KINDS = [(kind, depth) for kind, depths in png_rows._DEPTHS.items() for depth in depths]
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def packed_rows(samples: np.ndarray, depth: int, rng: np.random.Generator, most: int) -> bytes:
    """Returns filtered rows of samples, (height, width, channels), each with a filter of its own up to `most`."""
    height, _, channels = samples.shape
    if depth == 16:
        rows = samples.astype(">u2").view(np.uint8).reshape(height, -1)
    elif depth == 8:
        rows = samples.astype(np.uint8).reshape(height, -1)
    else:
        bits = np.unpackbits(samples.astype(np.uint8).reshape(height, -1, 1), axis=2)[..., 8 - depth :]
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    step = max(1, channels * depth // 8)
    result, above = b"", np.zeros(rows.shape[1], int)
    for row in rows.astype(int):
        left, corner = (np.concatenate([np.zeros(step, int), line[:-step]])[: len(row)] for line in (row, above))
        distances = np.abs(np.stack([above - corner, left - corner, left + above - 2 * corner]))
        paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
        guesses = [0 * row, left, above, (left + above) // 2, paeth]
        number = int(rng.integers(0, most + 1))
        result += bytes([number]) + ((row - guesses[number]) % 256).astype(np.uint8).tobytes()
        above = row
    return result


def made(kind: int, depth: int, size: tuple[int, int], seed: int, *, interlaced: bool, most: int, key: bool) -> bytes:
    rng = np.random.default_rng(seed)
    width, height = size
    entries = int(rng.integers(1, 2**depth + 1)) if kind == 3 else 0
    samples = rng.integers(0, entries or 2**depth, (height, width, png_rows.CHANNELS[kind]))
    if kind in (0, 2) and seed % 2:
        samples[: height // 2] = samples[0, 0]
    parts = [samples]
    if interlaced:
        parts = [samples[top::down, left::across] for left, top, across, down in PASSES]
    raw = b"".join(packed_rows(part, depth, rng, most) for part in parts if part.size)
    chunks = b""
    if kind == 3:
        chunks += png_chunk(b"PLTE", rng.integers(0, 256, 3 * entries, np.uint8).tobytes())
    if key and kind in (0, 2):
        chunks += png_chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes())
    elif key and kind == 3:
        chunks += png_chunk(b"tRNS", rng.integers(0, 256, int(rng.integers(1, entries + 1)), np.uint8).tobytes())
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    packed = zlib.compress(raw)
    cut = int(rng.integers(0, len(packed)))
    data = png_chunk(b"IDAT", packed[:cut]) + png_chunk(b"IDAT", packed[cut:])
    return SIGNATURE + png_chunk(b"IHDR", header) + chunks + data + png_chunk(b"IEND", b"")


def both(path: Path) -> tuple[Photo, Photo]:
    with without_pillow():
        own = read_photo(path, smallest=1)
    return own, read_photo(path, smallest=1)


def same(own: Photo, other: Photo) -> None:
    assert np.array_equal(own.pixels, other.pixels)
    assert np.array_equal(own.mask, other.mask)  # type: ignore[arg-type]
    assert (own.lens, own.notes, own.texture) == (other.lens, other.notes, other.texture)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize(("kind", "depth"), KINDS)
def test_every_kind(tmp_path: Path, kind: int, depth: int, key: bool, interlaced: bool) -> None:
    for number, size in enumerate([(37, 23), (1, 1), (3, 40), (64, 2)]):
        data = made(kind, depth, size, number, interlaced=interlaced, most=4, key=key)
        (tmp_path / "a.png").write_bytes(data)
        same(*both(tmp_path / "a.png"))


@given(
    which=some.sampled_from(KINDS),
    size=some.tuples(some.integers(1, 70), some.integers(1, 70)),
    seed=some.integers(0, 1000),
    interlaced=some.booleans(),
    most=some.integers(0, 4),
    key=some.booleans(),
)
def test_any_picture(
    tmp_path_factory: pytest.TempPathFactory,
    which: tuple[int, int],
    size: tuple[int, int],
    seed: int,
    interlaced: bool,
    most: int,
    key: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.png"
    path.write_bytes(made(*which, size, seed, interlaced=interlaced, most=most, key=key))
    same(*both(path))


def test_rows_that_are_processed_in_several_bands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(png_rows, "_LARGEST_BAND", 16)
    for most in (2, 4):
        (tmp_path / "a.png").write_bytes(made(2, 8, (50, 90), most, interlaced=False, most=most, key=False))
        same(*both(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("raw", "size", "kind", "words"),
    [
        (b"\x05" + bytes(3), (1, 1), 2, "unknown filter"),
        (bytes(3), (1, 1), 2, "too early"),
        (bytes(4), (1, 1), 5, "colour type 5"),
    ],
)
def test_damage_is_told(raw: bytes, size: tuple[int, int], kind: int, words: str) -> None:
    with pytest.raises(Damaged, match=words):
        png_rows.samples([zlib.compress(raw)], size, 8, kind, is_interlaced=False)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(bytes(200_000_000))
    began = time.monotonic()
    assert png_rows.samples([bomb], (9, 9), 8, 0, is_interlaced=False).shape == (9, 9, 1)
    assert time.monotonic() - began < 1.0


def test_any_damage_is_a_picture_or_one_sentence(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path = tmp_path / "a.png"
    with without_pillow():
        for number in range(200):
            kind, depth = KINDS[number % len(KINDS)]
            interlaced = bool(number & 1)
            data = bytearray(made(kind, depth, (20, 20), number, interlaced=interlaced, most=4, key=True))
            for place in rng.integers(8, len(data), 2):
                data[place] = rng.integers(0, 256)
            path.write_bytes(bytes(data))
            try:
                read_photo(path, max_pixels=1.0)
            except Mono3DError as error:
                assert "\n" not in str(error)
