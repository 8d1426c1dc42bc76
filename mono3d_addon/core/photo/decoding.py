# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes picture files of all formats, and collects what they say about colours, lens and orientation.

Pillow decodes what has no reader here. Without it, another program hands over the pixels, see `hand_over`.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .. import extras, resampling
from ..camera.lens import Lens, read_lens
from . import (
    bmp_file,
    boxes,
    exr_picture,
    jpeg_parts,
    jpeg_stream,
    jxl_file,
    metadata,
    pillow,
    png_file,
    pnm_file,
    psd_file,
    radiance_file,
    tga_file,
    tiff_file,
)
from .colour_spaces import ADOBE_RGB, ADOBE_RGB_GAMMA
from .damage import Damaged, NotAPicture, Unsupported, incomplete
from .exif import Exif, read_exif
from .format_names import name_of
from .hand_over import NOTHING, HandedOver, needs_hand_over
from .metadata import Metadata
from .raster import OPAQUE, Colours, Raster, from_pillow, masked_below
from .stated_size import stated_size
from .tiff_tags import Folder, first_folder

if TYPE_CHECKING:
    from PIL import Image

CheckSize = Callable[[tuple[int, int]], None]
"""Raises Mono3DError if width and height are not acceptable."""

_COLOUR_SPACE, _INTEROPERABILITY_INDEX = 0xA001, 1
_UNCALIBRATED, _ADOBE_RGB = 0xFFFF, 2
_TGA_SUFFIXES = (".tga", ".icb", ".vda", ".vst")
_MOST_SCANS = 20
"""Scans of a progressive JPEG that are decoded. Encoders write about 10; hundreds take minutes."""
_JPEG = b"\xff\xd8\xff"
_FILLER = b"\x5a\xa5\x33\xcc" * 1024
_MISSING = 128
"""The grey with which decoders fill what is missing of a JPEG."""
_LESS_SHARP = "The photo's file is cut off: its last details are missing, so that it is less sharp."
_REFUSALS = re.compile(r"unsupported|not supported|not implemented|unknown (raw|pixel|mode|data)|cannot handle", re.I)


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    raster       pixels in the orientation of the file
    colours      what the file says about its colours
    lens         lens data from its metadata
    orientation  1 to 8, as in EXIF
    suffix       ".jpg" or ".png" if the file itself is a common 8-bit RGB picture of this format; else empty
    """

    raster: Raster
    colours: Colours
    lens: Lens
    orientation: int = 1
    suffix: str = ""


def decode(data: bytes, path: Path, check_size: CheckSize, handed: HandedOver = NOTHING) -> Decoded:
    """Returns the first picture in `data`, the contents of the file at `path`.

    `check_size` is called with the size before anything is decoded. What `handed` has of a file that needs a decoder
    besides those here takes its place. Raises Damaged, Unsupported, NotAPicture, other exceptions of the decoders, and
    Mono3DError where a package is missing.
    """
    values = handed.values(path) if path in handed and needs_hand_over(path) else None
    if values is not None:
        return _by_hand_over(data, path, check_size, values)
    if data.startswith(exr_picture.SIGNATURE):
        return Decoded(exr_picture.read(path, check_size), Colours(), Lens())
    if radiance_file.is_radiance(data):
        check_size(radiance_file.size_of(data))
        return Decoded(radiance_file.read(data), Colours(), Lens())
    if data.startswith(png_file.SIGNATURE):
        return _png(data, check_size)
    if pnm_file.is_pnm(data):
        check_size(pnm_file.size_of(data))
        return Decoded(pnm_file.read(data), Colours(), Lens())
    if psd_file.needs_own_reader(data):
        check_size(psd_file.size_of(data))
        return _described(psd_file.read(data), metadata.of(data))
    if jxl_file.is_jxl(data):
        return _jxl(data, check_size)
    folder = first_folder(data)
    if folder is not None and tiff_file.needs_own_reader(folder):
        return _tiff(data, folder, check_size)
    if folder is not None and not tiff_file.is_known(folder):
        raise Unsupported(f"TIFF of compression {folder.number(tiff_file.COMPRESSION)}")
    try:
        return _jpeg(data, check_size) if data.startswith(_JPEG) else _by_pillow(data, path, check_size)
    except (ImportError, NotAPicture, OSError, SyntaxError, ValueError, KeyError, IndexError, struct.error) as error:
        # Readers of our own for kinds that Pillow refuses, or for all where it is missing.
        if folder is not None and tiff_file.is_readable(folder):
            return _tiff(data, folder, check_size)
        if data[:2] == b"BM":
            check_size(bmp_file.size_of(data))
            return Decoded(bmp_file.read(data), bmp_file.colours_of(data), Lens())
        if path.suffix.lower() in _TGA_SUFFIXES and tga_file.is_tga(data):
            check_size(tga_file.size_of(data))
            return Decoded(tga_file.read(data), Colours(), Lens())
        if isinstance(error, ImportError):
            kind = name_of(data)
            if not kind:
                raise NotAPicture("not a picture") from error
            # Pillow reads these with another package.
            missing = ModuleNotFoundError(name="pillow_heif") if kind == "HEIC" else error
            raise extras.needed(f"{kind} files", missing) from error
        raise


def is_refusal(error: Exception) -> bool:
    """Returns whether a decoder's exception means that the file is of an unsupported variety rather than damaged."""
    return isinstance(error, (Unsupported, NotImplementedError)) or bool(_REFUSALS.search(str(error)))


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Returns pixels, (height, width, ...), with the EXIF orientation applied (CIPA DC-008, tag 274)."""
    turns: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }
    turn = turns.get(orientation)
    return values if turn is None else np.ascontiguousarray(turn(values))


def grey_picture(data: bytes, check_size: CheckSize) -> NDArray[Any]:
    """Returns a JPEG or PNG in memory as grey, uint8 or uint16 (height, width), in the orientation of the file.

    Raises like `decode`, and ImportError for a JPEG without Pillow.
    """
    if data.startswith(png_file.SIGNATURE):
        check_size(png_file.size_of(data))
        values = png_file.raster_of(png_file.parse(data)).values
        if values.ndim == 2:
            return values
        return resampling.grey(values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8))
    with pillow.opened(data, ("JPEG",)) as picture:
        check_size(picture.size)
        return np.asarray(picture.convert("L"))


def _described(
    raster: Raster, said: Metadata, colours: Colours | None = None, suffix: str = "", orientation: int = 0
) -> Decoded:
    """Returns a decoded file with all that its metadata say, but `colours` and `orientation` where these are given."""
    height, width = raster.values.shape[:2]
    if colours is None:
        colours = Colours(icc=said.profile) if said.profile else _colours_by_exif(said.exif)
    orientation = orientation or said.orientation
    lens = read_lens(said.exif, said.xmp, (width, height), orientation)
    return Decoded(raster, colours, lens, orientation, suffix)


def _by_hand_over(data: bytes, path: Path, check_size: CheckSize, values: NDArray[Any]) -> Decoded:
    """Returns the values that were handed over, with all that the file itself says about them."""
    size = (values.shape[1], values.shape[0])
    check_size(size)
    stated = stated_size(path)
    if stated not in (None, size):
        raise Mono3DError(
            f"The pixels handed over for '{path.name}' are {size[0]} x {size[1]}, and the file has {stated[0]} x "
            f"{stated[1]}; try again."
        )
    if data.startswith(exr_picture.SIGNATURE):
        return Decoded(exr_picture.from_values(values, data), Colours(), Lens())
    said = metadata.of(data)
    if not data.startswith(_JPEG):
        has_alpha = not data.startswith(psd_file.SIGNATURE) or psd_file.has_transparency(data)
        return _described(_handed_raster(values, has_alpha=has_alpha), said, _boxed_colours(data))
    stream = jpeg_stream.inspect(data)
    raster = _handed_raster(values, has_alpha=False)
    if stream.channels == 1 and raster.values.ndim == 3:
        raster = Raster(np.ascontiguousarray(raster.values[..., 0]), "grey")
    notes: tuple[str, ...] = ()
    if not stream.end:
        present, notes = _share_of_cut_jpeg(raster.values, stream)
        raster = masked_below(raster, present) if present < 1.0 else raster
    suffix = ".jpg" if _is_plain_jpeg(data, stream) and not notes else ""
    return _described(replace(raster, notes=notes), said, suffix=suffix)


def _handed_raster(values: NDArray[Any], *, has_alpha: bool) -> Raster:
    channels = values.shape[2] if values.ndim == 3 else 1
    opaque = None
    if channels in (2, 4) and has_alpha:
        opaque = values[..., -1] >= {"u1": OPAQUE, "u2": OPAQUE * 256}.get(values.dtype.str[1:], 0.5)
    if channels < 3:
        return Raster(np.ascontiguousarray(values if values.ndim == 2 else values[..., 0]), "grey", opaque)
    return Raster(np.ascontiguousarray(values[..., :3]), "rgb", opaque)


def _by_pillow(data: bytes, path: Path, check_size: CheckSize) -> Decoded:
    try:
        with pillow.opened(data) as picture:
            return _from_pillow(picture, data, path, check_size)
    except NotAPicture:
        # Pillow is there, but what it needs for these is not.
        if name_of(data) in ("HEIC", "AVIF"):
            import pillow_heif  # noqa: F401
        if name_of(data) == "AVIF" and boxes.is_deep_avif(data):
            raise Unsupported("AVIF of 12 bits") from None
        raise


def _from_pillow(picture: Image.Image, data: bytes, path: Path, check_size: CheckSize) -> Decoded:
    check_size(picture.size)
    name = picture.format
    if name == "TGA":
        if path.suffix.lower() not in _TGA_SUFFIXES and not tga_file.has_footer(data):
            # TGA has no signature, so that other files look like it.
            raise NotAPicture("not a picture")
        if tga_file.is_tga(data):
            return Decoded(tga_file.read(data), Colours(), Lens())
    picture.load()
    raster = from_pillow(picture)
    if name == "PSD" and not psd_file.has_transparency(data):
        raster = replace(raster, opaque=None)
    if name in ("BMP", "DIB") and raster.opaque is not None and not raster.opaque.any():
        raster = replace(raster, opaque=None)
    if name not in ("HEIF", "AVIF"):
        colours = bmp_file.colours_of(data) if name in ("BMP", "DIB") else _boxed_colours(data)
        # Pillow turns TIFF files upright itself.
        return _described(raster, metadata.of(data), colours, orientation=1 if name == "TIFF" else 0)
    info = picture.info
    # Their orientation is in their structure, never in XMP.
    profile = info.get("icc_profile") or b""
    said = Metadata(read_exif(info.get("exif") or b""), info.get("xmp") or b"", profile, is_turned_by_xmp=False)
    colours = _boxed_colours(data)
    if name == "HEIF" and colours is not None and colours.transfer in ("pq", "hlg"):
        raster = _deep_heif(data)
    return _described(raster, said, colours)


def _deep_heif(data: bytes) -> Raster:
    """Returns the pixels of a HEIC with all their bits; the curves of HDR need more than 8."""
    import pillow_heif

    picture = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    values = np.array(picture)
    if values.dtype != np.uint16 or values.ndim != 3 or values.shape[2] not in (3, 4):
        return from_pillow(picture.to_pillow())
    opaque = values[..., 3] >= OPAQUE * 256 if values.shape[2] == 4 else None
    return Raster(np.ascontiguousarray(values[..., :3]), "rgb", opaque)


def _png(data: bytes, check_size: CheckSize) -> Decoded:
    check_size(png_file.size_of(data))
    png = png_file.parse(data)
    raster = png_file.raster_of(png)
    said = metadata.of_png(png.exif, png.texts)
    is_plain = png.depth == 8 and png.kind == 2 and png.is_intact
    raster = masked_below(raster, png.present) if png.present < 1.0 else raster
    colours = None if png.colours == Colours() and not png.names_colours else png.colours
    return _described(replace(raster, notes=png.notes), said, colours, ".png" if is_plain else "")


def _jpeg(data: bytes, check_size: CheckSize) -> Decoded:
    stream = jpeg_stream.inspect(data)
    notes: tuple[str, ...] = ()
    used = data
    if len(stream.scans) > _MOST_SCANS:
        used = data[: stream.scans[_MOST_SCANS]] + b"\xff\xd9"
        notes = (f"The photo has {len(stream.scans)} scans; the first {_MOST_SCANS} were decoded.",)
    present = 1.0
    if stream.frame and stream.bits != 8 and pillow.is_present():
        raise Unsupported(f"JPEG of {stream.bits} bits")
    with pillow.opened(used, ("JPEG", "MPO")) as picture:
        check_size(picture.size)
        try:
            picture.load()
        except OSError as error:
            if not stream.is_common and stream.frame:
                raise Unsupported(f"JPEG of frame {stream.frame:#x} with {stream.bits} bits") from error
            if stream.end or not stream.scans:
                raise
            raster, present, notes = _cut_jpeg(data, stream)
        else:
            raster = from_pillow(picture)
    if present < 1.0:
        raster = masked_below(raster, present)
    suffix = ".jpg" if _is_plain_jpeg(data, stream) and not notes else ""
    return _described(replace(raster, notes=notes), metadata.of_jpeg(data), suffix=suffix)


def _jxl(data: bytes, check_size: CheckSize) -> Decoded:
    check_size(jxl_file.size_of(data))
    try:
        raster, said, orientation = jxl_file.read(data)
    except ImportError as error:
        raise extras.needed(f"{name_of(data)} files", error) from error
    return _described(raster, said, orientation=orientation)


def _is_plain_jpeg(data: bytes, stream: jpeg_stream.Stream) -> bool:
    """Returns whether every program shows the file, and it is one picture only."""
    return stream.is_common and stream.channels == 3 and not jpeg_parts.has_further_pictures(data)


def _cut_jpeg(data: bytes, stream: jpeg_stream.Stream) -> tuple[Raster, float, tuple[str, ...]]:
    """Returns what can be decoded of a JPEG that is cut off, the share of its rows, and the note about it.

    A decoder fills what is missing with an even colour. The rows that do not depend on what follows the cut are whole.
    """
    filled = _decoded_jpeg(data + b"\xff\xd9")
    if stream.is_progressive and len(stream.scans) > 1:
        return filled, 1.0, (_LESS_SHARP,)
    other = _decoded_jpeg(data + _FILLER + b"\xff\xd9").values
    same = (filled.values == other).reshape(len(other), -1).all(axis=1)
    share = 1.0 if same.all() else max(0, int(same.argmin()) - 1) / len(same)
    return filled, share, incomplete(share)


def _decoded_jpeg(data: bytes) -> Raster:
    with pillow.opened(data, ("JPEG",)) as picture:
        picture.load()
        return from_pillow(picture)


def _share_of_cut_jpeg(values: NDArray[Any], stream: jpeg_stream.Stream) -> tuple[float, tuple[str, ...]]:
    """Returns the share of the rows that were decoded of a JPEG that is cut off, and the note about it.

    Decoders make the missing blocks grey. They are decoded from left to right, so that the last one of a row of blocks
    tells whether it is whole.
    """
    if not stream.scans:
        raise Damaged("it ends too early")
    if stream.is_progressive and len(stream.scans) > 1:
        return 1.0, (_LESS_SHARP,)
    height, block = len(values), stream.block_rows
    total = whole = -(-height // block)
    while whole > 0 and _is_missing(values, whole - 1, block, -1):
        whole -= 1
    if 0 < whole < total and _is_missing(values, whole, block, 0):
        # Nothing of the next row was decoded: the last block before it may be damaged.
        whole -= 1
    share = 1.0 if whole == total else max(0, whole * block - 1) / height
    return share, incomplete(share)


def _is_missing(values: NDArray[Any], row: int, block: int, column: int) -> bool:
    """Returns whether a column of a row of blocks is grey, where no neighbours' colours mix in."""
    part = values[row * block + 2 : (row + 1) * block - 2, column].astype(np.int16)
    return bool(np.abs(part - _MISSING).max(initial=0) <= 1)


def _tiff(data: bytes, folder: Folder, check_size: CheckSize) -> Decoded:
    check_size(folder.size)
    return _described(tiff_file.read(data, folder), metadata.of_tiff(data))


def _boxed_colours(data: bytes) -> Colours | None:
    """Returns what a HEIC, AVIF or JPEG 2000 file says about its colours in boxes; None where it says nothing."""
    found = boxes.colours_of(data) if data[4:8] in (b"ftyp", b"jP  ") else Colours()
    return None if found == Colours() else found


def _colours_by_exif(exif: Exif) -> Colours:
    """Returns Adobe RGB if EXIF says so: by its colour space, or "uncalibrated" with the index R03 (DCF 2.0)."""
    space = exif.details.get(_COLOUR_SPACE)
    index = exif.interoperability.get(_INTEROPERABILITY_INDEX, "")
    if space == _ADOBE_RGB or (space in (_UNCALIBRATED, None) and index == "R03"):
        return Colours(primaries=ADOBE_RGB, transfer=ADOBE_RGB_GAMMA)
    return Colours()
