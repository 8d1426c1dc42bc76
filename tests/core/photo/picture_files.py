# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes picture files of kinds that Pillow does not write."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {1: 0, 2: 4, 3: 2, 4: 6}
"""Number of channels -> colour type of PNG."""


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(values: NDArray[Any], *chunks: tuple[bytes, bytes], piece: int = 1 << 16) -> bytes:
    """Returns a PNG of uint8 or uint16 values, (h, w) or (h, w, 2 to 4), with additional chunks before the pixels."""
    planes = values if values.ndim == 3 else values[..., None]
    height, width, channels = planes.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * values.dtype.itemsize, CHANNELS[channels], 0, 0, 0)
    rows = np.ascontiguousarray(planes.astype(values.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 1)
    body = b"".join(png_chunk(*chunk) for chunk in chunks)
    data = b"".join(png_chunk(b"IDAT", packed[start : start + piece]) for start in range(0, len(packed), piece))
    return SIGNATURE + png_chunk(b"IHDR", header) + body + data + png_chunk(b"IEND", b"")


def tiff(
    tags: dict[int, tuple[str, tuple[int, ...]]], segments: list[bytes], order: str = "<", big: bool = False
) -> bytes:
    """Returns a TIFF with these tags (type "H" or "I" or "B", values) and strips, whose offsets and sizes are added."""
    all_tags = {**tags, 273: ("I", (0,) * len(segments)), 279: ("I", tuple(map(len, segments)))}
    head, entry = (16, 20) if big else (8, 12)
    start = head + (8 if big else 2) + entry * len(all_tags) + (8 if big else 4)
    room = 8 if big else 4
    extra = sum(
        struct.calcsize("=" + kind) * len(values)
        for kind, values in all_tags.values()
        if struct.calcsize("=" + kind) * len(values) > room
    )
    offsets, place = [], start + extra
    for segment in segments:
        offsets.append(place)
        place += len(segment)
    all_tags[273] = ("I", tuple(offsets))
    codes = {"B": 1, "H": 3, "I": 4}
    entries, values_after = b"", b""
    for tag, (kind, values) in sorted(all_tags.items()):
        packed = struct.pack(f"{order}{len(values)}{kind}", *values)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, codes[kind], len(values))
        if len(packed) <= room:
            entries += packed.ljust(room, b"\0")
        else:
            entries += struct.pack(order + ("Q" if big else "I"), start + len(values_after))
            values_after += packed
    name = b"II" if order == "<" else b"MM"
    if big:
        header = name + struct.pack(order + "HHHQ", 43, 8, 0, 16) + struct.pack(order + "Q", len(all_tags))
    else:
        header = name + struct.pack(order + "HI", 42, 8) + struct.pack(order + "H", len(all_tags))
    return header + entries + bytes(room) + values_after + b"".join(segments)


def tags_of(values: NDArray[Any], photometric: int, **more: tuple[str, tuple[int, ...]]) -> dict[int, Any]:
    """Returns the tags of an uncompressed picture, (h, w) or (h, w, channels), in one strip."""
    channels = values.shape[2] if values.ndim == 3 else 1
    form = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tags: dict[int, Any] = {
        256: ("I", (values.shape[1],)),
        257: ("I", (values.shape[0],)),
        258: ("H", (8 * values.dtype.itemsize,) * channels),
        259: ("H", (1,)),
        262: ("H", (photometric,)),
        277: ("H", (channels,)),
        278: ("I", (values.shape[0],)),
        339: ("H", (form,) * channels),
    }
    return tags | {int(name[1:]): value for name, value in more.items()}


def exr_header(size: tuple[int, int], names: str = "Z", compression: int = 4) -> bytes:
    """Returns an OpenEXR file of 32-bit channels that ends after its header; 4 is PIZ."""

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(value)) + value

    channels = b"".join(name.encode() + b"\0" + struct.pack("<iIii", 2, 0, 1, 1) for name in sorted(names)) + b"\0"
    window = struct.pack("<4i", 0, 0, size[0] - 1, size[1] - 1)
    return b"".join(
        (
            b"\x76\x2f\x31\x01\x02\0\0\0",
            attribute("channels", "chlist", channels),
            attribute("compression", "compression", bytes([compression])),
            attribute("dataWindow", "box2i", window),
            attribute("displayWindow", "box2i", window),
            attribute("lineOrder", "lineOrder", b"\0"),
            attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
            attribute("screenWindowCenter", "v2f", bytes(8)),
            attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)),
            b"\0",
        )
    )


def icc(
    space: bytes, curves: dict[bytes, bytes], colorants: dict[bytes, tuple[float, float, float]], name: str
) -> bytes:
    """Returns an ICC profile of version 2 with curves and, for RGB, the primaries in XYZ relative to D50."""
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + bytes(1 + 4 + 4 + 2 + 1 + 67)}
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    tags |= curves
    for key, xyz in colorants.items():
        tags[key] = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in xyz))
    place = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for key, content in tags.items():
        table += struct.pack(">4sII", key, place + len(body), len(content))
        body += content.ljust(-(-len(content) // 4) * 4, b"\0")
    size = place + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


SRGB_COLORANTS = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7139),
}
LINEAR = b"curv" + bytes(8)


def rgb_profile(curve: bytes, name: str) -> bytes:
    """Returns a profile with the primaries of sRGB and one curve."""
    return icc(b"RGB ", {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}, SRGB_COLORANTS, name)


def grey_profile(curve: bytes) -> bytes:
    return icc(b"GRAY", {b"kTRC": curve}, {}, "grey")
