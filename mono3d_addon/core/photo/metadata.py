# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture file says besides its pixels: EXIF, XMP and ICC profile. Decodes nothing; needs no package.

Sources: ITU-T T.81, annex B, Adobe, XMP Specification Part 3, and ICC.1:2022, annex B.4 (JPEG); Google, WebP Container
Specification; Adobe, Photoshop File Formats Specification.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import jpeg_parts
from .exif import Exif, read_exif
from .tiff_tags import first_folder, is_tiff

_APP1, _APP2 = 0xE1, 0xE2
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_TIFF_XMP, _TIFF_PROFILE, _ORIENTATION = 700, 34675, 274
_PHOTOSHOP_PROFILE = 1039
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


@dataclass(frozen=True)
class Metadata:
    """What a file says.

    exif              its EXIF
    xmp               its XMP packet
    profile           its ICC profile
    is_turned_by_xmp  whether XMP may tell the orientation where EXIF does not
    """

    exif: Exif = field(default_factory=Exif)
    xmp: bytes = b""
    profile: bytes = b""
    is_turned_by_xmp: bool = True

    @property
    def orientation(self) -> int:
        """1 to 8, as in EXIF (CIPA DC-008, tag 274); 1 where it is not known."""
        told = self.exif.picture.get(_ORIENTATION)
        if told is None and self.is_turned_by_xmp and (found := _XMP_ORIENTATION.search(self.xmp)):
            told = int(found[1])
        try:
            return int(told) if isinstance(told, int | float | str) else 1
        except (ValueError, OverflowError):
            return 1


def of(data: bytes) -> Metadata:
    """Returns what a JPEG, TIFF, WebP or Photoshop file says; nothing for other files."""
    if data.startswith(b"\xff\xd8"):
        return of_jpeg(data)
    if is_tiff(data):
        return of_tiff(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return of_webp(data)
    return of_photoshop(data) if data.startswith(b"8BPS") else Metadata()


def of_jpeg(data: bytes) -> Metadata:
    """Returns what a JPEG file says."""
    exif, xmp = b"", b""
    profiles: list[bytes] = []
    for marker, content, _ in jpeg_parts.segments(data):
        if marker == _APP1 and content.startswith(_EXIF):
            # Larger EXIF is continued in the next segment.
            exif += content[len(_EXIF) :]
        elif marker == _APP1 and content.startswith(_XMP):
            xmp = content[len(_XMP) :]
        elif marker == _APP2 and content.startswith(_ICC) and len(content) > len(_ICC) + 1:
            profiles.append(content[len(_ICC) :])
    profiles.sort()
    is_whole = bool(profiles) and profiles[0][1] == len(profiles)
    return Metadata(read_exif(exif), xmp, b"".join(part[2:] for part in profiles) if is_whole else b"")


def of_tiff(data: bytes) -> Metadata:
    """Returns what a TIFF file says, which has the structure of EXIF itself."""
    folder = first_folder(data)
    if folder is None:
        return Metadata()
    return Metadata(read_exif(data), folder.bytes_of(_TIFF_XMP), folder.bytes_of(_TIFF_PROFILE))


def of_webp(data: bytes) -> Metadata:
    """Returns what a WebP file says."""
    chunks: dict[bytes, bytes] = {}
    for name, content in _riff_chunks(data):
        chunks.setdefault(name, content)
    return Metadata(read_exif(chunks.get(b"EXIF", b"")), chunks.get(b"XMP ", b""), chunks.get(b"ICCP", b""))


def of_png(exif: bytes, texts: Mapping[str, str]) -> Metadata:
    """Returns what a PNG file says, but for its colours; `exif` is a chunk; ImageMagick writes a text instead."""
    raw = texts.get("Raw profile type exif", "")
    if not exif and raw:
        try:
            exif = bytes.fromhex("".join(raw.split("\n")[3:]))
        except ValueError:
            exif = b""
    return Metadata(read_exif(exif), texts.get("XML:com.adobe.xmp", "").encode())


def of_photoshop(data: bytes) -> Metadata:
    """Returns the ICC profile of a Photoshop file. The EXIF in it is of the picture before it was edited."""
    try:
        place = 26 + 4 + struct.unpack_from(">I", data, 26)[0]
        end = place + 4 + struct.unpack_from(">I", data, place)[0]
        place += 4
        while place + 12 <= end:
            (number,) = struct.unpack_from(">H", data, place + 4)
            place += 6 + (data[place + 6] + 2) // 2 * 2
            (size,) = struct.unpack_from(">I", data, place)
            if number == _PHOTOSHOP_PROFILE:
                return Metadata(profile=data[place + 4 : place + 4 + size])
            place += 4 + (size + 1) // 2 * 2
    except (struct.error, IndexError):
        pass
    return Metadata()


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + (size & 1)
