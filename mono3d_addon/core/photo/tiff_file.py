# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads TIFF files, also those that Pillow does not: more than 8 bits, floats, planes, CIE L*a*b*, BigTIFF.

See Adobe, TIFF Revision 6.0 (1992), and Adobe Photoshop TIFF Technical Note 3 (2005) for predictors. libtiff, through
Pillow, decompresses where it is there; JPEG- and fax-compressed files are left to Pillow.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import pillow, tiff_unpacking
from .damage import Damaged, Unsupported, incomplete
from .raster import Colours, Raster, masked_below, scaled_grey, straight
from .tiff_tags import HEIGHT, WIDTH, Folder, first_folder, folder_at

BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, STRIP_ROWS, STRIP_COUNTS, PLANAR, PREDICTOR = 273, 277, 278, 279, 284, 317
COLOUR_MAP, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 320, 322, 323, 324, 325
SUB_FOLDERS, EXTRA_SAMPLES, SAMPLE_FORMAT, ICC_PROFILE, DNG_VERSION = 330, 338, 339, 34675, 50706

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS, _LZMA, _ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
_PILLOWS = (2, 3, 4, 6, 7, 32771, 32773, 32809)
_READABLE = (_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS, _LZMA, _ZSTD)
_OWN = {
    _LZW: tiff_unpacking.lzw,
    _PACK_BITS: tiff_unpacking.pack_bits,
    _LZMA: tiff_unpacking.lzma,
    _ZSTD: tiff_unpacking.zstd,
}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _CIELAB, _ICCLAB = 0, 1, 2, 3, 5, 8, 9
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _CIELAB: 3, _ICCLAB: 3}
_CFA, _LINEAR_RAW = 32803, 34892
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_MOST_BYTES = 3 * 2**30
_MOST_SEGMENTS, _MOST_SAMPLES = 1 << 22, 64


def is_camera_raw(data: bytes) -> bool:
    """Returns whether a TIFF is a camera's raw file: DNG, or one with a directory of raw sensor values."""
    folder = first_folder(data)
    if folder is None:
        return False
    if DNG_VERSION in folder.values or data[8:10] == b"CR":
        return True
    beneath = (folder_at(data, place) for place in folder.numbers(SUB_FOLDERS)[:16])
    folders = [folder, *(one for one in beneath if one is not None)]
    return any(one.number(PHOTOMETRIC, -1) in (_CFA, _LINEAR_RAW) for one in folders)


def is_readable(folder: Folder) -> bool:
    """Returns whether `read` knows the compression and the kind of colours."""
    known = folder.number(COMPRESSION, _NONE) in _READABLE and folder.number(PHOTOMETRIC, -1) in _COLOURS
    return known and (pillow.is_present() or is_readable_alone(folder))


def is_readable_alone(folder: Folder) -> bool:
    """Returns whether `read` reads the file without Pillow."""
    compression = folder.number(COMPRESSION, _NONE)
    known = compression in (_NONE, _DEFLATE, _OLD_DEFLATE, *_OWN)
    return known and folder.number(PHOTOMETRIC, -1) in _COLOURS and (compression != _ZSTD or tiff_unpacking.has_zstd())


def is_grey(folder: Folder) -> bool:
    """Returns whether the picture is grey."""
    return folder.number(PHOTOMETRIC, -1) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)


def is_known(folder: Folder) -> bool:
    """Returns whether this reader or Pillow knows the compression."""
    return folder.number(COMPRESSION, _NONE) in (*_READABLE, *_PILLOWS)


def needs_own_reader(folder: Folder) -> bool:
    """Returns whether Pillow misreads or refuses this kind of TIFF, and `read` reads it."""
    if not is_readable(folder):
        return False
    bits = folder.numbers(BITS) or (1,)
    is_premultiplied_grey = folder.number(SAMPLES, 1) == 2 and folder.number(EXTRA_SAMPLES) == 1
    return max(bits) > 8 or is_premultiplied_grey


def read(data: bytes, folder: Folder) -> Raster:
    """Returns the first picture of a TIFF; what is damaged of it is masked out. Raises Damaged or Unsupported."""
    samples, white, present = _read_parts(data, folder)
    if present == 1.0:
        return _raster(samples, white, folder)
    return masked_below(replace(_raster(samples, white, folder), notes=incomplete(present)), present)


