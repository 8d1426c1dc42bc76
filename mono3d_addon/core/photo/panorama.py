# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether a photo is a full 360-degree panorama in equirectangular projection."""

from __future__ import annotations

import re
from contextlib import suppress

from PIL import Image

from ...errors import Mono3DError
from .photo import Photo

_PROJECTION = re.compile(rb"GPano:ProjectionType\s*(?:=\s*[\"']|>)\s*equirectangular", re.IGNORECASE)
_ASPECT_ERROR = 0.02


def is_panorama(photo: Photo, projection: str) -> bool:
    """Tells whether to take the photo as a panorama; `projection` is the setting of that name.

    'auto' goes by the XMP (Google, Photo Sphere XMP Metadata) of photos that are twice as wide as high; partial ones
    are ordinary photos. Raises Mono3DError where a panorama is asked for but the photo is not twice as wide as high.
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
    return projection == "auto" and is_full and _says_so(photo)


def _says_so(photo: Photo) -> bool:
    # A photo that has just been read opens again; whatever fails, it is an ordinary one.
    with suppress(Exception), Image.open(photo.path) as picture:
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
        return bool(_PROJECTION.search(packet.encode() if isinstance(packet, str) else packet))
    return False
