# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads PNG files: colour chunks, 16-bit samples, keyed transparency, and pictures that are partly damaged.

See W3C, Portable Network Graphics (PNG) Specification, third edition. Pillow decodes the pixels where it is there, else
`png_rows` does; both give the same.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import colour_spaces, pillow, png_rows
from .damage import Damaged, incomplete
from .raster import OPAQUE, Colours, Raster, coded_colours, from_pillow

if TYPE_CHECKING:
    from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT = 1_000_000
"""Bytes of a text chunk that Pillow accepts; larger ones are left out, for they say nothing about the picture."""
_MOST_PROFILE = 64 * 2**20
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PIECE = 1024
_LAST_FILTER = 4


@dataclass(frozen=True)
class Png:
    """The parts of a PNG file.

    data      a PNG for Pillow: the pixels alone, for a damaged or very large additional chunk must not spoil them
    packed    contents of IDAT, piece by piece
    size      width and height
    depth     bits per sample
    kind      colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
    is_interlaced  whether the rows are in the order of Adam7
    palette   contents of PLTE
    key       contents of tRNS
    exif      contents of eXIf
    texts     keyword -> text
    colours   what the file says about its colours
    names_colours  whether it says anything
    present   share of the rows that are undamaged, 0..1
    is_intact whether all checksums are right, so that any program can read the file
    notes     notes for the user
    """

    data: bytes
    packed: tuple[bytes, ...]
    size: tuple[int, int]
    depth: int
    kind: int
    is_interlaced: bool
    palette: bytes
    key: bytes
    exif: bytes
    texts: Mapping[str, str]
    colours: Colours
    names_colours: bool
    present: float
    is_intact: bool
    notes: tuple[str, ...]


def parse(data: bytes) -> Png:
    """Returns the parts of the PNG `data`. Raises Damaged if its header is, or if too little of the picture is left."""
    kept, streams = [SIGNATURE], list[tuple[bytes, bool]]()
    found: dict[bytes, bytes] = {}
    texts: dict[str, str] = {}
    broken = False
    for name, content, is_sound in _chunks(data):
        broken = broken or not is_sound
        if name == b"IDAT":
            streams.append((content, is_sound))
            continue
        if name in (b"IHDR", b"PLTE", b"tRNS") and not is_sound:
            raise Damaged(f"wrong checksum of {name.decode()}")
        found.setdefault(name, content if is_sound else b"")
        if name in _TEXTS and is_sound and (read := _text(name, content)) is not None:
            texts[read[0]] = read[1]
        if name == b"IEND":
            break
        if name in (b"IHDR", b"PLTE", b"tRNS"):
            kept.append(_chunk(name, content))
    is_intact = not broken and b"IEND" in found
    header = found.get(b"IHDR", b"")
    if len(header) != 13 or not streams:
        raise Damaged("header or picture is missing")
    width, height, depth, kind = struct.unpack_from(">IIBB", header)
    notes: tuple[str, ...] = ()
    present = 1.0
    pixels = [content for content, _ in streams]
    if not _is_complete(streams, found, header):
        row = (width * depth * png_rows.CHANNELS.get(kind, 4) + 7) // 8 + 1
        pixels, present = _salvaged(streams, row, height, is_interlaced=header[12] == 1)
        notes = incomplete(present)
    kept += [_chunk(b"IDAT", content) for content in pixels]
    kept.append(_chunk(b"IEND", b""))
    named = _colours(found)
    return Png(
        data=b"".join(kept),
        packed=tuple(pixels),
        size=(width, height),
        depth=depth,
        kind=kind,
        is_interlaced=header[12] == 1,
        palette=found.get(b"PLTE", b""),
        key=found.get(b"tRNS", b""),
        exif=found.get(b"eXIf", b""),
        texts=texts,
        colours=named or Colours(),
        names_colours=named is not None,
        present=present,
        is_intact=is_intact,
        notes=notes,
    )


def size_of(data: bytes) -> tuple[int, int]:
    """Returns width and height that the header of a PNG file states."""
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def raster_of(png: Png) -> Raster:
    """Returns the pixels of the PNG; 16-bit samples keep all their bits. Raises Damaged and exceptions of Pillow's."""
    if not pillow.is_present():
        return _raster(png)
    with pillow.opened(png.data, ("PNG",)) as picture:
        return _raster_by_pillow(png, picture)


def stored_values(png: Png) -> NDArray[Any]:
    """Returns the values as stored, (height, width) or (height, width, channels), palettes as RGB.

    Raises Damaged.
    """
    if png.kind in (0, 3):
        return _raster(png).values
    return np.asarray(png_rows.samples(png.packed, png.size, png.depth, png.kind, is_interlaced=png.is_interlaced))


