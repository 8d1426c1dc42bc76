# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's mask: a picture that is white where the photo is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import Mono3DError
from .colours import OPAQUE
from .companions import companion
from .photo import Photo, read_photo

_ENDS = ("", "_mask", "-mask", ".mask")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")


def masked(photo: Photo, place: str, max_pixels: float) -> Photo:
    """Returns the photo whose mask keeps only what the picture at `place` keeps too; the same where `place` is empty.

    `place` is a file, or a folder with a picture of the photo's name. White keeps; a picture of any size is stretched
    over the photo, and what is transparent in it counts as black. Raises Mono3DError with a sentence for the user.
    """
    if not place:
        return photo
    path = companion(place, photo.path, "mask", _ENDS, _SUFFIXES)
    kept = read_mask(path, photo.size, max_pixels)
    both = kept if photo.mask is None else photo.mask & kept
    if not both.any():
        raise Mono3DError(f"The mask '{path.name}' keeps nothing of '{photo.path.name}': white is kept, black is not.")
    return dataclasses.replace(photo, mask=None if both.all() else both)


def read_mask(path: Path, size: tuple[int, int], max_pixels: float) -> NDArray[np.bool_]:
    """Returns which pixels, bool (height, width), of a photo of `size` (width, height) the picture at `path` keeps.

    Raises Mono3DError when it is no picture that can be read.
    """
    try:
        picture = read_photo(path, max_pixels, smallest=1)
    except Mono3DError as error:
        raise Mono3DError(f"The mask cannot be used: {error}") from error
    grey = np.asarray(Image.fromarray(picture.pixels).convert("L"))
    if picture.mask is not None:
        grey = np.where(picture.mask, grey, np.uint8(0))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR)) >= OPAQUE
