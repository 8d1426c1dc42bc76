# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads XMP, standard and extended, and the additional pictures of a JPEG file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from xml.etree import ElementTree

_XMP, _XMP_MORE, _MPF = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0", b"MPF\0"
_GAIN_MAP = b' hdrgm:Version="'
_APP1, _APP2, _START_OF_SCAN = 0xE1, 0xE2, 0xDA
_MP_ENTRIES = 0xB002
_MOST_XMP = 128 * 2**20
_MOST_PICTURES = 32


def segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yields marker, content and offset of the content of each JPEG segment before the scan data.

    See ITU-T T.81, annex B. Stops early if the file is damaged.
    """
    place = 2
    while data[:2] == b"\xff\xd8" and place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == _START_OF_SCAN:
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if length < 2:
            return
        yield marker, data[place + 4 : place + 2 + length], place + 4
        place += 2 + length


def xmp_of(data: bytes) -> list[ElementTree.Element]:
    """Returns the XMP of a JPEG as XML trees: the main packet and extended packets, for data beyond 64 kB.

    See Adobe, XMP Specification Part 3 (2020), 1.1.3.1: each chunk of extended XMP has the packet's digest, its total
    length and the chunk's offset. Damaged packets are skipped.
    """
    packets: list[bytes] = []
    pieces: dict[bytes, list[tuple[int, bytes]]] = {}
    for marker, content, _ in segments(data):
        if marker == _APP1 and content.startswith(_XMP):
            packets.append(content[len(_XMP) :])
        elif marker == _APP1 and content.startswith(_XMP_MORE) and len(content) > len(_XMP_MORE) + 40:
            body = content[len(_XMP_MORE) :]
            pieces.setdefault(body[:32], []).append((int.from_bytes(body[36:40], "big"), body[40:]))
    for parts in pieces.values():
        packets.append(b"".join(part for _, part in sorted(parts, key=lambda piece: piece[0])))
    return [tree for packet in packets if (tree := parsed(packet)) is not None]


def parsed(packet: bytes) -> ElementTree.Element | None:
    """Returns an XMP packet as an XML tree; None if it is damaged, too large or contains declarations (XML bombs)."""
    if len(packet) > _MOST_XMP or b"<!" in packet:
        return None
    start, end = packet.find(b"<"), packet.rfind(b">")
    try:
        return ElementTree.fromstring(packet[start : end + 1])
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def value_of(trees: list[ElementTree.Element], namespace: str, name: str) -> str:
    """Returns the property `name` of a namespace, from an attribute or an element; empty if there is none."""
    key = f"{{{namespace}}}{name}"
    for tree in trees:
        for element in tree.iter():
            if key in element.attrib:
                return element.attrib[key].strip()
            if element.tag == key and element.text and element.text.strip():
                return element.text.strip()
    return ""


def further_pictures(data: bytes) -> Iterator[bytes]:
    """Yields the additional pictures, as files, of a JPEG with a multi-picture index.

    See CIPA DC-007 (2009), Multi-Picture Format: entries have 16 bytes, offsets count from the header of the index.
    Stops early if the index is damaged.
    """
    for marker, content, place in segments(data):
        if marker == _APP2 and content.startswith(_MPF):
            yield from _indexed(data, content[len(_MPF) :], place + len(_MPF))


def has_further_pictures(data: bytes) -> bool:
    """Returns whether the file's index tells of several pictures, and not of one with its gain map for HDR."""
    if not any(True for _ in further_pictures(data)):
        return False
    return not any(marker == _APP1 and _GAIN_MAP in content for marker, content, _ in segments(data))


def _indexed(data: bytes, index: bytes, header: int) -> Iterator[bytes]:
    order = {b"II": "<", b"MM": ">"}.get(index[:2])
    if order is None:
        return
    try:
        (folder,) = struct.unpack_from(f"{order}I", index, 4)
        (count,) = struct.unpack_from(f"{order}H", index, folder)
        for number in range(min(count, 64)):
            tag, _, size, where = struct.unpack_from(f"{order}HHII", index, folder + 2 + 12 * number)
            if tag != _MP_ENTRIES:
                continue
            for entry in range(1, min(size // 16, _MOST_PICTURES)):
                _, length, offset = struct.unpack_from(f"{order}III", index, where + 16 * entry)
                yield data[header + offset : header + offset + length]
    except struct.error:
        return
