# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the directories of TIFF files and of EXIF, which has their structure: tags with numbers, text and fractions.

See Adobe, TIFF Revision 6.0 (1992), and the BigTIFF design. Needs the standard library only.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 256, 257

_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
_TYPES |= {13: "I", 16: "Q", 17: "q", 18: "Q"}
_TEXTS, _FRACTIONS = (1, 2, 7), (5, 10)
_MOST_ENTRIES = 4096


class Fraction(float):
    """The value of a fraction, not a number where it has none, with its terms as stored, not reduced."""

    numerator: int
    denominator: int

    def __new__(cls, numerator: int, denominator: int) -> Fraction:
        """Returns the fraction with these terms."""
        made = super().__new__(cls, numerator / denominator if denominator else float("nan"))
        made.numerator, made.denominator = numerator, denominator
        return made


@dataclass(frozen=True)
class Folder:
    """The values of the tags of one image file directory.

    order   "<" or ">"
    values  tag -> numbers, or bytes for text, undefined data and unsigned bytes
    """

    order: Literal["<", ">"]
    values: dict[int, tuple[float, ...] | bytes]

    def number(self, tag: int, default: int = 0) -> int:
        """Returns the first number of a tag."""
        found = self.values.get(tag)
        return _whole(found[0]) if found else default

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Returns all numbers of a tag; empty if it is missing."""
        return tuple(_whole(value) for value in self.values.get(tag, ()))

    def bytes_of(self, tag: int) -> bytes:
        """Returns the bytes of a tag; empty if it is missing."""
        found = self.values.get(tag, b"")
        return found if isinstance(found, bytes) else bytes(_whole(value) & 255 for value in found)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.number(WIDTH), self.number(HEIGHT)


def is_tiff(data: bytes | mmap.mmap) -> bool:
    """Returns whether the file begins like a TIFF or BigTIFF."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def first_folder(data: bytes | mmap.mmap) -> Folder | None:
    """Returns the first directory of a TIFF; None if it cannot be read."""
    if not is_tiff(data):
        return None
    is_big = b"+" in data[2:4]
    order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
    try:
        (place,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
    except struct.error:
        return None
    return folder_at(data, place)


def folder_at(data: bytes | mmap.mmap, place: int) -> Folder | None:
    """Returns the directory at an offset of a TIFF; None if it cannot be read."""
    try:
        return _folder(data, place, "<" if data[:2] == b"II" else ">", is_big=b"+" in data[2:4])
    except (struct.error, OverflowError):
        return None


def _whole(value: float) -> int:
    return int(value) if math.isfinite(value) else 0


def _folder(data: bytes | mmap.mmap, place: int, order: Literal["<", ">"], *, is_big: bool) -> Folder:
    (count,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, place)
    entry, head = (20, 8) if is_big else (12, 2)
    values: dict[int, tuple[float, ...] | bytes] = {}
    for number in range(min(count, _MOST_ENTRIES)):
        at = place + head + entry * number
        tag, kind, length = struct.unpack_from(order + ("HHQ" if is_big else "HHI"), data, at)
        if kind not in _TYPES:
            continue
        size = struct.calcsize("=" + _TYPES[kind]) * length
        inline = at + (12 if is_big else 8)
        where = inline
        if size > (8 if is_big else 4):
            (where,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, inline)
        if size > len(data) or where + size > len(data):
            continue
        if kind in _TEXTS:
            values.setdefault(tag, data[where : where + size])
        elif kind in _FRACTIONS:
            terms = struct.unpack_from(order + _TYPES[kind][:1] * 2 * length, data, where)
            values.setdefault(tag, tuple(map(Fraction, terms[::2], terms[1::2])))
        else:
            values.setdefault(tag, struct.unpack_from(f"{order}{length}{_TYPES[kind]}", data, where))
    return Folder(order, values)
