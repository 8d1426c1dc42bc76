# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes picture files of all formats, and collects what they say about colours, lens and orientation."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ...errors import Mono3DError
from ..camera.lens import Lens, read_lens
from . import bmp_file, boxes, exr_picture, jpeg_stream, png_file, radiance_file, tga_file, tiff_file
from .colour_spaces import ADOBE_RGB, ADOBE_RGB_GAMMA
from .damage import Unsupported, incomplete
from .hand_over import NOTHING, HandedOver, needs_hand_over
from .raster import OPAQUE, Colours, Raster, from_pillow

CheckSize = Callable[[tuple[int, int]], None]
"""Raises Mono3DError if width and height are not acceptable."""

_DECODERS = ("JPEG", "MPO", "HEIF", "AVIF", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "TGA", "PSD")
_BOXED = ("HEIF", "AVIF", "JPEG2000")
_EXIF, _INTEROPERABILITY = 0x8769, 0xA005
_ORIENTATION, _COLOUR_SPACE, _INTEROPERABILITY_INDEX = 274, 0xA001, 1
_UNCALIBRATED, _ADOBE_RGB = 0xFFFF, 2
_TGA_SUFFIXES = (".tga", ".icb", ".vda", ".vst")
_MOST_SCANS = 20
"""Scans of a progressive JPEG that are decoded. Encoders write about 10; hundreds take minutes."""
_FILLER = b"\x5a\xa5\x33\xcc" * 1024
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
    besides those here takes its place. Raises Damaged, Unsupported,
    UnidentifiedImageError, and other exceptions of the decoders.
    """
    values = handed.values(path) if needs_hand_over(path) else None
    if values is not None:
        return _by_hand_over(data, path, check_size, values)
    if data.startswith(exr_picture.SIGNATURE):
        check_size(exr_picture.size_of(path))
        return Decoded(exr_picture.read(path), Colours(), Lens())
    if radiance_file.is_radiance(data):
        check_size(radiance_file.size_of(data))
        return Decoded(radiance_file.read(data), Colours(), Lens())
    if data.startswith(png_file.SIGNATURE):
        return _png(data, check_size)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data, check_size)
    folder = tiff_file.first_folder(data)
    if folder is not None and tiff_file.needs_own_reader(folder):
        return _tiff(data, folder, check_size)
    if folder is not None and not tiff_file.is_known(folder):
        raise Unsupported(f"TIFF of compression {folder.number(tiff_file.COMPRESSION)}")
    try:
        return _by_pillow(data, path, check_size)
    except (OSError, SyntaxError, ValueError, KeyError, IndexError, struct.error):
        # Readers of our own for kinds that Pillow refuses.
        if folder is not None and tiff_file.is_readable(folder):
            return _tiff(data, folder, check_size)
        if data[:2] == b"BM":
            check_size(bmp_file.size_of(data))
            return Decoded(bmp_file.read(data), bmp_file.colours_of(data), Lens())
        if path.suffix.lower() in _TGA_SUFFIXES and tga_file.is_tga(data):
            check_size(tga_file.size_of(data))
            return Decoded(tga_file.read(data), Colours(), Lens())
        raise


def is_refusal(error: Exception) -> bool:
    """Returns whether a decoder's exception means that the file is of an unsupported variety rather than damaged."""
    return isinstance(error, (Unsupported, NotImplementedError)) or bool(_REFUSALS.search(str(error)))


def upright(raster: Raster, orientation: int) -> Raster:
    """Returns the pixels with the EXIF orientation applied (CIPA DC-008, tag 274)."""
    turns: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }
    turn = turns.get(orientation)
    if turn is None:
        return raster
    opaque = None if raster.opaque is None else np.ascontiguousarray(turn(raster.opaque))
    return replace(raster, values=np.ascontiguousarray(turn(raster.values)), opaque=opaque)


def _decoders() -> tuple[str, ...]:
    """Registers HEIC and returns the available decoders of `_DECODERS`, none of which runs other programs."""
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _DECODERS if name in Image.OPEN)


def _by_pillow(data: bytes, path: Path, check_size: CheckSize) -> Decoded:
    with Image.open(io.BytesIO(data), formats=_decoders()) as picture:
        check_size(picture.size)
        name = picture.format
        if name == "TGA":
            if path.suffix.lower() not in _TGA_SUFFIXES and not tga_file.has_footer(data):
                # TGA has no signature, so that other files look like it.
                raise UnidentifiedImageError("not a picture")
            if tga_file.is_tga(data):
                return Decoded(tga_file.read(data), Colours(), Lens())
        picture.load()
        raster = from_pillow(picture)
        if name == "PSD" and not _psd_has_transparency(data):
            raster = replace(raster, opaque=None)
        if name in ("BMP", "DIB") and raster.opaque is not None and not raster.opaque.any():
            raster = replace(raster, opaque=None)
        colours = _colours_of(picture, data)
        if name == "HEIF" and colours.transfer in ("pq", "hlg"):
            raster = _deep_heif(data)
        return Decoded(raster, colours, read_lens(picture), _orientation_of(picture))


