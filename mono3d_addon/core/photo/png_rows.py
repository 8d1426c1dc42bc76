# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes the compressed samples of a PNG with zlib and numpy.

See W3C, Portable Network Graphics (third edition): 7.2 (scanlines), 8 (interlacing), 9 (filtering).

Most filters predict a byte from its left neighbour, so that the bytes of a row cannot be computed together. Those of a
diagonal can: the neighbours to the left, above, and to the left above lie on the two diagonals before it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes
from .damage import Damaged

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Number of samples of a pixel by colour type."""

_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, and the steps between columns and rows of each pass."""
_MOST_BAND_BYTES = 48 * 2**20
_LARGEST_BAND = 512
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def samples(packed: Sequence[bytes], size: tuple[int, int], depth: int, kind: int, *, is_interlaced: bool) -> Any:
    """Returns the stored samples, uint8 or uint16 (height, width, channels), unscaled.

    packed  the contents of the IDAT chunks
    size    width and height
    depth   bits per sample
    kind    colour type

    Raises Damaged if they are not those of such a picture.
    """
    width, height = size
    if depth not in _DEPTHS.get(kind, ()):
        raise Damaged(f"colour type {kind} with {depth} bits")
    passes = [one for one in _ADAM7 if one[0] < width and one[1] < height] if is_interlaced else [(0, 0, 1, 1)]
    sizes = [(-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in passes]
    bits = depth * CHANNELS[kind]
    lengths = [1 + (columns * bits + 7) // 8 for columns, _ in sizes]
    wanted = sum(length * rows for length, (_, rows) in zip(lengths, sizes, strict=True))
    raw = _inflated(packed, wanted)
    result = np.empty((height, width, CHANNELS[kind]), np.uint16 if depth == 16 else np.uint8)
    place = 0
    for (left, top, across, down), (columns, rows), length in zip(passes, sizes, lengths, strict=True):
        lines = raw[place : place + length * rows].reshape(rows, length)
        place += length * rows
        unfiltered = _unfiltered(lines[:, 0], lines[:, 1:], max(1, bits // 8))
        result[top::down, left::across] = _unpacked(unfiltered, columns, depth, CHANNELS[kind])
    return result


def _inflated(packed: Sequence[bytes], wanted: int) -> NDArray[np.uint8]:
    unpacker = zlib.decompressobj()
    raw = bytearray()
    try:
        for piece in packed:
            # What follows the last row is not needed, however large it is.
            if len(raw) < wanted:
                raw += unpacker.decompress(piece, wanted - len(raw))
    except zlib.error as error:
        raise Damaged(str(error)) from error
    if len(raw) < wanted:
        raise Damaged("it ends too early")
    return np.frombuffer(raw, np.uint8)


def _unpacked(rows: NDArray[np.uint8], width: int, depth: int, channels: int) -> NDArray[Any]:
    """Returns the samples of unfiltered rows, (rows, width, channels)."""
    if depth == 8:
        return rows.reshape(len(rows), width, channels)
    if depth == 16:
        return np.ascontiguousarray(rows).view(">u2").reshape(len(rows), width, channels)
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    values = (rows[..., None] >> shifts) & np.uint8(2**depth - 1)
    return values.reshape(len(rows), -1)[:, :width, None]


def _unfiltered(filters: Bytes, rows: Bytes, step: int) -> Bytes:
    """Returns the rows, uint8 (rows, bytes), without their filters.

    `step` is the number of bytes between a byte and its left neighbour. Raises Damaged.
    """
    if int(filters.max(initial=0)) > _PAETH:
        raise Damaged("unknown filter")
    count, width = rows.shape
    result = np.empty((count, width), np.uint8)
    above = np.zeros(width, np.uint8)
    band = _band(width, step)
    for start in range(0, count, band):
        part = slice(start, min(start + band, count))
        undo = _by_sums if int(filters[part].max()) <= _UP else _by_diagonals
        result[part] = undo(filters[part], rows[part], above, step)
        above = result[part.stop - 1]
    return result


def _band(width: int, step: int) -> int:
    """Returns how many rows to process together: many keep NumPy busy, and too many take much memory."""
    rows = _LARGEST_BAND
    while rows > 16 and 4 * (width + rows * step) * rows > _MOST_BAND_BYTES:
        rows //= 2
    return rows


def _by_sums(filters: Bytes, rows: Bytes, above: Bytes, step: int) -> Bytes:
    """Returns unfiltered rows, none of which has a filter beyond `_UP`; `above` is the row before them."""
    result = rows.copy()
    to_left = filters == _SUB
    pixels = rows[to_left].reshape(-1, rows.shape[1] // step, step)
    result[to_left] = np.cumsum(pixels, axis=1, dtype=np.uint8).reshape(-1, rows.shape[1])
    start = 0
    while start < len(rows):
        end = start + 1
        if filters[start] == _UP:
            while end < len(rows) and filters[end] == _UP:
                end += 1
            result[start:end] = np.cumsum(rows[start:end], axis=0, dtype=np.uint8)
            result[start:end] += result[start - 1] if start else above
        start = end
    return result


def _by_diagonals(filters: Bytes, rows: Bytes, above: Bytes, step: int) -> Bytes:
    """Returns unfiltered rows with any filters; `above` is the row before them.

    Each step computes a diagonal. The filters "sub" and "up", and none, are "Paeth" with neighbours that are 0.
    """
    height, width = len(rows) + 1, rows.shape[1] // step
    kinds = np.repeat(np.concatenate([[0], filters]), step)
    has_left, has_upper, has_both = (
        np.where(np.isin(kinds, some), -1, 0).astype(np.int16)
        for some in ((_SUB, _AVERAGE, _PAETH), (_UP, _AVERAGE, _PAETH), (_PAETH,))
    )
    averages = kinds == _AVERAGE
    stored = _diagonals(np.concatenate([above[None], rows]), step)
    # One diagonal and one row of zeros before the first: the neighbours beyond the borders are 0.
    done = np.zeros((len(stored) + 2, (height + 1) * step), np.int16)
    for number, fresh in enumerate(stored):
        # The rows that have a pixel on this diagonal.
        low, high = step * max(0, number - width + 1), step * min(height, number + 1)
        used = slice(low, high)
        left = done[number + 1, low + step : high + step] & has_left[used]
        upper = done[number + 1, used] & has_upper[used]
        corner = done[number, used] & has_both[used]
        across, down = upper - corner, left - corner
        to_corner = np.abs(across + down)
        to_left, to_upper = np.abs(across), np.abs(down)
        guess = np.where(to_upper <= to_corner, upper, corner)
        np.copyto(guess, left, where=to_left <= np.minimum(to_upper, to_corner))
        np.copyto(guess, (left + upper) >> 1, where=averages[used])
        guess += fresh[used]
        guess &= 255
        done[number + 2, low + step : high + step] = guess
    return _from_diagonals(done[2:, step:].astype(np.uint8), height, step)[1:]


def _diagonals(rows: Bytes, step: int) -> Bytes:
    """Returns pixel x of row y as pixel y of diagonal x + y, uint8 (height + width - 1, bytes); others are 0."""
    height, width = len(rows), rows.shape[1] // step
    # A row that is one pixel shorter than it is stored begins one pixel later each time.
    spread = np.zeros((height, width + height, step), np.uint8)
    spread[:, :width] = rows.reshape(height, width, step)
    slanted = spread.reshape(-1, step)[: height * (width + height - 1)].reshape(height, -1, step)
    return np.ascontiguousarray(slanted.transpose(1, 0, 2)).reshape(len(slanted[0]), -1)


def _from_diagonals(diagonals: Bytes, height: int, step: int) -> Bytes:
    """Returns the rows, uint8 (height, bytes), of what `_diagonals` returns."""
    width = len(diagonals) - height + 1
    spread = np.empty((height * (width + height), step), np.uint8)
    slanted = diagonals.reshape(len(diagonals), height, step).transpose(1, 0, 2)
    spread[: height * len(diagonals)].reshape(height, -1, step)[:] = slanted
    return spread.reshape(height, -1, step)[:, :width].reshape(height, -1)
