# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads JPEG XL files (ISO/IEC 18181-1 and 18181-2): size and XMP here, the pixels by the package pillow-jxl-plugin.

The decoder turns pictures upright by the orientation in their own data, so that the one in EXIF does not count. Only a
JPEG that was packed without loss comes out as it was, with the metadata that it had.
"""

from __future__ import annotations

from . import pillow
from .boxes import each_box
from .damage import Damaged
from .exif import read_exif
from .metadata import Metadata
from .raster import Raster, from_pillow

_STREAM, _CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
SIGNATURES = (_STREAM, _CONTAINER)

_SIZE_BITS = (9, 13, 18, 30)
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_MOST_HEADER_BYTES = 16


class _Bits:
    """The bits of some bytes, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise Damaged("it ends too early")
        found = self._value & ((1 << count) - 1)
        self._value, self._left = self._value >> count, self._left - count
        return found


def is_jxl(data: bytes) -> bool:
    """Returns whether the file is JPEG XL."""
    return data.startswith(SIGNATURES)


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height before the picture is turned upright. Raises Damaged if the header is cut off."""
    stream = data if data.startswith(_STREAM) else _first_part(data)
    if not stream.startswith(_STREAM):
        raise Damaged("it has no picture")
    bits = _Bits(stream[len(_STREAM) : _MOST_HEADER_BYTES])
    is_small = bits.take(1)
    height = _side(bits, is_small)
    ratio = bits.take(3)
    if ratio == 0:
        return _side(bits, is_small), height
    over, under = _RATIOS[ratio - 1]
    return height * over // under, height


def read(data: bytes) -> tuple[Raster, Metadata, int]:
    """Returns the picture, what the file says about it, and its orientation, 1 to 8 as in EXIF.

    Raises ImportError where a package is missing, and Damaged.
    """
    import pillow_jxl  # noqa: F401

    try:
        with pillow.opened(data, ("JXL",)) as picture:
            picture.load()
            raster, said = from_pillow(picture), picture.info
            was_jpeg = bool(getattr(picture, "jpeg", False))
    except RuntimeError as error:
        # The plug-in's one kind of exception; its text is about building the decoder.
        raise Damaged("its JPEG XL data cannot be decoded") from error
    xmp = said.get("xmp") or _xmp(data)
    told = Metadata(read_exif(said.get("exif") or b""), xmp, said.get("icc_profile") or b"")
    return raster, told, told.orientation if was_jpeg else 1


def _side(bits: _Bits, is_small: int) -> int:
    return 8 * (bits.take(5) + 1) if is_small else bits.take(_SIZE_BITS[bits.take(2)]) + 1


def _first_part(data: bytes) -> bytes:
    """Returns the first box with a part of the picture, from the picture's data on."""
    for name, content in each_box(data):
        if name in (b"jxlc", b"jxlp"):
            return content if name == b"jxlc" else content[4:]
    return b""


def _xmp(data: bytes) -> bytes:
    if data.startswith(_STREAM):
        return b""
    return next((content for name, content in each_box(data) if name == b"xml "), b"")
