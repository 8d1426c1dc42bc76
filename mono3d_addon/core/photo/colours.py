# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a decoded picture of any mode and colour profile to 8-bit sRGB and a mask."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ..arrays import Bytes

OPAQUE = 128
"""Smallest alpha value, 0..255, of pixels that belong to the subject."""


def to_srgb(picture: Image.Image) -> tuple[Bytes, NDArray[np.bool_] | None, bool, tuple[str, ...]]:
    """Converts a decoded picture to sRGB.

    Returns pixels, uint8 (height, width, 3); the mask, bool (height, width), True where opaque, or None without
    transparency; whether the pixels were 8-bit sRGB already; and notes for the user.
    """
    notes: tuple[str, ...] = ()
    mask = None
    plain = picture.mode == "RGB"
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        picture = _keep_info(picture, picture.convert("RGBA"))
        alpha = np.asarray(picture.getchannel("A"))
        mask = alpha >= OPAQUE
        if mask.all():
            mask = None
        picture = _keep_info(picture, picture.convert("RGB"))
    elif picture.mode.startswith("I") or picture.mode == "F":
        picture = _eight_bits(picture)
    elif picture.mode in ("P", "1"):
        picture = _keep_info(picture, picture.convert("RGB"))
    profile = picture.info.get("icc_profile")
    if profile:
        try:
            converted = _convert_profile(picture, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes = ("The photo's colour profile is damaged and was ignored.",)
        else:
            plain = plain and converted is picture
            picture = converted
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    return np.array(picture, dtype=np.uint8), mask, plain, notes


def _keep_info(source: Image.Image, converted: Image.Image) -> Image.Image:
    if "icc_profile" in source.info:
        converted.info["icc_profile"] = source.info["icc_profile"]
    return converted


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Returns a 16-bit, 32-bit or floating-point greyscale picture as 8 bits.

    White is 65535 for 16-bit pictures, 1 for floating-point values up to 1, and 255 or 65535 for 32-bit integers up to
    these. Other values are scaled by their maximum.
    """
    values = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0.0, neginf=0.0)
    peak = float(values.max(initial=0.0))
    if picture.mode == "F":
        white = 1.0 if peak <= 1.0 else peak
    elif picture.mode.startswith("I;16"):
        white = 65535.0
    else:
        white = next((limit for limit in (255.0, 65535.0) if peak <= limit), peak)
    return Image.fromarray(np.clip(np.rint(values * (255.0 / white)), 0, 255).astype(np.uint8))


def _convert_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if picture.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
        return picture
    converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return converted if converted is not None else picture