def _deep_heif(data: bytes) -> Raster:
    """Returns the pixels of a HEIC with all their bits; the curves of HDR need more than 8."""
    import pillow_heif

    picture = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    values = np.array(picture)
    if values.dtype != np.uint16 or values.ndim != 3 or values.shape[2] not in (3, 4):
        return from_pillow(picture.to_pillow())
    opaque = values[..., 3] >= OPAQUE * 256 if values.shape[2] == 4 else None
    return Raster(np.ascontiguousarray(values[..., :3]), "rgb", opaque)


def _by_hand_over(data: bytes, path: Path, check_size: CheckSize, values: NDArray[Any]) -> Decoded:
    """Returns the values that were handed over, with all that the file itself says about them."""
    size = (values.shape[1], values.shape[0])
    check_size(size)
    if data.startswith(exr_picture.SIGNATURE):
        return Decoded(_handed_raster(values, is_grey=False), Colours(transfer=1.0), Lens())
    is_jpeg = data.startswith(b"\xff\xd8\xff")
    stream = jpeg_stream.inspect(data) if is_jpeg else None
    if stream is not None and stream.size != size:
        raise Mono3DError(
            f"The pixels handed over for '{path.name}' are {size[0]} x {size[1]}, and the file has {stream.size[0]} x "
            f"{stream.size[1]}; try again."
        )
    raster = _handed_raster(values, is_grey=stream is not None and stream.channels == 1)
    if is_jpeg or (data.startswith(b"8BPS") and not _psd_has_transparency(data)):
        raster = replace(raster, opaque=None)
    with Image.open(io.BytesIO(data), formats=_decoders()) as picture:
        is_plain = stream is not None and stream.is_common and stream.channels == 3
        suffix = ".jpg" if is_plain else ""
        return Decoded(raster, _colours_of(picture, data), read_lens(picture), _orientation_of(picture), suffix)


def _handed_raster(values: NDArray[Any], *, is_grey: bool) -> Raster:
    """Returns values that were handed over; `is_grey` where all three colours are the same one."""
    channels = values.shape[2] if values.ndim == 3 else 1
    opaque = None
    if channels in (2, 4):
        opaque = values[..., -1] >= {"u1": OPAQUE, "u2": OPAQUE * 256}.get(values.dtype.str[1:], 0.5)
    if values.ndim == 2 or channels == 2 or is_grey:
        grey = values if values.ndim == 2 else values[..., 0]
        return Raster(np.ascontiguousarray(grey), "grey", opaque)
    return Raster(np.ascontiguousarray(values[..., :3]), "rgb", opaque)