def _raster(png: Png) -> Raster:
    """Returns the pixels, decoded without Pillow."""
    values = png_rows.samples(png.packed, png.size, png.depth, png.kind, is_interlaced=png.is_interlaced)
    full = 2**png.depth - 1
    middle = OPAQUE * 256 if png.depth == 16 else OPAQUE
    if png.kind in (4, 6):
        opaque = values[..., -1] >= middle
        if png.kind == 4:
            return Raster(np.ascontiguousarray(values[..., 0]), "grey", opaque)
        return Raster(np.ascontiguousarray(values[..., :3]), "rgb", opaque)
    if png.kind == 3:
        return _from_palette(values[..., 0], png)
    if png.kind == 2:
        opaque = None
        if len(png.key) >= 6:
            opaque = (values != (np.frombuffer(png.key, ">u2", 3) & full)).any(axis=2)
        return Raster(values, "rgb", opaque)
    values = values[..., 0]
    opaque = values != (int.from_bytes(png.key[:2], "big") & full) if len(png.key) >= 2 else None
    return Raster(values * np.uint8(255 // full) if png.depth < 8 else np.ascontiguousarray(values), "grey", opaque)


def _from_palette(numbers: NDArray[np.uint8], png: Png) -> Raster:
    """Returns the colours of a palette; numbers beyond it are black, and opaque."""
    count = min(len(png.palette) // 3, 256)
    if count == 0:
        raise Damaged("palette is missing")
    table: NDArray[np.uint8] = np.zeros((256, 3), np.uint8)
    table[:count] = np.frombuffer(png.palette, np.uint8, 3 * count).reshape(count, 3)
    if not png.key:
        return Raster(table[numbers], "rgb")
    alpha: NDArray[np.uint8] = np.full(256, 255, np.uint8)
    known = np.frombuffer(png.key[:256], np.uint8)
    alpha[: len(known)] = known
    return Raster(table[numbers], "rgb", alpha[numbers] >= OPAQUE)


def _raster_by_pillow(png: Png, picture: Image.Image) -> Raster:
    """Returns the pixels of the PNG, which Pillow has opened as `picture`."""
    if png.depth == 16 and png.kind != 0:
        samples = _sixteen_bits(png, picture)
        if png.kind == 4:
            return Raster(samples[..., 0], "grey", samples[..., 1] >= OPAQUE * 256)
        if png.kind == 6:
            return Raster(np.ascontiguousarray(samples[..., :3]), "rgb", samples[..., 3] >= OPAQUE * 256)
        opaque = None
        if len(png.key) >= 6:
            opaque = (samples != np.frombuffer(png.key, ">u2", 3)).any(axis=2)
        return Raster(samples, "rgb", opaque)
    picture.load()
    if png.kind == 0 and len(png.key) >= 2:
        # Only the lower bits of the key count.
        picture.info.pop("transparency", None)
        raster = from_pillow(picture)
        key = int.from_bytes(png.key[:2], "big") & (2**png.depth - 1)
        if png.depth < 8:
            key = key * 255 // (2**png.depth - 1)
        return Raster(raster.values, "grey", raster.values != key)
    return from_pillow(picture)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yields name, content and whether the checksum is right of each chunk; the last one may be cut off."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + length]
        checksum = data[place + 8 + length : place + 12 + length]
        yield name, content, zlib.crc32(name + content) == int.from_bytes(checksum, "big") and len(checksum) == 4
        place += 12 + length


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _text(name: bytes, content: bytes) -> tuple[str, str] | None:
    """Returns keyword and text of a chunk; None if it is damaged or very large."""
    keyword, _, rest = content.partition(b"\0")
    if len(content) > _MOST_TEXT // 2:
        return None
    is_packed = name == b"zTXt"
    if is_packed:
        rest = rest[1:]
    elif name == b"iTXt":
        is_packed = rest[:1] == b"\1"
        rest = rest[2:].split(b"\0", 2)[-1]
    if is_packed:
        try:
            rest = zlib.decompressobj().decompress(rest, _MOST_TEXT)
        except zlib.error:
            return None
        if len(rest) >= _MOST_TEXT:
            return None
    return keyword.decode("latin-1"), rest.decode("utf-8" if name == b"iTXt" else "latin-1", "replace")


def _is_complete(streams: list[tuple[bytes, bool]], found: dict[bytes, bytes], header: bytes) -> bool:
    """Returns whether the compressed picture is whole: checksums of the chunks, or else that of the stream itself."""
    if all(is_sound for _, is_sound in streams) and b"IEND" in found:
        return True
    unpacker = zlib.decompressobj()
    try:
        for content, _ in streams:
            while content:
                unpacker.decompress(content, 1 << 24)
                content = unpacker.unconsumed_tail
    except zlib.error:
        return False
    return unpacker.eof


def _salvaged(
    streams: list[tuple[bytes, bool]], row: int, height: int, *, is_interlaced: bool
) -> tuple[list[bytes], float]:
    """Returns the compressed rows before the damage, with empty rows after them, and the share of these rows.

    Raises Damaged if they cannot be told, as in interlaced pictures, or are too few.
    """
    if is_interlaced:
        raise Damaged("wrong checksum in an interlaced picture")
    unpacker, rows = zlib.decompressobj(), bytearray()
    try:
        for content, _ in streams:
            # What a failing call has unpacked is lost, so the pieces are small.
            for start in range(0, len(content), _PIECE):
                piece = content[start : start + _PIECE]
                while piece and len(rows) < row * height:
                    rows += unpacker.decompress(piece, row * height - len(rows))
                    piece = unpacker.unconsumed_tail
    except zlib.error as error:
        whole = len(rows) // row
        if whole == 0:
            raise Damaged(str(error)) from error
    whole = min(len(rows) // row, height)
    # Where decompression went on behind the damage, it soon gives filters that do not exist.
    whole = next((number for number in range(whole) if rows[number * row] > _LAST_FILTER), whole)
    del rows[whole * row :]
    rows += bytes(row * (height - whole))
    return [zlib.compress(bytes(rows), 1)], whole / height


def _sixteen_bits(png: Png, picture: Image.Image) -> NDArray[Any]:
    """Returns all bits of 16-bit samples, uint16 (height, width, channels).

    Pillow unpacks 16-bit colours to 8 bits: once the higher byte of each sample, and once the lower one. Grey with
    alpha has four bytes per pixel, which are decoded as they are.
    """
    if png.kind == 4:
        return np.ascontiguousarray(_decoded(picture, "RGBA")).view(">u2").astype(np.uint16)
    mode = "RGB" if png.kind == 2 else "RGBA"
    with pillow.opened(png.data, ("PNG",)) as again:
        high = _decoded(picture, f"{mode};16B").astype(np.uint16)
        return np.asarray((high << 8) | _decoded(again, f"{mode};16L"))


def _decoded(picture: Image.Image, layout: str) -> NDArray[np.uint8]:
    picture.info.pop("transparency", None)
    picture.tile = [tile._replace(args=layout) for tile in picture.tile]  # type: ignore[attr-defined]
    picture.load()
    return np.asarray(picture)


def _colours(found: dict[bytes, bytes]) -> Colours | None:
    """Returns the colours by the precedence of the specification: cICP, iCCP, sRGB, then gAMA and cHRM."""
    readers: tuple[Callable[[dict[bytes, bytes]], Colours | None], ...] = (_cicp, _iccp, _srgb, _gamma)
    return next((colours for read in readers if (colours := read(found)) is not None), None)


def _cicp(found: dict[bytes, bytes]) -> Colours | None:
    content = found.get(b"cICP", b"")
    return coded_colours(content[0], content[1]) if len(content) == 4 else None


def _iccp(found: dict[bytes, bytes]) -> Colours | None:
    packed = found.get(b"iCCP")
    if packed is None:
        return None
    try:
        profile = zlib.decompressobj().decompress(packed.partition(b"\0")[2][1:], _MOST_PROFILE)
    except zlib.error:
        profile = b""
    return Colours(icc=profile or b"damaged")


def _srgb(found: dict[bytes, bytes]) -> Colours | None:
    return Colours() if b"sRGB" in found else None


def _gamma(found: dict[bytes, bytes]) -> Colours | None:
    gamma, chromaticities = found.get(b"gAMA", b""), found.get(b"cHRM", b"")
    transfer: colour_spaces.Transfer = "srgb"
    if len(gamma) == 4 and (stored := int.from_bytes(gamma, "big")) > 0:
        exponent = 100000.0 / stored
        # 1 / 2.2 is how writers say sRGB.
        transfer = "srgb" if abs(exponent - 2.2) < 0.05 or not 0.2 < exponent < 10.0 else exponent
    primaries = None
    if len(chromaticities) == 32:
        wx, wy, *corners = (value / 100000.0 for value in struct.unpack(">8I", chromaticities))
        known = (corners[0], corners[1], corners[2], corners[3], corners[4], corners[5], wx, wy)
        if colour_spaces.is_valid(known) and not np.allclose(known, colour_spaces.SRGB, atol=2e-3):
            primaries = known
    if transfer == "srgb" and primaries is None:
        return None
    return Colours(primaries=primaries, transfer=transfer)
