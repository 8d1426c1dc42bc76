# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the common OpenEXR files: scan lines that are uncompressed or packed with RLE, ZIPS or ZIP.

The format is described in "OpenEXR File Layout". Other files (PIZ, B44, DWA, tiles, deep pixels) are left to the
package OpenEXR.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .damage import Damaged

SIGNATURE = b"\x76\x2f\x31\x01"

Data = bytes | mmap.mmap

_TILED, _DEEP, _SEVERAL_PARTS = 0x200, 0x800, 0x1000
_LINES = {0: 1, 1: 1, 2: 1, 3: 16}
"""Compression that is read here -> scan lines of a block."""
_NONE, _RLE = 0, 1
_TYPES = (np.dtype("<u4"), np.dtype("<f2"), np.dtype("<f4"))
_LONGEST = 256
_MOST_PIXELS = 1 << 31


@dataclass(frozen=True)
class Channel:
    """A channel: its name, the type of its values, and whether it has one for each pixel."""

    name: str
    dtype: np.dtype[Any]
    is_whole: bool


@dataclass(frozen=True)
class Header:
    """The header of a file's first part.

    size            width and height of the data window
    top             its first row
    channels        in the order of the file
    compression     number of the compression
    chromaticities  the eight numbers of that attribute; None without it
    blocks          place of the table of offsets
    is_plain        whether it is an image of scan lines
    has_parts       whether there are several parts
    """

    size: tuple[int, int]
    top: int
    channels: tuple[Channel, ...]
    compression: int
    chromaticities: tuple[float, ...] | None
    blocks: int
    is_plain: bool
    has_parts: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the channels."""
        return tuple(one.name for one in self.channels)

    @property
    def is_readable(self) -> bool:
        """Whether `read` reads the file."""
        return self.is_plain and self.compression in _LINES and all(one.is_whole for one in self.channels)


def header_of(data: Data) -> Header:
    """Returns the header of the file `data`. Raises Damaged if it cannot be read."""
    try:
        return _header(data)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise Damaged("the header of the OpenEXR file is cut off or damaged") from error


def read(data: Data, header: Header, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Returns the channels called `names`, each (height, width), float16, float32 or uint32. Raises Damaged."""
    try:
        return _read(data, header, frozenset(names))
    except (struct.error, zlib.error, IndexError, ValueError) as error:
        raise Damaged("the OpenEXR file is cut off or damaged") from error


def _header(data: Data) -> Header:
    (version,) = struct.unpack_from("<I", data, 4)
    found, place = _attributes(data, 8)
    if version & _SEVERAL_PARTS:
        while data[place : place + 1] != b"\0":
            _, place = _attributes(data, place)
        place += 1
    left, top, right, bottom = struct.unpack("<4i", found["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    if width < 1 or height < 1 or width * height > _MOST_PIXELS:
        raise ValueError("the data window is empty or too large")
    stated = found.get("chromaticities", b"")
    return Header(
        (width, height),
        top,
        _channels(found["channels"]),
        found["compression"][0],
        struct.unpack("<8f", stated) if len(stated) == 32 else None,
        place,
        not version & (_TILED | _DEEP) and found.get("type", b"scanlineimage").rstrip(b"\0") == b"scanlineimage",
        bool(version & _SEVERAL_PARTS),
    )


def _attributes(data: Data, place: int) -> tuple[Mapping[str, bytes], int]:
    """Returns the attributes that begin at `place` by name, and the place after them."""
    found: dict[str, bytes] = {}
    while True:
        name, place = _text(data, place)
        if not name:
            return found, place
        _, place = _text(data, place)
        (size,) = struct.unpack_from("<i", data, place)
        if size < 0 or place + 4 + size > len(data):
            raise ValueError("an attribute is longer than the file")
        found[name] = data[place + 4 : place + 4 + size]
        place += 4 + size


def _text(data: Data, place: int) -> tuple[str, int]:
    end = data[place : place + _LONGEST].index(b"\0")
    return data[place : place + end].decode("utf-8", "replace"), place + end + 1


def _channels(value: bytes) -> tuple[Channel, ...]:
    found, place = [], 0
    while value[place : place + 1] != b"\0":
        name, place = _text(value, place)
        kind, _, across, down = struct.unpack_from("<iIii", value, place)
        found.append(Channel(name, _TYPES[kind], across == down == 1))
        place += 16
    return tuple(found)


def _read(data: Data, header: Header, names: frozenset[str]) -> dict[str, NDArray[Any]]:
    width, height = header.size
    lines = _LINES[header.compression]
    row_bytes = width * sum(one.dtype.itemsize for one in header.channels)
    offsets = struct.unpack_from(f"<{-(-height // lines)}Q", data, header.blocks)
    head = 12 if header.has_parts else 8
    made = {one.name: np.empty((height, width), one.dtype) for one in header.channels if one.name in names}
    for offset in offsets:
        if offset + head > len(data):
            raise ValueError("a block lies behind the end of the file")
        first, size = struct.unpack_from("<ii", data, offset + head - 8)
        row = first - header.top
        rows = min(lines, height - row)
        packed = data[offset + head : offset + head + size]
        if row < 0 or rows < 1 or size < 0 or len(packed) != size:
            raise ValueError("a block is not where it should be")
        whole = _unpacked(packed, rows * row_bytes, header.compression).reshape(rows, row_bytes)
        place = 0
        for one in header.channels:
            step = width * one.dtype.itemsize
            if one.name in made:
                part = np.ascontiguousarray(whole[:, place : place + step])
                made[one.name][row : row + rows] = part.view(one.dtype)
            place += step
    return made


def _unpacked(packed: bytes, size: int, compression: int) -> NDArray[np.uint8]:
    """Returns the `size` bytes of a block."""
    if compression == _NONE or len(packed) == size:
        plain = np.frombuffer(packed, np.uint8)
    else:
        halves = np.frombuffer(_runs(packed, size) if compression == _RLE else _inflated(packed, size), np.uint8)
        # Each byte is stored as the difference from the one before, plus 128; then come first the even bytes, then the
        # odd ones.
        steps = halves - np.uint8(128)
        steps[:1] = halves[:1]
        sums = np.cumsum(steps, dtype=np.uint8)
        plain = np.empty(len(sums), np.uint8)
        middle = (len(sums) + 1) // 2
        plain[0::2], plain[1::2] = sums[:middle], sums[middle:]
    if len(plain) != size:
        raise ValueError("a block has another size than stated")
    return plain


def _inflated(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(packed, size)


def _runs(packed: bytes, size: int) -> bytes:
    made, place, length = [], 0, 0
    while place < len(packed) and length < size:
        count = packed[place] if packed[place] < 128 else packed[place] - 256
        if count < 0:
            made.append(packed[place + 1 : place + 1 - count])
            place += 1 - count
        else:
            made.append(packed[place + 1 : place + 2] * (count + 1))
            place += 2
        length += len(made[-1])
    return b"".join(made)
