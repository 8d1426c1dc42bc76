# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the user's mask: a picture in which white pixels are kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .. import resampling
from .companions import MASK, companion
from .hand_over import NOTHING, HandedOver
from .photo import Photo, read_photo
from .raster import OPAQUE


def masked(photo: Photo, place: str, max_pixels: float, handed: HandedOver = NOTHING) -> Photo:
    """Returns the photo with its mask intersected with the one at `place`; unchanged if `place` is empty.

    `place` is a file, or a folder with a picture named after the photo. White is kept. The picture is stretched over
    the photo; its transparent pixels count as black. `handed` has the pixels of files that are not decoded here.
    Raises Mono3DError if the mask is missing, damaged or all black.
    """
    if not place:
        return photo
    path = companion(place, photo.path, *MASK)
    kept = read_mask(path, photo.size, max_pixels, handed)
    both = kept if photo.mask is None else photo.mask & kept
    if not both.any():
        raise Mono3DError(f"The mask '{path.name}' keeps nothing of '{photo.path.name}': white is kept, black is not.")
    return dataclasses.replace(photo, mask=None if both.all() else both)


def read_mask(path: Path, size: tuple[int, int], max_pixels: float, handed: HandedOver = NOTHING) -> NDArray[np.bool_]:
    """Returns the mask at `path`, bool (height, width), True where kept, for a photo of `size` (width, height).

    `handed` has the pixels of files that are not decoded here. Raises Mono3DError if the picture cannot be read.
    """
    try:
        picture = read_photo(path, max_pixels, smallest=1, handed=handed)
    except Mono3DError as error:
        raise Mono3DError(f"The mask cannot be used: {error}") from error
    grey = resampling.grey(picture.pixels)
    if picture.mask is not None:
        grey = np.where(picture.mask, grey, np.uint8(0))
    return resampling.resize(grey, *size, "bilinear") >= OPAQUE
