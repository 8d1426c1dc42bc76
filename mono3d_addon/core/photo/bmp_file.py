# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads BMP files with any bit masks, which Pillow reads for a few masks only, and their colours.

See Microsoft, BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .damage import Damaged, Unsupported
from .raster import OPAQUE, Colours, Raster

_NONE, _BIT_FIELDS, _ALPHA_BIT_FIELDS = 0, 3, 6
_RUN_LENGTHS = {1: 8, 2: 4}
"""Compression -> bits of a number."""
_EMBEDDED = 0x4D424544
_DEFAULT_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height in pixels. Raises Damaged if the header is cut off."""
    try:
        if struct.unpack_from("<I", data, 14)[0] == 12:
            width, height = struct.unpack_from("<HH", data, 18)
        else:
            width, height = struct.unpack_from("<ii", data, 18)
    except struct.error as error:
        raise Damaged("header is missing") from error
    return width, abs(height)


def read(data: bytes) -> Raster:
    """Returns the picture of a BMP. Raises Damaged or Unsupported."""
    try:
        return _read(data)
    except (struct.error, ValueError) as error:
        raise Damaged(str(error)) from error


def colours_of(data: bytes) -> Colours:
    """Returns what a BMP with a version 4 or 5 header says about its colours."""
    try:
        (header,) = struct.unpack_from("<I", data, 14)
        if header < 108:
            return Colours()
        (kind,) = struct.unpack_from("<I", data, 14 + 56)
        if kind == _EMBEDDED and header >= 124:
            offset, size = struct.unpack_from("<II", data, 14 + 112)
            return Colours(icc=data[14 + offset : 14 + offset + size])
    except struct.error:
        return Colours()
    # Primaries and gamma of the header (LCS_CALIBRATED_RGB) are rarely meant, and no viewer uses them.
    return Colours()


def _read(data: bytes) -> Raster:
    (start, header) = struct.unpack_from("<II", data, 10)
    is_core = header == 12
    if not is_core and not 16 <= header <= 64 and header not in (108, 124):
        raise Damaged(f"header of {header} bytes")
    width, height = size_of(data)
    planes_at = 22 if is_core else 26
    (bits,) = struct.unpack_from("<H", data, planes_at + 2)
    compression, used = (0, 0) if is_core else (_number(data, 30), _number(data, 46))
    is_upside_down = is_core or struct.unpack_from("<i", data, 22)[0] > 0
    has_run_lengths = _RUN_LENGTHS.get(compression) == bits
    is_known = compression in (_NONE, _BIT_FIELDS, _ALPHA_BIT_FIELDS) and bits in (1, 2, 4, 8, 16, 24, 32, 64)
    if not is_known and not has_run_lengths:
        raise Unsupported(f"BMP of compression {compression} with {bits} bits")
    if width < 1 or height < 1:
        raise Damaged("size")
    if has_run_lengths:
        table = _palette(data, bits, 14 + header, 4, used)
        numbers = _expanded(data, start, width, height, bits)
        return Raster(table[np.minimum(numbers if not is_upside_down else numbers[::-1], len(table) - 1)], "rgb")
    stride = (width * bits + 31) // 32 * 4
    if start + stride * (height - 1) + (width * bits + 7) // 8 > len(data):
        raise Damaged("it ends too early")
    body = data[start : start + stride * height].ljust(stride * height, b"\0")
    rows = np.frombuffer(body, np.uint8).reshape(height, stride)
    rows = rows[::-1] if is_upside_down else rows
    if bits <= 8:
        table = _palette(data, bits, 14 + header, 3 if is_core else 4, used)
        return Raster(_from_palette(rows, width, bits, table), "rgb")
    if bits == 24:
        return Raster(np.ascontiguousarray(rows[:, : 3 * width].reshape(height, width, 3)[..., ::-1]), "rgb")
    if bits == 64:
        return _from_fixed_point(rows, width)
    masks = _DEFAULT_MASKS[bits]
    if compression != _NONE or header >= 56:
        count = 4 if header >= 56 or compression == _ALPHA_BIT_FIELDS else 3
        stored = (*struct.unpack_from(f"<{count}I", data, 54), 0)[:4]
        masks = stored if any(stored[:3]) and compression != _NONE else masks
    pixels = np.ascontiguousarray(rows).view(f"<u{bits // 8}")[:, :width].astype(np.uint32)
    values = np.stack([_field(pixels, mask) for mask in masks[:3]], axis=2)
    alpha = _field(pixels, masks[3]) if masks[3] else None
    return Raster(values, "rgb", None if alpha is None or not alpha.any() else alpha >= OPAQUE)


def _number(data: bytes, place: int) -> int:
    return int(struct.unpack_from("<I", data, place)[0])


def _field(pixels: NDArray[np.uint32], mask: int) -> NDArray[np.uint8]:
    if mask == 0:
        return np.zeros(pixels.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    full = mask >> shift
    numbers = ((pixels & np.uint32(mask)) >> np.uint32(shift)).astype(np.float64)
    return np.asarray(np.rint(numbers * (255.0 / full)), np.uint8)


def _palette(data: bytes, bits: int, place: int, entry: int, used: int) -> NDArray[np.uint8]:
    """Returns the colours at `place`, uint8 (entries, 3); `used` is the number that the header states, or 0."""
    (start,) = struct.unpack_from("<I", data, 10)
    room = max(0, start - place) // entry
    count = min(used or 2**bits, 2**bits, room)
    if count < 1:
        raise Damaged("palette is missing")
    return np.frombuffer(data, np.uint8, count * entry, place).reshape(count, entry)[:, 2::-1]


def _from_palette(rows: NDArray[Any], width: int, bits: int, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if bits == 8:
        numbers = rows[:, :width]
    else:
        flags = np.unpackbits(rows, axis=1).reshape(rows.shape[0], -1, bits)[:, :width]
        numbers = np.asarray(flags @ (1 << np.arange(bits)[::-1]), np.uint8)
    return np.ascontiguousarray(table[np.minimum(numbers, len(table) - 1)])


def _expanded(data: bytes, place: int, width: int, height: int, bits: int) -> NDArray[np.uint8]:
    """Returns the numbers of run-length encoded pixels, uint8 (height, width), in the order of the file.

    Pairs are a count and one byte. A count of 0 ends the row (0) or the picture (1), moves on (2), or tells how many
    pixels follow as they are. What is skipped is 0.
    """
    result: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
    row, column = 0, 0
    while row < height:
        if place + 2 > len(data):
            raise Damaged("it ends too early")
        count, value = data[place], data[place + 1]
        place += 2
        if count == 0 and value == 0:
            row, column = row + 1, 0
            continue
        if count == 0 and value == 1:
            break
        if count == 0 and value == 2:
            right, down = data[place : place + 2].ljust(2, b"\0")
            row, column, place = row + down, column + right, place + 2
            continue
        if count:
            pixels = bytes((value,)) * count if bits == 8 else bytes((value >> 4, value & 15)) * ((count + 1) // 2)
        else:
            count, length = value, (value * bits + 7) // 8
            stored = np.frombuffer(data[place : place + length], np.uint8)
            pixels = (stored if bits == 8 else np.stack([stored >> 4, stored & 15], axis=1)).tobytes()
            place += (length + 1) // 2 * 2
        part = np.frombuffer(pixels, np.uint8)[: min(count, max(0, width - column))]
        result[row, column : column + len(part)] = part
        column += count
    return result


def _from_fixed_point(rows: NDArray[Any], width: int) -> Raster:
    """Returns the linear values of a BMP with four 16-bit numbers per pixel, of which 8192 is 1."""
    numbers = np.ascontiguousarray(rows).view("<i2").reshape(rows.shape[0], -1)[:, : 4 * width]
    values = numbers.reshape(rows.shape[0], width, 4).astype(np.float32) / np.float32(8192.0)
    opaque = values[..., 3] >= 0.5
    light = np.ascontiguousarray(np.maximum(values[..., 2::-1], 0.0))
    return Raster(light, "rgb", opaque if opaque.any() else None, Colours(transfer=1.0))
