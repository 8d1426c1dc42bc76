# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects full 360-degree panoramas in equirectangular projection."""

from __future__ import annotations

import re
from contextlib import suppress

from PIL import Image

from ...errors import Mono3DError
from .photo import Photo

_PROJECTION = re.compile(rb"GPano:ProjectionType\s*(?:=\s*[\"']|>)\s*equirectangular", re.IGNORECASE)
_ASPECT_ERROR = 0.02


def is_panorama(photo: Photo, projection: str) -> bool:
    """Returns whether to treat the photo as a panorama; `projection` is the setting of that name.

    With 'auto' the photo's XMP decides (Google, Photo Sphere XMP Metadata), for photos with an aspect ratio of 2:1.
    Partial panoramas are treated as ordinary photos. Raises Mono3DError if the setting is 'equirectangular' but the
    aspect ratio is not 2:1.
    """
    width, height = photo.size
    is_full = abs(width / (2.0 * height) - 1.0) <= _ASPECT_ERROR
    if projection == "equirectangular":
        if not is_full:
            raise Mono3DError(
                f"'{photo.path.name}' is {width} x {height} pixels; a full panorama is twice as wide as high. "
                "Set 'Projection' to pinhole."
            )
        return True
    return projection == "auto" and is_full and _has_panorama_xmp(photo)


def _has_panorama_xmp(photo: Photo) -> bool:
    # Any error here means that the photo has no usable XMP.
    with suppress(Exception), Image.open(photo.path) as picture:
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
        return bool(_PROJECTION.search(packet.encode() if isinstance(packet, str) else packet))
    return False
