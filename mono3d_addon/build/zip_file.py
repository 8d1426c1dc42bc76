# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a zip whose bytes depend on its files' names and contents only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from .deflate import Compress, compressed

_STORED, _DEFLATED = 0, 8
_VERSION = 20
_UNIX = 3 << 8
_PLAIN_FILE = 0o100644 << 16
_DATE = (0 << 9) | (1 << 5) | 1
"""The first day of 1980, the earliest that the format knows."""


def write_zip(
    path: Path,
    files: Iterable[tuple[str, bytes]],
    stored: frozenset[str] = frozenset(),
    compress: Compress = compressed,
) -> None:
    """Writes a zip of `files`, pairs of an ASCII name and the content, in their order, to `path`.

    Files whose suffix is in `stored` are not compressed, nor are those that `compress` does not make smaller.
    Raises OSError when it cannot be written.
    """
    directory = b""
    count = 0
    with path.open("wb") as out:
        for name, content in files:
            packed = content if Path(name).suffix in stored else compress(content).stream()
            method = _DEFLATED if len(packed) < len(content) else _STORED
            if method == _STORED:
                packed = content
            place = out.tell()
            sizes = (zlib.crc32(content), len(packed), len(content), len(name), 0)
            about = struct.pack("<4H3L2H", 0, method, 0, _DATE, *sizes)
            out.write(b"PK\3\4" + struct.pack("<H", _VERSION) + about + name.encode("ascii") + packed)
            directory += b"PK\1\2" + struct.pack("<2H", _UNIX | _VERSION, _VERSION) + about
            directory += struct.pack("<3H2L", 0, 0, 0, _PLAIN_FILE, place) + name.encode("ascii")
            count += 1
        place = out.tell()
        out.write(directory)
        out.write(b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, len(directory), place, 0))
