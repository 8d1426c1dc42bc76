# SPDX-License-Identifier: GPL-3.0-or-later
"""File types from the first bytes and image sizes from the header; nothing is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import imagesize

_START = 64
_MOST_READS, _MOST_BYTES = 20_000, 16_000_000

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"BM", ".bmp"),
    (b"8BPS", ".psd"),
    (b"\x76\x2f\x31\x01", ".exr"),
    (b"#?RADIANCE", ".hdr"),
    (b"#?RGBE", ".hdr"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", ".jp2"),
    (b"\xff\x4f\xff\x51", ".jp2"),
    (b"\xff\x0a", ".jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", ".jxl"),
    *((f"P{kind}".encode() + space, ".ppm") for kind in range(1, 7) for space in (b"\n", b" ", b"\r", b"\t")),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

_DEPTH_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", ".npy"),
    (b"\x76\x2f\x31\x01", ".exr"),
    (b"Pf", ".pfm"),
    (b"PF", ".pfm"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
)


def photo_ending(path: Path) -> str | None:
    """Returns the suffix that fits the content of `path`, such as '.jpg'; None if it is not a photo."""
    start = _first_bytes(path)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return ".webp"
    if start[4:8] == b"ftyp":
        brands = {start[place : place + 4] for place in (8, *range(16, len(start) - 3, 4))}
        return ".avif" if brands & _AVIF_BRANDS else ".heic" if brands & _HEIF_BRANDS else None
    found = next((ending for magic, ending in _STARTS if start.startswith(magic)), None)
    return found or (".tga" if _is_tga(start) else None)


def _is_tga(start: bytes) -> bool:
    """Returns whether the header is a sound one of Truevision TGA, which has no signature at its start."""
    if len(start) < 18:
        return False
    has_map, kind, map_bits, bits = start[1], start[2], start[7], start[16]
    columns, rows = int.from_bytes(start[12:14], "little"), int.from_bytes(start[14:16], "little")
    is_mapped = has_map == 1 and map_bits in (15, 16, 24, 32) and kind in (1, 9) and bits in (8, 16)
    is_plain = has_map == 0 and not any(start[3:8]) and kind in (2, 3, 10, 11) and bits in (8, 15, 16, 24, 32)
    return (is_mapped or is_plain) and columns > 0 and rows > 0 and start[17] & 0xC0 == 0


def depth_ending(path: Path) -> str | None:
    """Returns the suffix that fits the content of `path`; None if it is not a depth map."""
    start = _first_bytes(path)
    return next((ending for magic, ending in _DEPTH_STARTS if start.startswith(magic)), None)


def size(path: Path) -> tuple[int, int] | None:
    """Returns the width and height in the header of a photo, before rotation; None if the header cannot be read.

    The worker reads the header again and checks the size itself.
    """
    try:
        with path.open("rb") as file:
            width, height = imagesize.get(_Frugal(file))
    # The library raises many types of exceptions for damaged headers.
    except Exception:
        return None
    return (int(width), int(height)) if width > 0 and height > 0 else None


class _Frugal:
    """Reads a file up to a limit: crafted headers can chain offsets through all of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._reads, self._bytes = _MOST_READS, _MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        """Returns at most `size` bytes. Raises ValueError when the limit is exceeded."""
        data = self._file.read(self._bytes + 1 if size < 0 else min(size, self._bytes + 1))
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise ValueError("the header is too long")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Changes the position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Returns the position."""
        return self._file.tell()


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)
