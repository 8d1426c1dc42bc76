# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what HEIC, AVIF and JPEG 2000 files say about their colours (ISO/IEC 14496-12, 23008-12 and 15444-1)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .raster import Colours, coded_colours

_MOST_BOXES = 4096


def colours_of(data: bytes) -> Colours:
    """Returns the colours of a HEIC, AVIF or JPEG 2000 file: its ICC profile, else its colour codes, else sRGB."""
    try:
        described = _described(data)
    except (struct.error, IndexError, ValueError):
        described = []
    for kind, content in described:
        if kind in (b"prof", b"rICC"):
            return Colours(icc=content)
    for kind, content in described:
        if kind == b"nclx" and len(content) >= 6:
            found = coded_colours(*struct.unpack_from(">HH", content))
            if found is not None:
                return found
    return Colours()


def brand_of(data: bytes) -> bytes:
    """Returns the major brand of a file that begins with a file-type box; else nothing."""
    return data[8:12] if data[4:8] == b"ftyp" else b""


def _described(data: bytes) -> list[tuple[bytes, bytes]]:
    """Returns kind and content of each colour box of the main picture."""
    for name, content in each_box(data):
        if name == b"jp2h":
            return [_jp2_colours(one) for inner, one in each_box(content) if inner == b"colr"]
        if name == b"meta":
            return _heif_colours(content[4:])
    return []


def _jp2_colours(content: bytes) -> tuple[bytes, bytes]:
    return (b"prof", content[3:]) if content[0] in (2, 3) else (b"enum", content[3:])


def _heif_colours(meta: bytes) -> list[tuple[bytes, bytes]]:
    boxes = dict(each_box(meta))
    pitm = boxes.get(b"pitm", b"")
    primary = int.from_bytes(pitm[4:6] if pitm[:1] == b"\0" else pitm[4:8], "big")
    properties = list(each_box(boxes.get(b"iprp", b"")))
    known = [one for name, content in properties if name == b"ipco" for one in each_box(content)]
    wanted = {
        index for name, content in properties if name == b"ipma" for index in _associated(content, primary)
    } or set(range(1, len(known) + 1))
    return [
        (content[:4], content[4:])
        for index, (name, content) in enumerate(known, start=1)
        if name == b"colr" and index in wanted
    ]


def _associated(content: bytes, item: int) -> Iterator[int]:
    """Yields the numbers of the properties of an item."""
    version, is_wide = content[0], content[3] & 1
    (count,) = struct.unpack_from(">I", content, 4)
    place = 8
    for _ in range(min(count, _MOST_BOXES)):
        length = 2 if version < 1 else 4
        number = int.from_bytes(content[place : place + length], "big")
        entries = content[place + length]
        place += length + 1
        for _ in range(entries):
            if number == item:
                yield struct.unpack_from(">H", content, place)[0] & 0x7FFF if is_wide else content[place] & 0x7F
            place += 2 if is_wide else 1


def each_box(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields name and content of each box on the top level of `data`; the content of the last may be cut off."""
    place = 0
    for _ in range(_MOST_BOXES):
        if place + 8 > len(data):
            return
        size, name = struct.unpack_from(">I4s", data, place)
        header = 8
        if size == 1 and place + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, place + 8)
            header = 16
        elif size == 0:
            size = len(data) - place
        if size < header:
            return
        yield name, data[place + header : place + size]
        place += size


def is_deep_avif(data: bytes) -> bool:
    """Returns whether the configuration of an AVIF's coder says 12 bits (AV1 in ISO BMFF, 2.3)."""
    place = data.find(b"av1C")
    return 0 <= place < len(data) - 7 and bool(data[place + 6] & 0x20)
