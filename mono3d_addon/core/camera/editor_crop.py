# SPDX-License-Identifier: GPL-3.0-or-later
"""The crop that Lightroom and Camera Raw record in XMP (namespace `crs`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .xmp import number

_SIDES = ("crs:CropLeft", "crs:CropTop", "crs:CropRight", "crs:CropBottom")
_DEVELOPERS = ("lightroom", "camera raw")
_ADOBE = (*_DEVELOPERS, "photoshop")
_SHAPES = (1.0, 5 / 4, 4 / 3, 3 / 2, 16 / 9)
_SHAPE_ERROR = 0.015
_SMALLEST_SHARE = 0.01


@dataclass(frozen=True)
class Crop:
    """The part of a picture that a crop keeps: see `Lens` for the fields; `state` is its `crop`."""

    kept_width: float = 1.0
    kept_height: float = 1.0
    axis_x: float = 0.5
    axis_y: float = 0.5
    state: str = ""


def read_crop(xmp: Mapping[str, str], size: tuple[int, int], orientation: int, software: str) -> Crop:
    """Returns the crop that XMP records for a picture of `size` (stored width, height), for the upright picture.

    Settings that are marked as applied are part of the pixels. Unmarked ones are if an Adobe program wrote the
    picture: in an original, Lightroom leaves the pixels alone and writes what is still to be done.
    Lightroom and Camera Raw also tell that there is no crop; in Photoshop's files that is from before it.
    """
    if xmp.get("crs:HasCrop", "").lower() == "false" and any(name in software.lower() for name in _DEVELOPERS):
        return Crop(state="none")
    if xmp.get("crs:HasCrop", "").lower() != "true" or any(side not in xmp for side in _SIDES):
        return Crop()
    left, top, right, bottom = (number(xmp[side]) for side in _SIDES)
    is_inside = 0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0
    if not is_inside or min(right - left, bottom - top) < _SMALLEST_SHARE or (right - left) * (bottom - top) == 1.0:
        return Crop()
    applied = xmp.get("crs:AlreadyApplied", "").lower()
    if applied != "true" and (applied == "false" or not any(name in software.lower() for name in _ADOBE)):
        return Crop(state="pending")
    sides = (left, top, right, bottom)
    angle = math.radians(number(xmp.get("crs:CropAngle", "")))
    turned = abs(angle) < math.radians(45.0) and angle != 0.0
    found = [_kept(sides, size, sign * angle if turned else 0.0) for sign in ((1.0, -1.0) if turned else (1.0,))]
    crop = min((one for one in found if one is not None), key=lambda one: _strangeness(one, size), default=None)
    if crop is None:
        return Crop()
    if orientation == 1 and _strangeness(crop, size) > _SHAPE_ERROR:
        # Exported upright from a picture on its side, whose crop it still tells; to which side it was is unknown.
        on_side = Crop(crop.kept_height, crop.kept_width, state="applied")
        crop = on_side if _strangeness(on_side, size) <= _SHAPE_ERROR else crop
    return _upright(crop, orientation)


def _kept(sides: tuple[float, float, float, float], size: tuple[int, int], angle: float) -> Crop | None:
    """Returns the crop by its two corners in the picture, which is turned by `angle` radians before it is cut.

    The corners are at shares of the width and of the height, whose ratio k follows from the photo's own shape.
    """
    left, top, right, bottom = sides
    across, down = right - left, bottom - top
    cos, sin = math.cos(angle), math.sin(angle)
    shape = size[0] / size[1]
    below = down * (shape * cos - sin)
    k = across * (cos + shape * sin) / below if below > 0.0 else 0.0
    width, height = across * cos + down * k * sin, down * k * cos - across * sin
    if k <= 0.0 or width <= 0.0 or height <= 0.0:
        return None
    x, y = 0.5 - 0.5 * (left + right), k * (0.5 - 0.5 * (top + bottom))
    return Crop(
        width, height / k, 0.5 + (x * cos + y * sin) / width, 0.5 + (y * cos - x * sin) / height, state="applied"
    )


def _strangeness(crop: Crop, size: tuple[int, int]) -> float:
    """Returns how far the shape of the whole picture is from those that cameras have, as a share."""
    width, height = size[0] / crop.kept_width, size[1] / crop.kept_height
    shape = max(width, height) / min(width, height)
    return min(abs(shape / known - 1.0) for known in _SHAPES)


def _upright(crop: Crop, orientation: int) -> Crop:
    """Returns the crop of a stored picture for the upright one (CIPA DC-008, tag 274)."""
    x, y = crop.axis_x, crop.axis_y
    places = {
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }
    x, y = places.get(orientation, (x, y))
    kept = (crop.kept_height, crop.kept_width) if orientation in (5, 6, 7, 8) else (crop.kept_width, crop.kept_height)
    return replace(crop, kept_width=kept[0], kept_height=kept[1], axis_x=x, axis_y=y)
