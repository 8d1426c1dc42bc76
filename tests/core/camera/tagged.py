# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures with the tags of cameras and editors, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

MAKE, MODEL, ORIENTATION, SOFTWARE = 271, 272, 274, 305
FOCAL, EQUIVALENT, ZOOM, LENS = 37386, 41989, 41988, 42036
PLANE_X, PLANE_Y, PLANE_UNIT, PIXELS_X, PIXELS_Y = 41486, 41487, 41488, 40962, 40963
INCH, CENTIMETRE = 2, 3
_DIRECTORY = {MAKE, MODEL, ORIENTATION, SOFTWARE}
_NAMESPACES = {
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
}

__all__ = ["CENTIMETRE", "INCH", "IFDRational", "picture", "xmp_packet"]


def xmp_packet(properties: Mapping[str, Any], *, as_elements: bool = False) -> str:
    """Returns an XMP packet with these properties ("exif:FocalLength": "50/1"), as attributes or as elements."""
    spaces = "".join(f' xmlns:{prefix}="{address}"' for prefix, address in _NAMESPACES.items())
    if as_elements:
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in properties.items())
        described = f"<rdf:Description{spaces}>{inside}</rdf:Description>"
    else:
        inside = "".join(f' {name}="{value}"' for name, value in properties.items())
        described = f"<rdf:Description{spaces}{inside}/>"
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}">{described}</rdf:RDF></x:xmpmeta>'


def picture(path: Path, size: tuple[int, int], tags: Mapping[int, Any] | None = None, xmp: str = "") -> Path:
    """Writes a picture of `size` with EXIF `tags` and an XMP packet to `path` (.jpg or .png) and returns the path."""
    exif = Image.Exif()
    details = exif.get_ifd(0x8769)
    for tag, value in (tags or {}).items():
        (exif if tag in _DIRECTORY else details)[tag] = value
    options: dict[str, Any] = {"exif": exif} if tags else {}
    if xmp and path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp)
        options["pnginfo"] = info
    elif xmp:
        options["xmp"] = xmp.encode()
    Image.new("RGB", size, (90, 120, 60)).save(path, **options)
    return path