def _raster(samples: NDArray[Any], white: float, folder: Folder) -> Raster:
    photometric = folder.number(PHOTOMETRIC, -1)
    count = _COLOURS[photometric]
    if samples.shape[2] < count:
        raise Damaged(f"{samples.shape[2]} channels instead of {count}")
    values: NDArray[Any] = samples[..., :count]
    if photometric == _PALETTE:
        return _from_palette(values[..., 0], folder)
    if photometric in (_CIELAB, _ICCLAB):
        return Raster(_lab(values, is_signed=photometric == _CIELAB), "lab")
    if white == 0.0:
        values = values if photometric != _WHITE_IS_ZERO else values.max(initial=0) - values
        values = scaled_grey(values) if values.dtype.kind != "f" or count == 1 else values.astype(np.float32)
    else:
        values = _sixteen(values, white)
        if photometric == _WHITE_IS_ZERO:
            values = np.iinfo(values.dtype).max - values
    opaque = None
    if samples.shape[2] > count and folder.number(EXTRA_SAMPLES) in (1, 2):
        alpha = samples[..., count]
        opaque = alpha >= ((white + 1.0) / 2.0 if white else 0.5)
        if folder.number(EXTRA_SAMPLES) == 1 and count != 4:
            same = alpha.astype(values.dtype) if white == 0.0 else _sixteen(alpha, white)
            values = straight(values if count > 1 else values[..., 0], same)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    # Floating-point colours are linear light by the convention of renderers; grey up to 1 is shown as it is.
    is_light = samples.dtype.kind == "f" and count == 3 and not folder.bytes_of(ICC_PROFILE)
    space: Literal["grey", "rgb", "cmyk"] = "grey" if count == 1 else "rgb" if count == 3 else "cmyk"
    return Raster(np.ascontiguousarray(values), space, opaque, Colours(transfer=1.0) if is_light else None)


