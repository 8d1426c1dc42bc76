# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes PNG files with zlib and numpy.

See W3C, Portable Network Graphics (third edition): 5 (chunks), 9 (filtering), 11.3.3 (text).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
"""Number of channels -> colour type."""
_BLOCK = 1 << 18
"""Bytes that are filtered at a time, so that they stay in the processor's cache."""
_MEMORY = 9


def encoded(values: NDArray[Any], level: int = 4, texts: Mapping[str, str] | None = None) -> bytes:
    """Returns the PNG file of `values`, (h, w) or (h, w, c), uint8 or uint16: grey, grey and alpha, RGB or RGBA.

    level  effort of zlib, 0..9
    texts  keyword -> text, both in Latin-1

    Each row has the filter with the smallest sum of absolute differences. Raises ValueError for other shapes and types.
    """
    if values.dtype not in (np.uint8, np.uint16) or values.ndim not in (2, 3) or 0 in values.shape:
        raise ValueError(f"no picture: {values.dtype} {values.shape}")
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    depth = 8 * values.dtype.itemsize
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, _KINDS[channels], 0, 0, 0))
    parts = [_SIGNATURE, _chunk(b"IHDR", header)]
    for keyword, text in (texts or {}).items():
        parts.append(_chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1")))
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_FILTERED)
    data = [packer.compress(lines) for lines in _filtered(values, channels * values.dtype.itemsize)]
    parts += [_chunk(b"IDAT", b"".join(data) + packer.flush()), _chunk(b"IEND", b"")]
    return b"".join(parts)


def _filtered(values: NDArray[Any], step: int) -> Iterator[bytes]:
    """Yields the rows with their filters; `step` is the number of bytes of a pixel."""
    rows = max(1, _BLOCK // (values[0].size * values.dtype.itemsize))
    above = np.zeros((1, values[0].size * values.dtype.itemsize), np.uint8)
    for first in range(0, len(values), rows):
        block = np.ascontiguousarray(values[first : first + rows])
        if block.dtype == np.uint16:
            block = block.astype(">u2")
        lines = block.view(np.uint8).reshape(len(block), -1)
        yield _best(lines, np.concatenate([above, lines[:-1]]), step).tobytes()
        above = lines[-1:]


def _best(lines: Bytes, above: Bytes, step: int) -> Bytes:
    """Returns the rows, uint8 (rows, 1 + bytes), each after the number of its filter."""
    left, corner = (np.pad(part[:, :-step], [(0, 0), (step, 0)]) for part in (lines, above))
    a, b, c = (part.astype(np.int16) for part in (left, above, corner))
    to_left, to_above, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where(to_above <= to_corner, above, corner)
    paeth = np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
    average = ((a + b) >> 1).astype(np.uint8)
    found = [lines, lines - left, lines - above, lines - average, lines - paeth]
    costs = [np.abs(one.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for one in found]
    result = np.empty((len(lines), lines.shape[1] + 1), np.uint8)
    result[:, 0] = np.argmin(costs, axis=0)
    for number, one in enumerate(found):
        chosen = result[:, 0] == number
        result[chosen, 1:] = one[chosen]
    return result


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
