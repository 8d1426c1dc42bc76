# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads photos of all common formats as upright 8-bit sRGB pixels, with mask and lens data from EXIF."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from ..arrays import Bytes
from ..camera.lens import Lens
from ..regular_file import read_regular
from .colours import to_srgb
from .damage import NotAPicture
from .decoding import decode, is_refusal, upright
from .hand_over import NOTHING, HandedOver
from .other_kinds import advice
from .picture_writer import write_compact, write_png
from .raster import Raster
from .resampling import SMALLEST_SIDE
from .stated_size import check_size
from .texture_file import without_metadata


@dataclass(frozen=True)
class Photo:
    """An upright photo.

    path     source file
    pixels   uint8 (height, width, 3), sRGB
    mask     bool (height, width), True where the pixel is opaque; None without transparency
    lens     focal length and sensor data from EXIF
    digest   SHA-256 of the file, hexadecimal
    texture  the bytes of the file and its suffix if it already is an upright 8-bit sRGB JPEG or PNG; else None
    notes    notes for the user about colour conversion
    """

    path: Path
    pixels: Bytes
    mask: NDArray[np.bool_] | None
    lens: Lens
    digest: str
    texture: tuple[bytes, str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file name without its suffix, as valid text, which Blender and some file formats require."""
        return self.path.stem.encode("utf-8", "replace").decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def write_texture(self, folder: Path, *, keep_metadata: bool = False) -> Path:
        """Writes the upright picture into `folder` as `texture.jpg` or `texture.png` and returns its path.

        Copies the original file if possible, without its metadata unless `keep_metadata`. Otherwise writes PNG up to 2
        megapixels, or without Pillow; above that, JPEG of quality 95 without chroma subsampling, which is visually
        lossless and needs a tenth of the time and space.
        """
        if self.texture is not None:
            data, suffix = self.texture
            plain = without_metadata(data)
            if plain is not None:
                path = folder / f"texture{suffix}"
                path.write_bytes(data if keep_metadata else plain)
                return path
        if self.pixels.shape[0] * self.pixels.shape[1] <= 2_000_000:
            return write_png(self.pixels, folder / "texture.png")
        return write_compact(self.pixels, folder / "texture", 95)


def read_photo(
    path: Path, max_pixels: float = 100.0, smallest: int = SMALLEST_SIDE, handed: HandedOver = NOTHING
) -> Photo:
    """Returns the photo at `path`, upright and in sRGB.

    max_pixels  largest size in megapixels
    smallest    smallest side in pixels
    handed      pixels of files that are not decoded here

    Applies the EXIF orientation (CIPA DC-008, tag 274), converts colour profiles to sRGB and scales 16-bit and
    floating-point pictures to 8 bits. Of several frames, the first is used.
    Raises Mono3DError if the file is not a usable photo.
    """
    data = read_regular(path)
    try:
        other = advice(data)
        if other:
            raise Mono3DError(f"'{path.name}' {other}")
        decoded = decode(data, path, lambda size: check_size(path, size, max_pixels, smallest), handed)
        raster = _upright(decoded.raster, decoded.orientation)
        pixels, plain, notes = to_srgb(raster, decoded.colours)
    except Mono3DError:
        raise
    except NotAPicture as error:
        raise Mono3DError(f"'{path.name}' is not a photo that can be read; use JPEG, PNG, HEIC or TIFF.") from error
    except MemoryError as error:
        raise Mono3DError(f"'{path.name}' is too large to open; make it smaller first.") from error
    except Exception as error:
        # Decoders raise OSError, SyntaxError, ValueError, struct.error and others.
        reason = str(error) or type(error).__name__
        if is_refusal(error):
            raise Mono3DError(
                f"'{path.name}' is of a variety that Mono3D does not read ({reason}); save it as PNG, JPEG or "
                "8-bit TIFF."
            ) from error
        raise Mono3DError(f"'{path.name}' is damaged or cut off ({reason}); copy it again.") from error
    mask = raster.opaque if raster.opaque is not None and not raster.opaque.all() else None
    is_texture = plain and decoded.suffix and decoded.orientation == 1
    texture = (data, decoded.suffix) if is_texture else None
    return Photo(path, pixels, mask, decoded.lens, hashlib.sha256(data).hexdigest(), texture, notes)


def shown_by(texture: Path, pixels: Bytes | None) -> Bytes:
    """Returns `pixels`, uint8 (h, w, 3), those of the file `texture`, which is read only if they are None."""
    return read_photo(texture, math.inf, smallest=1).pixels if pixels is None else pixels


def _upright(raster: Raster, orientation: int) -> Raster:
    opaque = None if raster.opaque is None else upright(raster.opaque, orientation)
    return replace(raster, values=upright(raster.values, orientation), opaque=opaque)
