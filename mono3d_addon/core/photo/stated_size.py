# SPDX-License-Identifier: GPL-3.0-or-later
"""The size that the header of a picture file states, for files that another program decodes. Imports no numpy."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import Mono3DError

Size = tuple[int, int]

_NO_FRAMES = (0xC4, 0xC8, 0xCC)
_STANDALONE = (0x01, *range(0xD0, 0xD9))


def stated_size(path: Path) -> Size | None:
    """Returns width and height, as stored, of a JPEG, WebP, GIF, JPEG 2000, Photoshop or OpenEXR file.

    None where the header is of another format, or damaged.
    """
    try:
        with mapped(path) as data:
            for start, size_of in _FORMATS.items():
                if data[: len(start)] == start:
                    return size_of(data)
    except (OSError, ValueError, struct.error, IndexError):
        return None
    return None


def check_size(path: Path, size: Size, max_pixels: float, smallest: int = 1) -> None:
    """Raises Mono3DError if a picture has more than `max_pixels` megapixels or a side of less than `smallest`."""
    width, height = size
    if min(size) < smallest:
        raise Mono3DError(
            f"'{path.name}' has only {width} x {height} pixels; at least {smallest} are needed on each side."
        )
    if width * height > max_pixels * 1e6:
        raise Mono3DError(
            f"'{path.name}' has {width} x {height} pixels, more than the limit of {max_pixels:g} megapixels; "
            "make it smaller or raise 'Largest photo'."
        )


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Yields the contents of a file, mapped into memory. Raises OSError, and ValueError for an empty file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _jpeg(data: mmap.mmap) -> Size | None:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF or marker in _STANDALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _webp(data: mmap.mmap) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _gif(data: mmap.mmap) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _boxed_jpeg_2000(data: mmap.mmap) -> Size | None:
    place = data.find(b"ihdr", 0, 4096)
    if place < 0:
        return None
    height, width = struct.unpack_from(">II", data, place + 4)
    return width, height


def _bare_jpeg_2000(data: mmap.mmap) -> Size:
    right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
    return right - left, bottom - top


def _photoshop(data: mmap.mmap) -> Size:
    height, width = struct.unpack_from(">II", data, 14)
    return width, height


def _openexr(data: mmap.mmap) -> Size | None:
    place = data.find(b"dataWindow\0box2i\0", 0, 65536)
    if place < 0:
        return None
    left, top, right, bottom = struct.unpack_from("<iiii", data, place + 21)
    return right - left + 1, bottom - top + 1


_FORMATS: dict[bytes, Callable[[mmap.mmap], Size | None]] = {
    b"\xff\xd8\xff": _jpeg,
    b"RIFF": _webp,
    b"GIF8": _gif,
    b"\0\0\0\x0cjP": _boxed_jpeg_2000,
    b"\xff\x4f\xff\x51": _bare_jpeg_2000,
    b"8BPS": _photoshop,
    b"\x76\x2f\x31\x01": _openexr,
}
