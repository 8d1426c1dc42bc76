# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads lens data from EXIF and derives the camera from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...settings import Settings
from .camera import DEFAULT_FIELD_OF_VIEW, FULL_FRAME_MM, Camera
from .sensors import sensor_width

# Blender computes cameras from stored lens data and has no Pillow.
if TYPE_CHECKING:
    from PIL import Image

# Tags of Exif 2.32 (CIPA DC-008-2019).
_MAKE, _MODEL, _EXIF_FOLDER = 271, 272, 0x8769
_FOCAL_LENGTH, _FOCAL_LENGTH_35MM, _DIGITAL_ZOOM = 37386, 41989, 41988
_PLANE_X_RESOLUTION, _PLANE_Y_RESOLUTION, _PLANE_UNIT = 41486, 41487, 41488
_PIXELS_X, _PIXELS_Y = 40962, 40963
_UNIT_MM = {1: 25.4, 2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Millimetres per FocalPlaneResolutionUnit; 1 ("none") counts as inches, the default of the standard."""

_PLAUSIBLE_ANGLES = (math.radians(1.0), math.radians(160.0))


@dataclass(frozen=True)
class Lens:
    """Lens data from EXIF; missing values are 0 or empty.

    focal_length      millimetres
    focal_length_35mm full-frame equivalent in millimetres, digital zoom included
    plane_width       width of the used part of the sensor in millimetres, from the focal-plane resolution
    digital_zoom      factor, 1 for none
    camera_name       make and model
    """

    focal_length: float = 0.0
    focal_length_35mm: float = 0.0
    plane_width: float = 0.0
    digital_zoom: float = 1.0
    camera_name: str = ""


def read_lens(picture: Image.Image) -> Lens:
    """Returns the lens data in the EXIF of an opened picture; an empty `Lens` if it is missing or damaged."""
    try:
        exif = picture.getexif()
        details = exif.get_ifd(_EXIF_FOLDER)
        maker, model = (str(exif.get(tag, "")).strip("\0 ") for tag in (_MAKE, _MODEL))
    except Exception:  # Pillow raises many types of exceptions on damaged EXIF; the lens is optional.
        return Lens()
    longer_pixels = max(_number(details, _PIXELS_X), _number(details, _PIXELS_Y)) or float(max(picture.size))
    return Lens(
        focal_length=_number(details, _FOCAL_LENGTH),
        focal_length_35mm=_number(details, _FOCAL_LENGTH_35MM),
        plane_width=_plane_width(details, longer_pixels),
        digital_zoom=max(1.0, _number(details, _DIGITAL_ZOOM)),
        camera_name=model if model.lower().startswith(maker.lower()) else f"{maker} {model}".strip(),
    )


def camera_of(width: int, height: int, field_of_view: float, lens: Lens) -> Camera:
    """Returns the camera of an upright photo of `width` x `height` pixels.

    `field_of_view` is the user's angle across the longer side in radians, 0 if not set. Otherwise the first of these
    sources that gives an angle between 1 and 160 degrees is used: the 35 mm equivalent,
    `f = f35 sqrt(w^2 + h^2) / sqrt(36^2 + 24^2)` (CIPA DCG-001 defines the equivalent by the diagonal); focal length
    and focal-plane resolution; focal length and a table of sensors; a default of 55 degrees.
    """
    if field_of_view > 0.0:
        return Camera.from_field_of_view(width, height, field_of_view, "your setting")
    longer = max(width, height)
    focal = lens.focal_length * lens.digital_zoom
    table_width = sensor_width(lens.camera_name)
    candidates = (
        (
            lens.focal_length_35mm * math.hypot(width, height) / math.hypot(*FULL_FRAME_MM),
            f"EXIF, {lens.focal_length_35mm:g} mm equivalent",
        ),
        (
            focal * longer / lens.plane_width if lens.plane_width else 0.0,
            f"EXIF, {lens.focal_length:.3g} mm on a sensor {lens.plane_width:.3g} mm wide",
        ),
        (
            focal * longer / table_width if table_width else 0.0,
            f"EXIF, {lens.focal_length:.3g} mm on the sensor of {lens.camera_name}",
        ),
    )
    for focal_pixels, source in candidates:
        if focal_pixels > 0.0 and _is_plausible(longer, focal_pixels):
            return Camera(width, height, focal_pixels, focal_pixels, 0.5 * width, 0.5 * height, source)
    degrees = math.degrees(DEFAULT_FIELD_OF_VIEW)
    return Camera.from_field_of_view(width, height, DEFAULT_FIELD_OF_VIEW, f"assumed {degrees:.0f} degrees")


def _is_plausible(longer: int, focal_pixels: float) -> bool:
    low, high = _PLAUSIBLE_ANGLES
    return low <= 2.0 * math.atan(0.5 * longer / focal_pixels) <= high


def _plane_width(details: Mapping[int, Any], longer_pixels: float) -> float:
    resolution = _number(details, _PLANE_X_RESOLUTION) or _number(details, _PLANE_Y_RESOLUTION)
    unit = _UNIT_MM.get(int(_number(details, _PLANE_UNIT) or 2), 25.4)
    return longer_pixels * unit / resolution if resolution else 0.0


def _number(details: Mapping[int, Any], tag: int) -> float:
    """Returns the value of a tag; 0 if it is missing, not a number, infinite or negative."""
    try:
        value = float(details.get(tag, 0.0))
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return value if math.isfinite(value) and value > 0.0 else 0.0


def photo_camera(size: tuple[int, int], lens: Lens, settings: Settings, *, is_panorama: bool) -> Camera:
    """Returns the camera of a photo of `size` (width, height) for the given settings, without a pose."""
    if is_panorama:
        return Camera.panorama(*size, "360-degree panorama")
    camera = camera_of(*size, math.radians(settings.field_of_view), lens)
    return camera.shifted(settings.shift_x / 100.0, settings.shift_y / 100.0)
