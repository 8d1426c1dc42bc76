# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a gzip file whose bytes depend on its content only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from .deflate import LAST, Compress, compressed, stored_part

_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""Compressed by DEFLATE, without a name and a time, by an unknown system."""


def write_gzip(path: Path, pieces: Iterable[tuple[bytes, bool]], compress: Compress = compressed) -> None:
    """Writes the `pieces` of one content, pairs of data and whether `compress` may make it smaller, to `path`.

    Raises OSError when it cannot be written.
    """
    checksum = size = 0
    with path.open("wb") as out:
        out.write(_HEADER)
        for data, is_compressible in pieces:
            out.write(compress(data).part() if is_compressible else stored_part(data))
            checksum, size = zlib.crc32(data, checksum), size + len(data)
        out.write(LAST + struct.pack("<2L", checksum, size & 0xFFFFFFFF))
