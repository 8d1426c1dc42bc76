# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the composite of Photoshop files: large documents (PSB) and 16 or 32 bits, which Pillow does not read.

Source: Adobe, Photoshop File Formats Specification.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .damage import Damaged, Unsupported
from .raster import OPAQUE, Colours, Raster
from .tiff_unpacking import pack_bits

SIGNATURE = b"8BPS"

_GREY, _INDEXED, _RGB, _CMYK, _DUOTONE, _LAB = 1, 2, 3, 4, 8, 9
_CHANNELS = {_GREY: 1, _INDEXED: 1, _RGB: 3, _CMYK: 4, _DUOTONE: 1, _LAB: 3}
_TYPES = {8: ">u1", 16: ">u2", 32: ">f4"}
_LARGE = 2
_RAW, _PACK_BITS = 0, 1
_VERSION_INFO = 1057


def needs_own_reader(data: bytes) -> bool:
    """Returns whether this is a Photoshop file that Pillow does not read."""
    if not data.startswith(SIGNATURE) or len(data) < 26:
        return False
    version, bits = struct.unpack_from(">H", data, 4)[0], struct.unpack_from(">H", data, 22)[0]
    return version == _LARGE or bits in (16, 32)


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height in pixels."""
    height, width = struct.unpack_from(">II", data, 14)
    return width, height


def has_composite(data: bytes) -> bool:
    """Returns whether the file has a picture of all layers together; without one, that place is white."""
    try:
        place, end = _resources(data)
        while place + 12 <= end:
            (number,) = struct.unpack_from(">H", data, place + 4)
            place += 6 + (data[place + 6] + 2) // 2 * 2
            (size,) = struct.unpack_from(">I", data, place)
            if number == _VERSION_INFO and size >= 5:
                return data[place + 8] != 0
            place += 4 + (size + 1) // 2 * 2
    except (struct.error, IndexError):
        pass
    return True


def has_transparency(data: bytes) -> bool:
    """Returns whether the first additional channel of the composite is its transparency.

    A negative number of layers says so (Layer info).
    """
    try:
        place = _layers(data)
        step = struct.calcsize(_length(data))
        (length,) = struct.unpack_from(_length(data), data, place)
        (inner,) = struct.unpack_from(_length(data), data, place + step)
        return bool(length > 0 and inner > 0 and struct.unpack_from(">h", data, place + 2 * step)[0] < 0)
    except struct.error:
        return False


def read(data: bytes) -> Raster:
    """Returns the composite. Raises Damaged or Unsupported."""
    try:
        return _read(data)
    except (struct.error, ValueError) as error:
        raise Damaged(str(error)) from error


def _read(data: bytes) -> Raster:
    channels, height, width, bits, mode = struct.unpack_from(">HIIHH", data, 12)
    wanted = _CHANNELS.get(mode, 0)
    if not wanted or bits not in _TYPES or (mode == _INDEXED and bits != 8):
        raise Unsupported(f"Photoshop file of colour mode {mode} with {bits} bits")
    if channels < wanted:
        raise Damaged("colour channels are missing")
    has_alpha = channels > wanted and has_transparency(data)
    planes = _planes(data, channels, wanted + has_alpha, (height, width), np.dtype(_TYPES[bits]))
    full: Any = 1.0 if bits == 32 else 2**bits - 1
    opaque = planes[wanted] >= OPAQUE / 255 * full if has_alpha else None
    if mode == _INDEXED:
        (size,) = struct.unpack_from(">I", data, 26)
        table = np.frombuffer(data, np.uint8, size, 30)[:768].reshape(3, -1).T
        return Raster(table[planes[0]], "rgb", opaque)
    if wanted == 1:
        return Raster(planes[0], "grey", opaque, _linear(bits))
    values = np.ascontiguousarray(np.moveaxis(planes[:wanted], 0, -1))
    if mode == _CMYK:
        return Raster(full - values, "cmyk", opaque)
    if mode == _LAB:
        parts = values.astype(np.float32)
        middle = np.float32(2 ** (bits - 1))
        light, a, b = parts[..., 0] * np.float32(100.0 / full), parts[..., 1] - middle, parts[..., 2] - middle
        return Raster(np.stack([light, a * (128 / middle), b * (128 / middle)], axis=-1), "lab", opaque)
    return Raster(values, "rgb", opaque, _linear(bits))


def _linear(bits: int) -> Colours | None:
    # 32 bits are always linear light.
    return Colours(transfer=1.0) if bits == 32 else None


def _planes(data: bytes, channels: int, wanted: int, shape: tuple[int, int], kind: np.dtype[Any]) -> NDArray[Any]:
    """Returns the first `wanted` channels of the composite, (wanted, height, width), in the machine's byte order."""
    height, width = shape
    place = _layers(data)
    place += struct.calcsize(_length(data)) + struct.unpack_from(_length(data), data, place)[0]
    (compression,) = struct.unpack_from(">H", data, place)
    place += 2
    row = width * kind.itemsize
    if compression == _RAW:
        content = data[place : place + wanted * height * row]
    elif compression == _PACK_BITS:
        count = np.dtype(">u4" if _is_large(data) else ">u2")
        sizes = np.frombuffer(data, count, channels * height, place).astype(np.int64)
        ends = place + sizes.size * count.itemsize + np.cumsum(sizes)
        starts = ends - sizes
        if ends[wanted * height - 1] > len(data):
            raise Damaged("it ends too early")
        rows = zip(starts[: wanted * height].tolist(), ends.tolist(), strict=False)
        content = b"".join(pack_bits(data[start:end], row).ljust(row, b"\0") for start, end in rows)
    else:
        raise Unsupported(f"Photoshop file of compression {compression}")
    if len(content) < wanted * height * row or place > len(data):
        raise Damaged("it ends too early")
    values = np.frombuffer(content, kind).reshape(wanted, height, width)
    return values.astype(kind.newbyteorder("="))


def _is_large(data: bytes) -> bool:
    return bool(struct.unpack_from(">H", data, 4)[0] == _LARGE)


def _length(data: bytes) -> str:
    """Returns the form of a length behind the resources."""
    return ">Q" if _is_large(data) else ">I"


def _resources(data: bytes) -> tuple[int, int]:
    place = 30 + struct.unpack_from(">I", data, 26)[0]
    return place + 4, place + 4 + struct.unpack_from(">I", data, place)[0]


def _layers(data: bytes) -> int:
    """Returns the place of the section of layers."""
    return _resources(data)[1]
