# SPDX-License-Identifier: GPL-3.0-or-later
"""Detects panoramas in equirectangular projection."""

from __future__ import annotations

from ...errors import Mono3DError
from .photo import Photo

_ASPECT_ERROR = 0.02


def is_panorama(photo: Photo, projection: str) -> bool:
    """Returns whether to treat the photo as a panorama; `projection` is the setting of that name.

    With 'auto' the photo's XMP decides (Google, Photo Sphere XMP Metadata). Raises Mono3DError if the setting is
    'equirectangular' but the aspect ratio is not 2:1 and XMP does not say which part of the sphere the photo shows.
    """
    has_part = photo.lens.sphere_part.width > 0.0 and not photo.lens.is_cylinder
    if projection == "equirectangular" and not has_part:
        width, height = photo.size
        if abs(width / (2.0 * height) - 1.0) > _ASPECT_ERROR:
            raise Mono3DError(
                f"'{photo.path.name}' is {width} x {height} pixels; a full panorama is twice as wide as high. "
                "Set 'Projection' to pinhole."
            )
        return True
    return projection != "pinhole" and has_part
