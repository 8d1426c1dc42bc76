# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts 8-bit colours by ICC profiles of any kind with LittleCMS, which is part of Pillow."""

from __future__ import annotations

import io

import numpy as np

from ..arrays import Bytes
from .damage import Damaged

try:
    from PIL import Image, ImageCms
except ImportError:
    Image = ImageCms = None  # type: ignore[assignment]

_MODES = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK"}


def is_there() -> bool:
    """Returns whether this process may use LittleCMS; `converted` needs it."""
    return ImageCms is not None


def converted(values: Bytes, space: str, profile: bytes) -> Bytes:
    """Returns `values`, uint8 (h, w) or (h, w, c), as sRGB, uint8 (h, w, 3); `space` is a `Raster`'s but Lab.

    Raises Damaged if the profile is.
    """
    height, width = values.shape[:2]
    picture = Image.frombytes(_MODES[space], (width, height), np.ascontiguousarray(values).tobytes())
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        result = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise Damaged(str(error)) from error
    return np.array(result, np.uint8)
