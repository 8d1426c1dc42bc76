# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompresses the strips and tiles of TIFF files without libtiff: LZW, PackBits, LZMA, and zstd where Python has it.

See Adobe, TIFF Revision 6.0 (1992), sections 9 and 13.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from .damage import Damaged, Unsupported

_CLEAR, _END = 256, 257
_BYTES = tuple(bytes((value,)) for value in range(256))
_WIDER_AT = (254, 766, 1790)
"""Numbers of the codes after a clear code from which on codes have 10, 11 and 12 bits; before, they have 9."""
_FULL_TABLE = 4096
_MOST_LZMA_MEMORY = 512 * 2**20


def lzw(content: bytes, wanted: int) -> bytes:
    """Returns the first `wanted` bytes, or fewer, of LZW-compressed data. Raises Damaged or Unsupported."""
    if content[:1] == b"\0" and content[1:2] and content[1] & 1:
        raise Unsupported("TIFF with the LZW codes of TIFF 5")
    data = np.frombuffer(content + bytes(4), np.uint8)
    bits = 8 * len(content)
    parts: list[bytes] = []
    have, place = 0, 0
    while have < wanted and place + 9 <= bits:
        codes, ends = _codes(data, place, bits)
        special = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        used = int(special[0]) if special.size else len(codes)
        if used:
            parts.append(_expanded(codes[:used].tolist()))
            have += len(parts[-1])
        if not special.size or codes[used] == _END:
            break
        place = int(ends[used])
    return b"".join(parts)[:wanted]


def _codes(data: NDArray[np.uint8], place: int, bits: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Returns the codes from the bit `place` on, as if no other clear code followed, and the bit after each.

    A table has room for so many; if none of them clears it, the rest of the data follows.
    """
    count = _FULL_TABLE
    while True:
        numbers = np.arange(count)
        width = 9 + np.searchsorted(_WIDER_AT, numbers, "right")
        ends = place + np.cumsum(width)
        inside = int(np.searchsorted(ends, bits, "right"))
        width, ends = width[:inside], ends[:inside]
        first = (ends - width) >> 3
        words = data[first].astype(np.int32) << 16 | data[first + 1].astype(np.int32) << 8 | data[first + 2]
        codes = (words >> (24 - (ends - 8 * first))).astype(np.int32) & ((1 << width) - 1).astype(np.int32)
        if inside < count or (codes == _CLEAR).any() or (codes == _END).any():
            return codes, ends
        count *= 4


def _expanded(codes: list[int]) -> bytes:
    """Returns what codes between two clear codes stand for.

    Each code but the first adds an entry to the table: what the code before stands for, and the first byte of its own.
    """
    if codes[0] >= _CLEAR:
        raise Damaged("wrong LZW codes")
    table = [*_BYTES, b"", b""]
    last = table[codes[0]]
    parts = [last]
    for code in codes[1:]:
        if code < len(table):
            entry = table[code]
        elif code == len(table):
            entry = last + last[:1]
        else:
            raise Damaged("wrong LZW codes")
        table.append(last + entry[:1])
        parts.append(entry)
        last = entry
    return b"".join(parts)


def pack_bits(content: bytes, wanted: int) -> bytes:
    """Returns the first `wanted` bytes, or fewer, of data compressed with PackBits."""
    parts: list[bytes] = []
    have, place = 0, 0
    while have < wanted and place < len(content):
        code = content[place]
        if code < 128:
            part = content[place + 1 : place + 2 + code]
            place += 2 + code
        else:
            # 128 does nothing.
            part = content[place + 1 : place + 2] * (257 - code if code > 128 else 0)
            place += 2 if code > 128 else 1
        parts.append(part)
        have += len(part)
    return b"".join(parts)[:wanted]


def lzma(content: bytes, wanted: int) -> bytes:
    """Returns the first `wanted` bytes, or fewer, of LZMA-compressed data. Raises Damaged or Unsupported."""
    try:
        from lzma import LZMADecompressor, LZMAError
    except ImportError as error:
        raise Unsupported("TIFF compressed with LZMA, which this Python does not unpack") from error
    try:
        return LZMADecompressor(memlimit=_MOST_LZMA_MEMORY).decompress(content, wanted)
    except LZMAError as error:
        raise Damaged(str(error)) from error


def has_zstd() -> bool:
    """Returns whether this Python unpacks zstd, as it does from 3.14 on."""
    try:
        import_module("compression.zstd")
    except ImportError:
        return False
    return True


def zstd(content: bytes, wanted: int) -> bytes:
    """Returns the first `wanted` bytes, or fewer, of zstd-compressed data. Raises Damaged.

    Raises ImportError unless `has_zstd`.
    """
    library = import_module("compression.zstd")
    try:
        return bytes(library.ZstdDecompressor().decompress(content, wanted))
    except library.ZstdError as error:
        raise Damaged(str(error)) from error
