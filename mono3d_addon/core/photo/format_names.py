# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the picture formats that need a decoder besides those of this folder. Needs the standard library only."""

from __future__ import annotations

from .tiff_tags import is_tiff

_NAMES = {
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"8BPS": "Photoshop",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
}
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def name_of(data: bytes) -> str:
    """Returns the name of a format that this program reads with a package only; empty for others."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in _AVIF_BRANDS:
        return "AVIF"
    if brand in _HEIC_BRANDS:
        return "HEIC"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if is_tiff(data):
        return "TIFF"
    return next((name for start, name in _NAMES.items() if data.startswith(start)), "")
