# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspects JPEG streams without decoding: kind of compression, number of scans, completeness (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_EOI, _SOS = 0xD9, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_STANDALONE = {0x01, 0xD8}
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2


@dataclass(frozen=True)
class Stream:
    """What a JPEG file contains.

    frame      marker of the frame: 0xC0 baseline, 0xC2 progressive; 0 if there is none
    bits       bits per sample
    channels   1 for grey, 3 for colours, 4 for CMYK
    block_rows rows of pixels in a row of blocks, which are coded together
    scans      offsets of the scans
    end        offset after the end-of-image marker; 0 if the file is cut off
    """

    frame: int
    bits: int
    scans: tuple[int, ...]
    end: int
    channels: int = 0
    block_rows: int = 8

    @property
    def is_progressive(self) -> bool:
        """Whether several scans refine the whole picture."""
        return self.frame == _PROGRESSIVE

    @property
    def is_common(self) -> bool:
        """Whether every program can decode it: Huffman-coded, 8 bits, baseline or progressive."""
        return self.frame in (_BASELINE, _EXTENDED, _PROGRESSIVE) and self.bits == 8


def inspect(data: bytes) -> Stream:
    """Returns what the first picture of the JPEG file `data` contains."""
    place, frame, bits = 2, 0, 8
    channels, block_rows = 0, 8
    scans: list[int] = []
    while (found := _MARKER.search(data, place)) is not None:
        start, marker = found.start(), data[found.start() + 1]
        if marker == _EOI:
            return Stream(frame, bits, tuple(scans), start + 2, channels, block_rows)
        place = start + 2
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[place : place + 2], "big")
        if marker in _FRAMES and not frame and place + 7 < len(data):
            frame, bits, channels = marker, data[place + 2], data[place + 7]
            shares = [data[at] & 15 for at in range(place + 9, place + 8 + 3 * channels, 3) if at < len(data)]
            block_rows = 8 * max(shares) if channels > 1 and shares else 8
        if marker == _SOS:
            scans.append(start)
        place += max(length, 2)
    return Stream(frame, bits, tuple(scans), 0, channels, block_rows)
