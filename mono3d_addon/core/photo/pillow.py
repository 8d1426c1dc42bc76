# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens pictures in memory with Pillow, where it is installed. The readers of this folder use it through this module.

Without Pillow, everything here raises ModuleNotFoundError.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .damage import NotAPicture

if TYPE_CHECKING:
    from PIL import Image

_DECODERS = ("JPEG", "MPO", "HEIF", "AVIF", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "TGA", "PSD")
"""None of them runs other programs."""


def is_present() -> bool:
    """Returns whether Pillow can be imported."""
    try:
        import PIL.Image  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


@contextmanager
def opened(data: bytes, formats: tuple[str, ...] = _DECODERS) -> Iterator[Image.Image]:
    """Opens the picture file `data`, of one of Pillow's `formats`; its pixels are decoded when they are asked for.

    Meanwhile Pillow's limit of pixels does not apply: callers check the size after opening, before decoding. Raises
    NotAPicture, and exceptions of the decoders.
    """
    from PIL import Image, UnidentifiedImageError

    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Pillow reads the usual formats before it has loaded all, which takes long.
            Image.preinit()
            try:
                picture = _picture(data, formats)
            except UnidentifiedImageError:
                _load_all()
                try:
                    picture = _picture(data, formats)
                except UnidentifiedImageError as error:
                    raise NotAPicture("not a picture") from error
            with picture:
                yield picture
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _picture(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Opens a file of one of those `formats` that Pillow has loaded. Raises UnidentifiedImageError."""
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=[name for name in formats if name in Image.OPEN])


def _load_all() -> None:
    """Has Pillow know all its formats, and HEIF where there is a reader for it."""
    from PIL import Image

    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
