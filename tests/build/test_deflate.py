# SPDX-License-Identifier: GPL-3.0-or-later
"""The compression that gives the same bytes everywhere, read by zlib."""

from __future__ import annotations

import gzip
import hashlib
import random
import zlib
from pathlib import Path

import pytest

from mono3d_addon.build.deflate import LAST, _code_lengths, compressed, stored_part
from mono3d_addon.build.gzip_file import write_gzip

ROOT = Path(__file__).resolve().parents[2]

CASES = {
    "nothing": b"",
    "one byte": b"a",
    "two bytes": b"ab",
    "one long run": bytes(100_000),
    "a run of every length": b"".join(b"x" + b"y" * count for count in range(600)),
    "every byte": bytes(range(256)) * 3,
    "noise": random.Random(1).randbytes(70_000),
    "a repetition at the end of the window": (noise := random.Random(2).randbytes(32_768)) + noise[:300],
    "a repetition beyond the window": noise + b"-" + noise[:300],
    "few symbols": bytes(random.Random(3).choices(b"abc", k=5000)),
    # Fibonacci numbers make the longest Huffman codes.
    "counts that need long codes": b"".join(
        bytes([symbol]) * count
        for symbol, count in enumerate(
            [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181]
        )
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_zlib_reads_it(name: str) -> None:
    assert zlib.decompress(compressed(CASES[name]).stream(), -15) == CASES[name]


def test_sources_become_almost_as_small_as_with_zlib() -> None:
    data = (ROOT / "mono3d_addon" / "settings.py").read_bytes()
    packed = compressed(data).stream()
    assert zlib.decompress(packed, -15) == data
    assert len(packed) < 1.06 * len(zlib.compress(data, 9))


def test_codes_are_never_longer_than_the_format_allows() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    for longest in (7, 15):
        lengths = _code_lengths(dict(enumerate(fibonacci)), longest)
        assert max(lengths.values()) <= longest
        assert sum(2.0**-length for length in lengths.values()) == 1.0


def test_its_bytes_are_pinned() -> None:
    """They must not change with the machine; after a change of the encoder, renew the digest."""
    packed = compressed(b"".join(b"%d bottles\n" % number for number in range(2000))).stream()
    assert hashlib.sha256(packed).hexdigest() == "6e7cefa2bcfb294927bd28fb05232d913b08685b59ee13afa7c6eb6af51b1e3d"


@pytest.mark.parametrize("name", CASES)
def test_parts_make_one_stream(name: str) -> None:
    data = CASES[name]
    parts = (compressed(data).part(), stored_part(data), compressed(b"").part(), stored_part(b""), LAST)
    assert zlib.decompress(b"".join(parts), -15) == 2 * data


def test_a_gzip_file_is_read_by_pythons_own_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    write_gzip(path, ((data, is_compressible) for data in CASES.values() for is_compressible in (True, False)))
    assert gzip.decompress(path.read_bytes()) == b"".join(2 * data for data in CASES.values())
    write_gzip(path, ())
    assert gzip.decompress(path.read_bytes()) == b""