def read_grey(data: bytes, folder: Folder) -> NDArray[Any]:
    """Returns the unscaled values of a TIFF for which `is_grey` holds, (height, width), with white large.

    Raises Damaged or Unsupported.
    """
    samples, white = read_samples(data, folder)
    values: NDArray[Any] = samples[..., 0]
    if folder.number(PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = np.asarray((white or values.max(initial=0)) - values.astype(np.float64))
    return values


def read_samples(data: bytes, folder: Folder) -> tuple[NDArray[Any], float]:
    """Returns the stored samples, (height, width, channels), and the value of full scale; 0 if it is not known.

    The type is unsigned, signed or floating point with 8 to 64 bits. Raises Damaged or Unsupported.
    """
    samples, white, present = _read_parts(data, folder)
    if present < 1.0:
        raise Damaged("it ends too early")
    return samples, white


def _read_parts(data: bytes, folder: Folder) -> tuple[NDArray[Any], float, float]:
    """Returns the samples and full scale as `read_samples` does, and the share of the rows that are undamaged."""
    width, height = folder.size
    channels = folder.number(SAMPLES, 1)
    bits = folder.numbers(BITS) or (1,)
    form = folder.number(SAMPLE_FORMAT, _UNSIGNED)
    is_planar = folder.number(PLANAR, 1) == 2 and channels > 1
    if len(set(bits)) > 1 or not 1 <= channels <= _MOST_SAMPLES or form not in (_UNSIGNED, _SIGNED, _FLOAT, 4):
        raise Unsupported(f"TIFF with {channels} channels of {', '.join(map(str, bits))} bits")
    dtype = _type_of(bits[0], form, folder.order)
    across = 1 if is_planar else channels
    if width * height * channels * np.dtype(dtype).itemsize > _MOST_BYTES:
        raise Unsupported(f"TIFF with {channels} channels of {bits[0]} bits in this size")
    result = np.zeros((height, width, channels), np.dtype(dtype).newbyteorder("="))
    present = 1.0
    for plane, top, left, rows, columns, content in _segments(data, folder, channels if is_planar else 1):
        row_bytes = (columns * across * bits[0] + 7) // 8
        try:
            raw = _unpacked(content, folder, row_bytes, rows)
        except Damaged:
            raw = b""
        whole = min(rows, len(raw) // row_bytes)
        if whole:
            part = _samples(raw[: whole * row_bytes], folder, (whole, columns, across), bits[0], dtype)
            target = result[top : top + whole, left : left + columns, plane : plane + across]
            target[:] = part[: target.shape[0], : target.shape[1]]
        if whole < rows:
            if is_planar:
                raise Damaged("it ends too early")
            present = (top + (whole if columns >= width else 0)) / height
            break
    if SAMPLE_FORMAT not in folder.values and bits[0] == 32 and _looks_like_float(result):
        return result.view(np.float32), 0.0, present
    if form == _FLOAT:
        return result if result.dtype != np.float16 else result.astype(np.float32), 0.0, present
    return result, 0.0 if form == _SIGNED or bits[0] >= 32 else float(2 ** bits[0] - 1), present


def _type_of(bits: int, form: int, order: str) -> str:
    if form == _FLOAT:
        if bits not in (16, 32, 64):
            raise Unsupported(f"TIFF with floating-point values of {bits} bits")
        return f"{order}f{bits // 8}"
    if not 1 <= bits <= 32 and bits != 64:
        raise Unsupported(f"TIFF with {bits} bits per channel")
    size = next(size for size in (1, 2, 4, 8) if bits <= 8 * size)
    return f"{order}{'i' if form == _SIGNED else 'u'}{size}"


def _segments(data: bytes, folder: Folder, planes: int) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    """Yields plane, top, left, rows, columns and content of each strip or tile; less content where the file is cut."""
    width, height = folder.size
    is_tiled = TILE_OFFSETS in folder.values
    offsets = folder.numbers(TILE_OFFSETS if is_tiled else STRIP_OFFSETS)
    counts = folder.numbers(TILE_COUNTS if is_tiled else STRIP_COUNTS)
    columns = folder.number(TILE_WIDTH) if is_tiled else width
    rows = folder.number(TILE_HEIGHT) if is_tiled else min(folder.number(STRIP_ROWS, height) or height, height)
    if min(width, height, columns, rows) < 1 or columns * rows > 1 << 31:
        raise Damaged("sizes of its parts")
    if len(offsets) == 1 and not counts:
        counts = (len(data) - offsets[0],)
    grid = [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]
    if len(grid) * planes > _MOST_SEGMENTS or len(offsets) < len(grid) * planes or len(counts) < len(offsets):
        raise Damaged("parts are missing")
    for number in range(len(grid) * planes):
        plane, (top, left) = number // len(grid), grid[number % len(grid)]
        size = rows if is_tiled else min(rows, height - top)
        yield plane, top, left, size, columns, data[offsets[number] : offsets[number] + counts[number]]


def _unpacked(content: bytes, folder: Folder, row_bytes: int, rows: int) -> bytes:
    """Returns a decompressed strip or tile of `rows` rows, or less where it ends too early. May raise Damaged."""
    compression, wanted = folder.number(COMPRESSION, _NONE), row_bytes * rows
    if compression == _NONE:
        raw = _in_order(content[:wanted], folder)
    elif compression in (_DEFLATE, _OLD_DEFLATE):
        try:
            raw = zlib.decompressobj().decompress(content, wanted)
        except zlib.error as error:
            raise Damaged(str(error)) from error
    elif pillow.is_present():
        raw = _by_libtiff(content, folder, row_bytes, rows)
    else:
        raw = _OWN[compression](_in_order(content, folder), wanted)
    return raw


def _in_order(content: bytes, folder: Folder) -> bytes:
    """Returns the bytes with their highest bit first."""
    if folder.number(FILL_ORDER, 1) != 2:
        return content
    return np.packbits(np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")).tobytes()


def _by_libtiff(content: bytes, folder: Folder, row_bytes: int, rows: int) -> bytes:
    """Returns a strip decompressed by libtiff, to which it is given as a grey picture of bytes."""
    tags = [(WIDTH, row_bytes), (HEIGHT, rows), (BITS, 8), (COMPRESSION, folder.number(COMPRESSION))]
    tags += [(PHOTOMETRIC, 1), (FILL_ORDER, folder.number(FILL_ORDER, 1)), (STRIP_OFFSETS, 0)]
    tags += [(SAMPLES, 1), (STRIP_ROWS, rows), (STRIP_COUNTS, len(content))]
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, start if tag == STRIP_OFFSETS else value) for tag, value in tags)
    file = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + content
    try:
        with pillow.opened(file, ("TIFF",)) as picture:
            return picture.tobytes()
    except Exception as error:  # Pillow raises many types of exceptions on damaged files.
        raise Damaged(str(error)) from error


def _samples(raw: bytes, folder: Folder, shape: tuple[int, int, int], bits: int, dtype: str) -> NDArray[Any]:
    """Returns the samples of a strip or tile, (rows, columns, channels), with the predictor undone."""
    rows, columns, across = shape
    predictor = folder.number(PREDICTOR, 1)
    size = np.dtype(dtype).itemsize
    if predictor == 3:
        if np.dtype(dtype).kind != "f":
            raise Unsupported("TIFF with predictor 3")
        steps = np.frombuffer(raw, np.uint8).reshape(rows, -1, across)
        planes = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(rows, size, columns * across)
        return np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f">f{size}").reshape(shape)
    if bits == 8 * size:
        values = np.frombuffer(raw, dtype).reshape(shape)
    elif bits == 24:
        parts = np.frombuffer(raw, np.uint8).reshape(rows, columns, across, 3).astype(np.uint32)
        first, last = (0, 2) if folder.order == "<" else (2, 0)
        values = parts[..., first] | parts[..., 1] << 8 | parts[..., last] << 16
    else:
        flags = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(rows, -1), axis=1)
        flags = flags[:, : columns * across * bits].reshape(rows, columns * across, bits)
        numbers = np.zeros(flags.shape[:2], np.uint32)
        for place in range(bits):
            numbers = (numbers << 1) | flags[..., place]
        values = numbers.reshape(shape)
    if predictor == 2:
        if bits != 8 * size:
            raise Unsupported(f"TIFF with predictor 2 and {bits} bits per channel")
        unsigned = values.view(f"{dtype[0]}u{size}")
        summed = np.cumsum(unsigned, axis=1, dtype=np.dtype(f"u{size}"))
        return summed.view(np.dtype(dtype).newbyteorder("="))
    return values


