# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the sphere that a panorama covers, by Google's Photo Sphere XMP metadata (namespace `GPano`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from .xmp import number

_SHAPE_ERROR = 0.02
_ROUNDING = 0.001
_NARROWEST = math.radians(5.0)
_TOLERANCE = 1e-6


class SpherePart(NamedTuple):
    """Radians to the right and downwards of the direction straight ahead; all 0 where there is no panorama."""

    longitude_from: float = 0.0
    longitude_to: float = 0.0
    latitude_from: float = 0.0
    latitude_to: float = 0.0

    @property
    def width(self) -> float:
        """Radians from left to right."""
        return self.longitude_to - self.longitude_from

    @property
    def height(self) -> float:
        """Radians from the upper to the lower border."""
        return self.latitude_to - self.latitude_from

    @property
    def is_closed(self) -> bool:
        """Whether the left and the right border are one."""
        return self.width >= 2.0 * math.pi - _TOLERANCE

    @property
    def has_top(self) -> bool:
        """Whether the upper border is the pole."""
        return self.latitude_from <= -0.5 * math.pi + _TOLERANCE

    @property
    def has_bottom(self) -> bool:
        """Whether the lower border is the pole."""
        return self.latitude_to >= 0.5 * math.pi - _TOLERANCE


WHOLE_SPHERE = SpherePart(-math.pi, math.pi, -0.5 * math.pi, 0.5 * math.pi)


def read_sphere_part(xmp: Mapping[str, str], size: tuple[int, int], orientation: int) -> SpherePart:
    """Returns what part of the sphere a panorama of `size` (width, height) covers, all 0 for other pictures.

    Its middle column is straight ahead. An equirectangular picture that is twice as wide as high is the whole sphere
    where the tags of the cropped area are absent or wrong. A cylindrical one has the horizon in the middle of the whole
    panorama.
    """
    projection = xmp.get("GPano:ProjectionType", "").lower()
    if projection not in ("equirectangular", "cylindrical") or orientation != 1:
        return SpherePart()
    is_flat = projection == "equirectangular"
    full_width, full_height, width, height = (
        number(xmp.get(f"GPano:{name}Pixels", ""))
        for name in ("FullPanoWidth", "FullPanoHeight", "CroppedAreaImageWidth", "CroppedAreaImageHeight")
    )
    top = number(xmp.get("GPano:CroppedAreaTopPixels", ""))
    otherwise = WHOLE_SPHERE if is_flat and _agree(size[0], 2.0 * size[1]) else SpherePart()
    if min(full_width, full_height, width, height) <= 0.0:
        return otherwise
    fits = width <= full_width * (1.0 + _ROUNDING) and 0.0 <= top <= full_height * (1.0 + _ROUNDING) - height
    is_sphere = not is_flat or _agree(full_width, 2.0 * full_height)
    if not fits or not is_sphere or not _agree(size[0] * height, size[1] * width):
        return otherwise
    across = min(math.pi * width / full_width, math.pi)
    if is_flat:
        upper, lower = (math.pi * (row / full_height - 0.5) for row in (top, top + height))
    else:
        per_radian = full_width / (2.0 * math.pi)
        upper, lower = (math.atan((row - 0.5 * full_height) / per_radian) for row in (top, top + height))
    part = SpherePart(-across, across, upper, min(lower, 0.5 * math.pi))
    return part if min(part.width, part.height) >= _NARROWEST else SpherePart()


def _agree(one: float, other: float) -> bool:
    return abs(one / other - 1.0) <= _SHAPE_ERROR
