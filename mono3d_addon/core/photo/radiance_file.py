# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Radiance HDR files (Ward, "Real Pixels", Graphics Gems II; radsite.lbl.gov, filefmts)."""

from __future__ import annotations

import re
import struct

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from .colour_spaces import SRGB, Primaries, is_valid, matrix_of
from .damage import Damaged
from .raster import Colours, Raster

_SIZE = re.compile(rb"([-+])([XY]) +(\d{1,7}) +([-+])([XY]) +(\d{1,7})\n")
_EQUAL_ENERGY: Primaries = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3)
"""The primaries of XYZ itself."""


def is_radiance(data: bytes) -> bool:
    """Returns whether the file begins like a Radiance picture."""
    return data.startswith((b"#?RADIANCE", b"#?RGBE"))


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height of the upright picture. Raises Damaged if the header is."""
    found, _ = _header(data)
    first, second = int(found[3]), int(found[6])
    return (second, first) if found[2] == b"Y" else (first, second)


def read(data: bytes) -> Raster:
    """Returns the linear colours of a Radiance picture. Raises Damaged."""
    found, lines = _header(data)
    count, length = int(found[3]), int(found[6])
    try:
        pixels = _pixels(data, found.end(), count, length)
    except (IndexError, ValueError) as error:
        raise Damaged("it ends too early") from error
    values = _to_float(pixels)
    primaries: Primaries | None = None
    # EXPOSURE would give absolute radiance; the stored values are those that the picture is meant to be shown with.
    for line in lines:
        name, _, rest = line.partition(b"=")
        try:
            numbers = [float(word) for word in rest.split()]
        except ValueError:
            numbers = []
        if name.strip() == b"PRIMARIES" and len(numbers) == 8:
            stored = (*numbers,)
            known = (stored[0], stored[1], stored[2], stored[3], stored[4], stored[5], stored[6], stored[7])
            primaries = known if is_valid(known) else None
        elif name.strip() == b"FORMAT" and rest.strip() == b"32-bit_rle_xyze":
            values = values @ matrix_of(_EQUAL_ENERGY).T.astype(np.float32)
    values = _upright(values, found)
    if primaries is not None and np.allclose(primaries, SRGB, atol=0.02):
        primaries = None
    return Raster(values, "rgb", None, Colours(primaries=primaries, transfer=1.0))


def _header(data: bytes) -> tuple[re.Match[bytes], list[bytes]]:
    end = data.find(b"\n\n", 0, 1 << 16)
    found = _SIZE.match(data, end + 2) if end >= 0 else None
    if found is None or found[2] == found[5] or min(int(found[3]), int(found[6])) < 1:
        raise Damaged("header")
    return found, data[:end].split(b"\n")


def _upright(values: Floats, found: re.Match[bytes]) -> Floats:
    """Returns the picture with rows from top to bottom and columns from left to right."""
    values = values[::-1] if (found[1] == b"+") == (found[2] == b"Y") else values
    values = values[:, ::-1] if (found[4] == b"-") == (found[5] == b"X") else values
    return np.ascontiguousarray(values if found[2] == b"Y" else values.transpose(1, 0, 2))


def _to_float(pixels: Bytes) -> Floats:
    exponents = pixels[..., 3].astype(np.int32)
    scale = np.ldexp(np.float32(1.0), exponents - 136).astype(np.float32)
    values = (pixels[..., :3].astype(np.float32) + np.float32(0.5)) * scale[..., None]
    return np.where(exponents[..., None] == 0, np.float32(0.0), values)


def _pixels(data: bytes, place: int, count: int, length: int) -> Bytes:
    """Returns the stored bytes, uint8 (count, length, 4)."""
    result: NDArray[np.uint8] = np.zeros((count, length, 4), np.uint8)
    new = b"\2\2" + struct.pack(">H", length) if 8 <= length < 32768 else None
    for row in result:
        if new is not None and data[place : place + 4] == new:
            place = _new_row(data, place + 4, row)
        else:
            place = _old_row(data, place, row)
    return result


def _new_row(data: bytes, place: int, row: Bytes) -> int:
    """Decodes a row whose four components are run-length encoded one by one, and returns the next offset."""
    length = row.shape[0]
    for component in range(4):
        parts: list[bytes] = []
        have = 0
        while have < length:
            code = data[place]
            if code > 128:
                parts.append(data[place + 1 : place + 2] * (code - 128))
                place += 2
            else:
                parts.append(data[place + 1 : place + 1 + code])
                place += 1 + code
            if not parts[-1]:
                raise ValueError("empty run")
            have += len(parts[-1])
        row[:, component] = np.frombuffer(b"".join(parts), np.uint8)
    return place


def _old_row(data: bytes, place: int, row: Bytes) -> int:
    """Decodes a row of plain pixels, in which (1, 1, 1, n) repeats the last pixel, and returns the next offset."""
    length = row.shape[0]
    plain = data[place : place + 4 * length]
    if b"\1\1\1" not in plain:
        row[:] = np.frombuffer(plain, np.uint8).reshape(length, 4)
        return place + 4 * length
    column, shift = 0, 0
    while column < length:
        pixel = np.frombuffer(data, np.uint8, 4, place)
        place += 4
        if column and (pixel[:3] == 1).all():
            repeat = int(pixel[3]) << shift
            row[column : column + repeat] = row[column - 1]
            column, shift = column + repeat, shift + 8
        else:
            row[column] = pixel
            column, shift = column + 1, 0
    return place
