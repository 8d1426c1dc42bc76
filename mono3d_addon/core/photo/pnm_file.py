# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads PBM, PGM, PPM, PAM and PFM files, in text and binary (Netpbm; Debevec, Portable FloatMap)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .damage import Damaged, Unsupported
from .raster import OPAQUE, Colours, Raster, scaled_grey

_START = re.compile(rb"P[1-7fF][\s#]")
_GAP = rb"(?:\s|#[^\n]*\n)+"
_BITS = re.compile(rb"P[14]" + _GAP + rb"(\d{1,7})" + _GAP + rb"(\d{1,7})\s")
_NUMBERS = re.compile(rb"P[2356]" + _GAP + rb"(\d{1,7})" + _GAP + rb"(\d{1,7})" + _GAP + rb"(\d{1,5})\s")
_FLOATS = re.compile(rb"P[fF]" + _GAP + rb"(\d{1,7})" + _GAP + rb"(\d{1,7})" + _GAP + rb"([-+.\deE]{1,30})\s")
_PAM = re.compile(rb"P7\s(?:[^\n]{0,200}\n){0,40}?ENDHDR\n")
_PAM_LINE = re.compile(rb"^(WIDTH|HEIGHT|DEPTH|MAXVAL)\s+(\d{1,7})\s*$", re.MULTILINE)
_COMMENT = re.compile(rb"#[^\n]*")
_MOST = 65535


def is_pnm(data: bytes) -> bool:
    """Returns whether the file begins like one of these formats."""
    return _START.match(data) is not None


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height in pixels. Raises Damaged if the header is."""
    if data.startswith(b"P7"):
        return _pam_header(data)[:2]
    found = _header(data)
    return int(found[1]), int(found[2])


def read(data: bytes) -> Raster:
    """Returns the picture. Raises Damaged or Unsupported."""
    if data.startswith(b"P7"):
        return _read_pam(data)
    found = _header(data)
    kind, width, height = data[:2], int(found[1]), int(found[2])
    if kind == b"P4":
        stride = (width + 7) // 8
        bits = np.unpackbits(_binary(data, found.end(), stride * height, np.uint8).reshape(height, stride), axis=1)
        return Raster((1 - bits[:, :width]) * np.uint8(255), "grey")
    if kind == b"P1":
        digits = np.frombuffer(b"".join(_COMMENT.sub(b"", data[found.end() :]).split()), np.uint8)
        return Raster((1 - _whole(digits - 48, width * height, 1).reshape(height, width)) * np.uint8(255), "grey")
    if kind == b"PF":
        values = _binary(data, found.end(), width * height * 3, "<f4" if found[3].startswith(b"-") else ">f4")
        light = np.ascontiguousarray(values.reshape(height, width, 3)[::-1], np.float32)
        return Raster(light, "rgb", colours=Colours(transfer=1.0))
    if kind == b"Pf":
        values = _binary(data, found.end(), width * height, "<f4" if found[3].startswith(b"-") else ">f4")
        return Raster(scaled_grey(values.reshape(height, width)[::-1]), "grey")
    most = int(found[3])
    if not 0 < most <= _MOST:
        raise Unsupported(f"PNM with values up to {most}")
    channels = 3 if kind in (b"P3", b"P6") else 1
    count = width * height * channels
    if kind in (b"P2", b"P3"):
        words = _COMMENT.sub(b"", data[found.end() :]).split(maxsplit=count)[:count]
        try:
            values = _whole(np.array(words, "S5").astype(np.int64), count, most)
        except ValueError as error:
            raise Damaged(str(error)) from error
    else:
        values = _binary(data, found.end(), count, np.uint8 if most < 256 else ">u2")
    shape = (height, width, 3) if channels == 3 else (height, width)
    return Raster(_full_scale(values, most).reshape(shape), "rgb" if channels == 3 else "grey")


def _read_pam(data: bytes) -> Raster:
    width, height, channels, most, place = _pam_header(data)
    if not 0 < most <= _MOST or not 1 <= channels <= 4:
        raise Unsupported(f"PAM with {channels} channels of values up to {most}")
    values = _binary(data, place, width * height * channels, np.uint8 if most < 256 else ">u2")
    pixels = _full_scale(values, most).reshape(height, width, channels)
    opaque = None
    if channels in (2, 4):
        opaque = pixels[..., -1] >= (OPAQUE if pixels.dtype == np.uint8 else OPAQUE * 256)
    if channels < 3:
        return Raster(np.ascontiguousarray(pixels[..., 0]), "grey", opaque)
    return Raster(np.ascontiguousarray(pixels[..., :3]), "rgb", opaque)


def _pam_header(data: bytes) -> tuple[int, int, int, int, int]:
    """Returns width, height, channels, the largest value, and the place of the pixels."""
    found = _PAM.match(data[:8192])
    said = {name: int(value) for name, value in _PAM_LINE.findall(found[0])} if found else {}
    width, height = said.get(b"WIDTH", 0), said.get(b"HEIGHT", 0)
    if found is None or min(width, height) < 1:
        raise Damaged("header")
    return width, height, said.get(b"DEPTH", 0), said.get(b"MAXVAL", 0), found.end()


def _full_scale(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Returns values up to `most` as uint8 or uint16 of the full range."""
    full, dtype = (255, np.uint8) if most < 256 else (_MOST, np.uint16)
    if most != full:
        values = np.rint(np.minimum(values, most) * (full / most))
    return np.asarray(values, dtype)


def _header(data: bytes) -> re.Match[bytes]:
    pattern = {b"P1": _BITS, b"P4": _BITS, b"Pf": _FLOATS, b"PF": _FLOATS}.get(data[:2], _NUMBERS)
    found = pattern.match(data[:4096])
    if found is None or min(int(found[1]), int(found[2])) < 1:
        raise Damaged("header")
    return found


def _binary(data: bytes, place: int, count: int, dtype: Any) -> NDArray[Any]:
    if place + count * np.dtype(dtype).itemsize > len(data):
        raise Damaged("it ends too early")
    return np.frombuffer(data, dtype, count, place)


def _whole(values: NDArray[Any], count: int, most: int) -> NDArray[Any]:
    """Returns the first `count` values. Raises Damaged if there are fewer or some are not from 0 to `most`."""
    if len(values) < count:
        raise Damaged("it ends too early")
    if (values[:count] < 0).any() or (values[:count] > most).any():
        raise Damaged("wrong numbers")
    return values[:count]
