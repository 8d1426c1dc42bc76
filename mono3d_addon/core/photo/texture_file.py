# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo's file as a texture: whether every program reads it, and its bytes without metadata. Never re-encodes.

Metadata here is all that is not needed to show the picture: EXIF (position, serial numbers, owner), XMP, IPTC,
comments, text, thumbnails, further pictures, and what follows the end of the picture, such as the video of a motion
photo.
Sources: ITU-T T.81, annex B (JPEG); W3C, Portable Network Graphics (third edition).
"""

from __future__ import annotations

import zlib

_JFIF, _ICC, _ADOBE = b"JFIF\0", b"ICC_PROFILE\0", b"Adobe"
_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_APP0, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE2, 0xEE, 0xEF, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE, _PROGRESSIVE = 0xC0, 0xC2
_RESTARTS = range(0xD0, 0xD8)

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"sBIT"})
_COLOURS = frozenset({b"iCCP", b"gAMA", b"cHRM", b"cICP", b"sRGB"})
_RGB, _RGBA = 2, 6


def without_metadata(data: bytes) -> bytes | None:
    """Returns the bytes of a JPEG or PNG file without metadata; pixels and colour profile are unchanged.

    None if the file is no texture for every program: only undamaged PNG files with 8 bits in RGB or RGBA, and baseline
    or progressive JPEG files with 8 bits in grey or three colours are.
    """
    if data.startswith(b"\xff\xd8"):
        return _plain_jpeg(data)
    if data.startswith(_PNG):
        return _plain_png(data, _CHUNKS)
    return None


def has_alpha(data: bytes) -> bool:
    """Returns whether a texture, as `without_metadata` makes it, has an alpha channel."""
    return data.startswith(_PNG) and data[25] == _RGBA


def for_gltf(data: bytes) -> bytes:
    """Returns a texture, an sRGB picture, as glTF wants it: a PNG marked as sRGB instead of by profile, gamma or size.

    glTF 2.0, 3.9.2: colour space information in images is ignored. Other files are returned unchanged.
    """
    if not data.startswith(_PNG):
        return data
    plain = _plain_png(data, _CHUNKS - _COLOURS)
    if plain is None or plain == data:
        return data
    place = len(_PNG) + 25  # behind IHDR
    return plain[:place] + _chunk(b"sRGB", b"\0") + plain[place:]


def _plain_jpeg(data: bytes) -> bytes | None:
    parts = [data[:2]]
    place, has_frame = 2, False
    while True:
        start = place
        while data[place : place + 1] == b"\xff":
            place += 1
        if place == start or place >= len(data):
            return None
        marker = data[place]
        place += 1
        if marker == _EOI:
            parts.append(bytes((0xFF, _EOI)))
            return b"".join(parts) if has_frame and len(parts) > 3 else None
        length = int.from_bytes(data[place : place + 2], "big")
        content = data[place + 2 : place + length]
        if marker in (0, _TEM, _SOI, *_RESTARTS) or length < 2 or len(content) != length - 2:
            return None
        place += length
        if marker in _FRAMES:
            if has_frame or marker not in (_BASELINE, _PROGRESSIVE) or content[:1] != b"\x08":
                return None
            if content[5:6] not in (b"\x01", b"\x03"):
                return None
            has_frame = True
        if marker == _APP0 and content.startswith(_JFIF) and len(content) >= 14:
            content = content[:12] + b"\0\0"  # without the thumbnail
        elif _APP0 <= marker <= _APP15 or marker == _COM:
            is_icc = marker == _APP2 and content.startswith(_ICC)
            is_adobe = marker == _APP14 and content.startswith(_ADOBE)
            if not (is_icc or is_adobe):
                continue
        parts.append(bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content)
        if marker == _SOS:
            end = _end_of_scan(data, place)
            parts.append(data[place:end])
            place = end


def _end_of_scan(data: bytes, place: int) -> int:
    """Returns the place of the first marker after the coded data that begin at `place`; the end if there is none."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0 or place + 1 >= len(data):
            return len(data)
        follower = data[place + 1]
        if follower not in (0, 0xFF) and follower not in _RESTARTS:
            return place
        place += 1 if follower == 0xFF else 2


def _plain_png(data: bytes, kept: frozenset[bytes]) -> bytes | None:
    parts = [_PNG]
    place = len(_PNG)
    while True:
        length = int.from_bytes(data[place : place + 4], "big")
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        crc = data[place + 8 + length : place + 12 + length]
        if len(crc) != 4 or zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(crc, "big"):
            return None
        if place == len(_PNG) and (kind != b"IHDR" or content[8:9] != b"\x08" or content[9] not in (_RGB, _RGBA)):
            return None
        if kind in kept:
            parts.append(data[place : place + 12 + length])
        place += 12 + length
        if kind == b"IEND":
            return b"".join(parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(content, zlib.crc32(kind))
    return len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")
