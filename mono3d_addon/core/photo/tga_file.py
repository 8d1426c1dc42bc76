# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Targa files of all kinds (Truevision, TGA File Format Specification 2.0, 1991)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .damage import Damaged, Unsupported
from .raster import OPAQUE, Raster, straight

_PALETTE, _COLOUR, _GREY = 1, 2, 3
_COMPRESSED = 8
_FOOTER = b"TRUEVISION-XFILE.\0"
_USEFUL, _PREMULTIPLIED = 3, 4


def is_tga(data: bytes) -> bool:
    """Returns whether the header is that of a TGA file, which has no signature."""
    if len(data) < 18 or data[1] > 1 or data[2] & ~_COMPRESSED not in (_PALETTE, _COLOUR, _GREY):
        return False
    is_known = data[16] in (8, 15, 16, 24, 32) or (data[16] == 1 and data[2] == _GREY)
    return is_known and min(size_of(data)) > 0 and data[1] >= (data[2] & 7 == _PALETTE)


def has_footer(data: bytes) -> bool:
    """Returns whether the file ends with the signature of version 2."""
    return data[-18:] == _FOOTER


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height in pixels."""
    width, height = struct.unpack_from("<HH", data, 12)
    return width, height


def read(data: bytes) -> Raster:
    """Returns the picture of a TGA file. Raises Damaged or Unsupported."""
    kind, bits, flags = data[2] & 7, data[16], data[17]
    width, height = size_of(data)
    first, count, entry = struct.unpack_from("<HHB", data, 3)
    place = 18 + data[0]
    palette = data[place : place + count * ((entry + 7) // 8)]
    if data[1]:
        place += count * ((entry + 7) // 8)
    if bits == 1:
        return Raster(_bits(data, place, width, height), "grey")
    size = (bits + 7) // 8
    wanted = width * height * size
    raw = _expanded(data, place, size, wanted) if data[2] & _COMPRESSED else data[place : place + wanted]
    if len(raw) < wanted:
        raise Damaged("it ends too early")
    pixels = np.frombuffer(raw, np.uint8, wanted).reshape(height, width, size)
    pixels = pixels[:, ::-1] if flags & 0x10 else pixels
    pixels = pixels if flags & 0x20 else pixels[::-1]
    alpha: NDArray[Any] | None = None
    if kind == _GREY:
        values: NDArray[Any] = np.ascontiguousarray(pixels[..., 0])
        alpha = pixels[..., 1] if size == 2 else None
    elif kind == _PALETTE:
        table, alphas = _colours(np.frombuffer(palette, np.uint8).reshape(count, 1, -1), entry)
        numbers = pixels[..., 0].astype(np.int64) | (pixels[..., 1].astype(np.int64) << 8 if size == 2 else 0)
        numbers = np.clip(numbers - first, 0, max(count - 1, 0))
        values, alpha = table[numbers, 0], None if alphas is None else alphas[numbers, 0]
    else:
        values, alpha = _colours(pixels, bits)
    values = np.ascontiguousarray(values)
    meaning = _alpha_kind(data, flags, kind)
    if alpha is not None and meaning == _PREMULTIPLIED:
        values = straight(values, alpha)
    opaque = alpha >= OPAQUE if alpha is not None and meaning and alpha.any() else None
    return Raster(values, "grey" if values.ndim == 2 else "rgb", opaque)


def _bits(data: bytes, place: int, width: int, height: int) -> NDArray[Any]:
    """Returns a picture of black and white, uint8 (height, width). Its rows are whole bytes, the lowest first."""
    length = (width + 7) // 8
    if place + length * height > len(data):
        raise Damaged("it ends too early")
    rows = np.frombuffer(data, np.uint8, length * height, place).reshape(height, length)
    values = np.unpackbits(rows, axis=1)[:, :width] * np.uint8(255)
    return np.ascontiguousarray(values if data[17] & 0x20 else values[::-1])


def _alpha_kind(data: bytes, flags: int, kind: int) -> int:
    """Returns whether alpha is useful, premultiplied, or (0) to be ignored."""
    if has_footer(data):
        (place,) = struct.unpack_from("<I", data, len(data) - 26)
        if place > 0 and place + 495 <= len(data):
            return data[place + 494] if data[place + 494] in (_USEFUL, _PREMULTIPLIED) else 0
    return _USEFUL if flags & 0x0F or kind == _PALETTE else 0


def _colours(pixels: NDArray[Any], bits: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if bits in (15, 16):
        words = pixels[..., 0].astype(np.uint16) | pixels[..., 1].astype(np.uint16) << 8
        parts = [((words >> shift) & 31).astype(np.uint32) for shift in (10, 5, 0)]
        values = np.stack([(part * 255 + 15) // 31 for part in parts], axis=-1).astype(np.uint8)
        return values, (words >> 15).astype(np.uint8) * 255 if bits == 16 else None
    if bits == 24:
        return pixels[..., 2::-1], None
    if bits == 32:
        return pixels[..., 2::-1], pixels[..., 3]
    if bits == 8:
        return pixels[..., 0], None
    raise Unsupported(f"TGA with {bits} bits")


def _expanded(data: bytes, place: int, size: int, wanted: int) -> bytes:
    """Returns run-length encoded pixels; packets may cross the ends of rows."""
    parts: list[bytes] = []
    have = 0
    while have < wanted and place < len(data):
        count = (data[place] & 127) + 1
        if data[place] & 128:
            piece = data[place + 1 : place + 1 + size] * count
            place += 1 + size
        else:
            piece = data[place + 1 : place + 1 + size * count]
            place += 1 + size * count
        parts.append(piece)
        have += len(piece)
    return b"".join(parts)[:wanted]
