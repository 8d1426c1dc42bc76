# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads lens data, crops and projections from EXIF and XMP."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..photo.exif import Exif, Tags
from .editor_crop import read_crop
from .sphere_part import SpherePart, read_sphere_part
from .xmp import number, read_xmp

# Tags of Exif 2.32 (CIPA DC-008-2019).
_MAKE, _MODEL, _SOFTWARE = 271, 272, 305
_FOCAL_LENGTH, _FOCAL_LENGTH_35MM, _DIGITAL_ZOOM, _LENS_MODEL = 37386, 41989, 41988, 42036
_PLANE_X_RESOLUTION, _PLANE_Y_RESOLUTION, _PLANE_UNIT = 41486, 41487, 41488
_PIXELS_X, _PIXELS_Y = 40962, 40963
_UNIT_MM = {1: 25.4, 2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Millimetres per FocalPlaneResolutionUnit; 1 ("none") counts as inches, the default of the standard."""
_XMP_NAMES = {
    _FOCAL_LENGTH: "exif:FocalLength",
    _FOCAL_LENGTH_35MM: "exif:FocalLengthIn35mmFilm",
    _DIGITAL_ZOOM: "exif:DigitalZoomRatio",
    _PLANE_X_RESOLUTION: "exif:FocalPlaneXResolution",
    _PLANE_Y_RESOLUTION: "exif:FocalPlaneYResolution",
    _PLANE_UNIT: "exif:FocalPlaneResolutionUnit",
    _PIXELS_X: "exif:PixelXDimension",
    _PIXELS_Y: "exif:PixelYDimension",
}
_LARGEST_ZOOM = 200.0
_CANON_PIXELS = range(300, 20_000)
_CANON_EOS = ((22.0, 23.2), (27.0, 29.5), (35.0, 36.6))
_CANON_COMPACT = ((4.5, 25.0),)
"""Widths in millimetres of Canon's sensors."""
_LARGEST_FACTOR = 8
_MIL = 0.0254


@dataclass(frozen=True)
class Lens:
    """Lens data from EXIF and XMP; missing values are 0 or empty.

    focal_length      millimetres
    focal_length_35mm full-frame equivalent in millimetres; whether it includes the digital zoom depends on the maker
    plane_width       longer side of the sensor's used part in millimetres, from the focal-plane resolution
    digital_zoom      factor, 1 for none
    camera_name       make and model
    lens_name         model of the lens
    software          what wrote the file
    tagged_width, tagged_height  pixels of the picture that the tags describe, as stored
    kept_width, kept_height  shares of the picture's sides that an editor's crop has kept, by XMP
    axis_x, axis_y    where the centre of the uncropped picture lies, as shares of the photo's width and height
    crop              'applied' or 'pending' where XMP has a crop that was made or is still to be made,
                      'none' where it says that there is none
    source            'EXIF', or 'XMP' where the focal lengths are from there
    view_angle        radians across the longer side of a picture that was made straight from a fisheye one
    projection        the panorama's projection that XMP names, in lower case
    longitude_from, longitude_to, latitude_from, latitude_to  the part of the sphere that an equirectangular or a
                      cylindrical panorama covers, by XMP (see `SpherePart`)
    """

    focal_length: float = 0.0
    focal_length_35mm: float = 0.0
    plane_width: float = 0.0
    digital_zoom: float = 1.0
    camera_name: str = ""
    lens_name: str = ""
    software: str = ""
    tagged_width: float = 0.0
    tagged_height: float = 0.0
    kept_width: float = 1.0
    kept_height: float = 1.0
    axis_x: float = 0.5
    axis_y: float = 0.5
    crop: str = ""
    source: str = "EXIF"
    view_angle: float = 0.0
    projection: str = ""
    longitude_from: float = 0.0
    longitude_to: float = 0.0
    latitude_from: float = 0.0
    latitude_to: float = 0.0

    @property
    def sphere_part(self) -> SpherePart:
        """The part of the sphere that a panorama covers, all 0 where XMP tells of none."""
        return SpherePart(self.longitude_from, self.longitude_to, self.latitude_from, self.latitude_to)

    @property
    def is_cylinder(self) -> bool:
        """Whether the photo is a cylindrical panorama whose part of the sphere is known."""
        return self.projection == "cylindrical" and self.sphere_part.width > 0.0


def read_lens(exif: Exif, packet: bytes, size: tuple[int, int], orientation: int = 1) -> Lens:
    """Returns the lens data in EXIF and in the XMP `packet` of a picture; an empty `Lens` where both tell nothing.

    `size` is the picture's stored width and height. EXIF takes precedence over XMP, tag by tag.
    """
    details = exif.details
    maker, model, software = (_text(exif.picture, tag) for tag in (_MAKE, _MODEL, _SOFTWARE))
    xmp = read_xmp(packet)
    if not maker and not model:
        maker, model = xmp.get("tiff:Make", ""), xmp.get("tiff:Model", "")
    software = software or xmp.get("xmp:CreatorTool", "") or xmp.get("tiff:Software", "")

    def value(tag: int) -> float:
        return _number(details, tag) or max(0.0, number(xmp.get(_XMP_NAMES[tag], "")))

    lengths = (_FOCAL_LENGTH, _FOCAL_LENGTH_35MM)
    zoom = value(_DIGITAL_ZOOM)
    width, height = value(_PIXELS_X), value(_PIXELS_Y)
    plane_width = _canon_width(details.get(_PLANE_X_RESOLUTION), model) if maker.lower().startswith("canon") else 0.0
    crop = read_crop(xmp, size, orientation, software)
    sphere = read_sphere_part(xmp, size, orientation)
    return Lens(
        focal_length=value(_FOCAL_LENGTH),
        focal_length_35mm=value(_FOCAL_LENGTH_35MM),
        plane_width=plane_width or _plane_width(value, max(width, height) or float(max(size))),
        digital_zoom=zoom if 1.0 < zoom <= _LARGEST_ZOOM else 1.0,
        camera_name=_camera_name(maker, model),
        lens_name=_text(details, _LENS_MODEL) or xmp.get("aux:Lens", "") or xmp.get("exifEX:LensModel", ""),
        software=software,
        tagged_width=width if height else 0.0,
        tagged_height=height if width else 0.0,
        kept_width=crop.kept_width,
        kept_height=crop.kept_height,
        axis_x=crop.axis_x,
        axis_y=crop.axis_y,
        crop=crop.state,
        source="EXIF" if any(_number(details, tag) for tag in lengths) or not any(map(value, lengths)) else "XMP",
        projection=xmp.get("GPano:ProjectionType", "").lower(),
        **sphere._asdict(),
    )


def _camera_name(maker: str, model: str) -> str:
    """Returns maker and model; the model alone where it begins with the maker ("NIKON CORPORATION", "NIKON D100")."""
    repeats = maker and model.lower().startswith(maker.lower().split()[0])
    return model if repeats else f"{maker} {model}".strip()


def _plane_width(value: Callable[[int], float], longer_pixels: float) -> float:
    resolution = value(_PLANE_X_RESOLUTION) or value(_PLANE_Y_RESOLUTION)
    unit = _UNIT_MM.get(int(value(_PLANE_UNIT) or 2), 25.4)
    return longer_pixels * unit / resolution if resolution else 0.0


def _canon_width(resolution: Any, model: str) -> float:
    """Returns the sensor's width in millimetres from the terms of Canon's fraction, 0 where it is another fraction.

    They are 1000 times the pixels of the picture that the camera took, and the width in thousandths of an inch; resized
    pictures keep them. Programs that reduce fractions divide both by a common factor.
    """
    above, below = getattr(resolution, "numerator", 0), getattr(resolution, "denominator", 0)
    if not isinstance(above, int) or not isinstance(below, int) or above % 1000:
        return 0.0
    ranges = _CANON_EOS if "eos" in model.lower() else _CANON_COMPACT
    for factor in range(1, _LARGEST_FACTOR + 1):
        width = factor * below * _MIL
        if factor * above // 1000 in _CANON_PIXELS and any(low <= width <= high for low, high in ranges):
            return width
    return 0.0


def _text(tags: Tags, tag: int) -> str:
    return str(tags.get(tag, ""))


def _number(tags: Tags, tag: int) -> float:
    """Returns a tag's value, 0 where it is absent, no number, infinite or negative."""
    try:
        value = float(tags.get(tag, 0.0))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return value if math.isfinite(value) and value > 0.0 else 0.0
