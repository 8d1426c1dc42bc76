# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognises files that are no photos, or photos that need another program, and says what to do with them."""

from __future__ import annotations

from . import psd_file
from .boxes import brand_of
from .tiff_file import is_camera_raw

_RAW = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"ARRI")
_CANON_RAW = b"HEAPCCDR"
_JPEG_XR = (b"II\xbc\x00", b"II\xbc\x01")
_ICONS = (b"\0\0\1\0", b"icns")
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"qt  ", b"avc1", b"M4V ", b"3gp4")


def advice(data: bytes) -> str:
    """Returns what the file is and what to do, to follow its name in a sentence; empty if it may be a photo."""
    start = data[:64]
    brand = brand_of(start)
    if start.startswith(_RAW) or start[6:14] == _CANON_RAW or brand == b"crx " or is_camera_raw(data):
        return "is camera raw: develop it with a raw converter and save it as JPEG or TIFF."
    if start.startswith(_JPEG_XR):
        return "is JPEG XR, which Mono3D does not read; convert it to JPEG or PNG."
    if start.startswith(b"DDS "):
        return "is a texture for games (DDS); convert it to PNG."
    if start.startswith(_ICONS) and start[4:6] != b"\0\0":
        return "is an icon; save its picture as PNG."
    if brand in _VIDEO_BRANDS or start[:4] == b"\x1aE\xdf\xa3" or (start[:4] == b"RIFF" and start[8:12] == b"AVI "):
        return "is a video; save one of its frames as a picture."
    if start.startswith(b"%PDF") or start.startswith(b"%!PS"):
        return "is a document; export its picture as PNG or JPEG."
    if start.lstrip()[:5].lower() in (b"<?xml", b"<svg ") and b"<svg" in data[:4096].lower():
        return "is a vector drawing; export it as PNG."
    if data.startswith(psd_file.SIGNATURE) and not psd_file.has_composite(data):
        return (
            "was saved without the picture of all its layers; save it with 'Maximize Compatibility', or as PNG or TIFF."
        )
    return ""
