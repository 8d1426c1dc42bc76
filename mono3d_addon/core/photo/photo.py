# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads photos of all common formats as upright 8-bit sRGB pixels, with mask and lens data from EXIF."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ...errors import Mono3DError
from ..arrays import Bytes
from ..camera.lens import Lens, read_lens
from .colours import to_srgb
from .resampling import SMALLEST_SIDE

_DECODERS = ("JPEG", "MPO", "PNG", "HEIF", "AVIF", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "TGA")
_TEXTURE_DECODERS = {"JPEG": ".jpg", "PNG": ".png"}


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

    def write_texture(self, folder: Path) -> Path:
        """Writes the upright picture into `folder` as `texture.jpg` or `texture.png` and returns its path.

        Copies the original file if possible. Otherwise writes PNG up to 2 megapixels; above that, JPEG of quality 95
        without chroma subsampling, which is visually lossless and needs a tenth of the time and space.
        """
        if self.texture is not None:
            data, suffix = self.texture
            path = folder / f"texture{suffix}"
            path.write_bytes(data)
            return path
        picture = Image.fromarray(self.pixels)
        if self.pixels.shape[0] * self.pixels.shape[1] <= 2_000_000:
            path = folder / "texture.png"
            picture.save(path, compress_level=1)
        else:
            path = folder / "texture.jpg"
            picture.save(path, quality=95, subsampling=0)
        return path


def read_photo(path: Path, max_pixels: float = 100.0, smallest: int = SMALLEST_SIDE) -> Photo:
    """Returns the photo at `path`, upright and in sRGB.

    max_pixels  largest size in megapixels
    smallest    smallest side in pixels

    Applies the EXIF orientation (CIPA DC-008, tag 274), converts colour profiles to sRGB and scales 16-bit and
    floating-point pictures to 8 bits. Of several frames, the first is used.
    Raises Mono3DError if the file is not a usable photo.
    """
    data = _read_bytes(path)
    with _without_pixel_limit():
        try:
            with Image.open(io.BytesIO(data), formats=_decoders()) as picture:
                _check_size(path, picture.size, max_pixels, smallest)
                picture.load()
                # PNG keeps some of its metadata behind the pixels.
                lens = read_lens(picture)
                upright = ImageOps.exif_transpose(picture)
                untouched = picture.format in _TEXTURE_DECODERS and upright.size == picture.size
                untouched = untouched and picture.getexif().get(274, 1) == 1
                suffix = _TEXTURE_DECODERS.get(picture.format or "")
        except Mono3DError:
            raise
        except UnidentifiedImageError as error:
            raise Mono3DError(f"'{path.name}' is not a photo that can be read; use JPEG, PNG, HEIC or TIFF.") from error
        except (Image.DecompressionBombError, MemoryError) as error:
            raise Mono3DError(f"'{path.name}' is too large to open; make it smaller first.") from error
        except Exception as error:
            # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and others on damaged files.
            raise Mono3DError(f"'{path.name}' is damaged or cut off ({error}); copy it again.") from error
    pixels, mask, plain, notes = to_srgb(upright)
    texture = (data, suffix) if untouched and plain and suffix else None
    return Photo(path, pixels, mask, lens, hashlib.sha256(data).hexdigest(), texture, notes)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise Mono3DError(f"'{path.name}' is a folder, not a photo.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise Mono3DError(f"There is no file '{path}'.") from error
    except PermissionError as error:
        raise Mono3DError(f"'{path.name}' may not be read; change its permissions.") from error
    except OSError as error:
        raise Mono3DError(f"'{path.name}' cannot be read ({error.strerror or error}).") from error
    if not data:
        raise Mono3DError(f"'{path.name}' is empty (0 bytes); copy it again.")
    return data


def _decoders() -> tuple[str, ...]:
    """Registers HEIC and returns the available decoders of `_DECODERS`, none of which runs other programs."""
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _DECODERS if name in Image.OPEN)


@contextmanager
def _without_pixel_limit() -> Iterator[None]:
    """Disables Pillow's pixel limit: `read_photo` checks the size after reading the header, before decoding."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _check_size(path: Path, size: tuple[int, int], max_pixels: float, smallest: int) -> None:
    width, height = size
    if min(size) < smallest:
        raise Mono3DError(
            f"'{path.name}' has only {width} x {height} pixels; at least {smallest} are needed on each side."
        )
    if width * height > max_pixels * 1e6:
        raise Mono3DError(
            f"'{path.name}' has {width} x {height} pixels, more than the limit of {max_pixels:g} megapixels; "
            "make it smaller or raise 'Largest photo'."
        )