def _png(data: bytes, check_size: CheckSize) -> Decoded:
    check_size((int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")))
    png = png_file.parse(data)
    with Image.open(io.BytesIO(png.data), formats=("PNG",)) as picture:
        raster = png_file.raster_of(png, picture)
        colours = png.colours
        if colours == Colours() and not png.names_colours:
            colours = _colours_by_exif(picture)
        is_plain = png.depth == 8 and png.kind == 2 and png.is_intact
        raster = _masked_below(raster, png.present) if png.present < 1.0 else raster
        raster = replace(raster, notes=png.notes)
        return Decoded(raster, colours, read_lens(picture), _orientation_of(picture), ".png" if is_plain else "")


def _jpeg(data: bytes, check_size: CheckSize) -> Decoded:
    stream = jpeg_stream.inspect(data)
    notes: tuple[str, ...] = ()
    used = data
    if len(stream.scans) > _MOST_SCANS:
        used = data[: stream.scans[_MOST_SCANS]] + b"\xff\xd9"
        notes = (f"The photo has {len(stream.scans)} scans; the first {_MOST_SCANS} were decoded.",)
    present = 1.0
    with Image.open(io.BytesIO(used), formats=("JPEG", "MPO")) as picture:
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
        is_plain = picture.format == "JPEG" and picture.mode == "RGB" and stream.is_common and not notes
        if present < 1.0:
            raster = _masked_below(raster, present)
        return Decoded(
            replace(raster, notes=notes),
            _colours_of(picture, data),
            read_lens(picture),
            _orientation_of(picture),
            ".jpg" if is_plain else "",
        )


def _cut_jpeg(data: bytes, stream: jpeg_stream.Stream) -> tuple[Raster, float, tuple[str, ...]]:
    """Returns what can be decoded of a JPEG that is cut off, the share of its rows, and the note about it.

    A decoder fills what is missing with an even colour. The rows that do not depend on what follows the cut are whole.
    """
    filled = _decoded_jpeg(data + b"\xff\xd9")
    if stream.is_progressive and len(stream.scans) > 1:
        return filled, 1.0, ("The photo's file is cut off: its last details are missing, so that it is less sharp.",)
    other = _decoded_jpeg(data + _FILLER + b"\xff\xd9").values
    same = (filled.values == other).reshape(len(other), -1).all(axis=1)
    share = 1.0 if same.all() else max(0, int(same.argmin()) - 1) / len(same)
    return filled, share, incomplete(share)


def _decoded_jpeg(data: bytes) -> Raster:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        picture.load()
        return from_pillow(picture)


def _tiff(data: bytes, folder: tiff_file.Folder, check_size: CheckSize) -> Decoded:
    check_size(folder.size)
    raster = tiff_file.read(data, folder)
    with Image.new("1", (1, 1)) as carrier:
        # EXIF has the structure of TIFF, so the file serves as its own EXIF.
        carrier.info["exif"] = b"Exif\0\0" + data
        carrier.info["xmp"] = folder.bytes_of(tiff_file.XMP)
        carrier._size = folder.size
        profile = folder.bytes_of(tiff_file.ICC_PROFILE)
        colours = Colours(icc=profile) if profile else _colours_by_exif(carrier)
        return Decoded(raster, colours, read_lens(carrier), folder.number(tiff_file.ORIENTATION, 1))


def _masked_below(raster: Raster, share: float) -> Raster:
    """Returns the raster with the rows below the decoded share masked out."""
    height, width = raster.values.shape[:2]
    opaque = np.ones((height, width), bool) if raster.opaque is None else raster.opaque.copy()
    opaque[int(share * height) :] = False
    return replace(raster, opaque=opaque)


def _colours_of(picture: Image.Image, data: bytes) -> Colours:
    """Returns what a file says about its colours: ICC profile, colour codes, header, then EXIF."""
    profile = picture.info.get("icc_profile")
    if picture.format in _BOXED:
        boxed = boxes.colours_of(data)
        if boxed != Colours():
            return boxed
    if profile:
        return Colours(icc=profile)
    if picture.format in ("BMP", "DIB"):
        return bmp_file.colours_of(data)
    return _colours_by_exif(picture)


def _colours_by_exif(picture: Image.Image) -> Colours:
    """Returns Adobe RGB if EXIF says so: by its colour space, or "uncalibrated" with the index R03 (DCF 2.0)."""
    try:
        exif = picture.getexif()
        space = exif.get_ifd(_EXIF).get(_COLOUR_SPACE)
        index = str(exif.get_ifd(_INTEROPERABILITY).get(_INTEROPERABILITY_INDEX, "")).strip("\0 ")
    except Exception:  # Pillow raises many types of exceptions on damaged EXIF, which is optional.
        return Colours()
    if space == _ADOBE_RGB or (space in (_UNCALIBRATED, None) and index == "R03"):
        return Colours(primaries=ADOBE_RGB, transfer=ADOBE_RGB_GAMMA)
    return Colours()


def _orientation_of(picture: Image.Image) -> int:
    """Returns the orientation; that of HEIC and AVIF is in their structure, never in XMP."""
    try:
        if picture.format in ("HEIF", "AVIF"):
            exif = Image.Exif()
            exif.load(picture.info.get("exif") or b"")
        else:
            exif = picture.getexif()
        return int(exif.get(_ORIENTATION, 1))
    except Exception:  # Pillow raises many types of exceptions on damaged EXIF, which is optional.
        return 1


def _psd_has_transparency(data: bytes) -> bool:
    """Returns whether the first additional channel of a PSD's composite is its transparency.

    A negative number of layers says so (Adobe Photoshop File Formats Specification, Layer info).
    """
    try:
        place = 26
        for _ in range(2):
            place += 4 + struct.unpack_from(">I", data, place)[0]
        length, inner = struct.unpack_from(">II", data, place)
        return length > 0 and inner > 0 and struct.unpack_from(">h", data, place + 8)[0] < 0
    except struct.error:
        return False