def _looks_like_float(values: NDArray[Any]) -> bool:
    """Returns whether 32-bit values without a sample format are floating-point ones, as some programs write them.

    Integers would be numbers too small or too large for light, or none at all.
    """
    as_float = np.abs(values[:: max(1, values.shape[0] // 256)].view(np.float32))
    with np.errstate(invalid="ignore"):
        usual = (as_float == 0.0) | ((as_float > 1e-9) & (as_float < 1e7))
    return bool(as_float.any()) and float(usual.mean()) > 0.99


def _sixteen(values: NDArray[Any], white: float) -> NDArray[Any]:
    """Returns integer samples as uint8 or uint16 of full range."""
    if white == 255.0:
        return values.astype(np.uint8)
    if white == 65535.0:
        return values.astype(np.uint16)
    return np.rint(values * (65535.0 / white)).astype(np.uint16)


def _from_palette(values: NDArray[Any], folder: Folder) -> Raster:
    entries = np.asarray(folder.numbers(COLOUR_MAP), np.uint16)
    if entries.size == 0 or entries.size % 3:
        raise Damaged("palette is missing")
    # Some programs write 256 times the value of 8 bits, others 257 times.
    table = (entries.reshape(3, -1).T >> 8).astype(np.uint8)
    return Raster(np.ascontiguousarray(table[np.minimum(values.astype(np.int64), len(table) - 1)]), "rgb")


def _lab(values: NDArray[Any], *, is_signed: bool) -> NDArray[Any]:
    """Returns L 0..100, a and b as float32. CIELab has signed a and b; ICCLab has an offset of half the range."""
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    size = values.dtype.itemsize
    if size > 2:
        raise Unsupported("TIFF with L*a*b* of more than 16 bits")
    step = 256.0 if size == 2 else 1.0
    full = (65535.0 if is_signed else 65280.0) if size == 2 else 255.0
    lightness = values[..., 0].astype(np.float32) * np.float32(100.0 / full)
    rest = values[..., 1:].view(f"i{size}") if is_signed else values[..., 1:].astype(np.float32) - 128.0 * step
    return np.concatenate([lightness[..., None], rest.astype(np.float32) / np.float32(step)], axis=2)
