# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the depth maps that phones embed in portrait photos.

- Google: GDepth (a base64 picture in the XMP, developers.google.com/depthmap-metadata) and Dynamic Depth 1.0 (2019; a
  picture appended to the photo and described by its XMP).
- Apple: a second JPEG appended to the photo, with XMP of its own (`apdi`), and the auxiliary depth image of HEIC.

The photo's EXIF orientation also applies to its depth map.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .. import extras
from ..arrays import Floats
from ..photo import jpeg_parts, metadata
from ..photo.decoding import grey_picture, upright
from ..photo.format_names import name_of
from .depth_file import check_size, grey_values, one_channel, plane
from .depth_values import DepthValues

_GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
_DYNAMIC_DEPTH = "http://ns.google.com/photos/dd/1.0/depthmap/"
_CONTAINERS = (
    ("http://ns.google.com/photos/dd/1.0/container/", "http://ns.google.com/photos/dd/1.0/item/"),
    ("http://ns.google.com/photos/1.0/container/", "http://ns.google.com/photos/1.0/container/item/"),
)
_APPLE, _APPLE_DEPTH = "http://ns.apple.com/pixeldatainfo/1.0/", "http://ns.apple.com/depthData/1.0/"
_METRES = {"": 1.0, "m": 1.0, "meter": 1.0, "meters": 1.0, "metres": 1.0, "mm": 0.001, "millimeters": 0.001}
_NO_DEPTH = "holds no depth map; switch 'Depth in the photo' off, or give one as 'Own depth'."

_UNIFORM_INVERSE_Z, _UNIFORM_Z = 0, 2
"""Depth representation types of HEVC (ITU-T H.265, annex G.14.3.3)."""


def read_embedded(path: Path, max_pixels: float) -> DepthValues:
    """Returns the depth map embedded in the photo at `path`, upright like the photo.

    It is in metres if the file has its scale, else relative disparity, near = large. Raises Mono3DError if there is no
    depth map, or if it is damaged or has more than `max_pixels` megapixels.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Mono3DError(f"'{path.name}' cannot be read ({error.strerror or error}).") from error
    if data[:2] != b"\xff\xd8":
        if name_of(data) == "HEIC":
            return _heic_depth(data, path, max_pixels)
        raise Mono3DError(f"'{path.name}' {_NO_DEPTH}")
    trees, orientation = jpeg_parts.xmp_of(data), metadata.of_jpeg(data).orientation
    for found in (_gdepth(trees, path, max_pixels), _dynamic_depth(data, trees, path, max_pixels)):
        if found is not None:
            return DepthValues(upright(found.values, orientation), found.kind)
    for picture in jpeg_parts.further_pictures(data):
        apple = _apple_jpeg(picture, path, max_pixels)
        if apple is not None:
            return DepthValues(upright(apple.values, orientation), apple.kind)
    raise Mono3DError(f"'{path.name}' {_NO_DEPTH}")


def _gdepth(trees: list[ElementTree.Element], path: Path, max_pixels: float) -> DepthValues | None:
    encoded = jpeg_parts.value_of(trees, _GDEPTH, "Data")
    if not encoded:
        return None
    try:
        picture = base64.b64decode(encoded)
    except (binascii.Error, ValueError) as error:
        raise Mono3DError(f"The depth map inside '{path.name}' is damaged; copy the photo again.") from error
    return _google_depth(_decoded(picture, path, max_pixels), trees, _GDEPTH)


def _dynamic_depth(data: bytes, trees: list[ElementTree.Element], path: Path, max_pixels: float) -> DepthValues | None:
    wanted = {jpeg_parts.value_of(trees, _DYNAMIC_DEPTH, name) for name in ("DepthURI", "ItemSemantic")} - {""}
    if not wanted:
        return None
    for keys, picture in _appended_files(data, trees):
        if keys & wanted:
            return _google_depth(_decoded(picture, path, max_pixels), trees, _DYNAMIC_DEPTH)
    raise Mono3DError(f"'{path.name}' refers to a depth map that the file does not contain; copy the photo again.")


def _appended_files(data: bytes, trees: list[ElementTree.Element]) -> Iterator[tuple[set[str], bytes]]:
    """Yields the URI and the semantic of each file appended to the photo, and its bytes.

    The files are at the end of the photo, in the order of the directory. Their offsets are computed from the end
    because the directory does not have the length of the photo itself.
    """
    for container, item in _CONTAINERS:
        entries = [element for tree in trees for element in tree.iter(f"{{{container}}}Item")]
        place = len(data)
        for element in reversed(entries[1:]):
            values = {key: jpeg_parts.value_of([element], item, key) for key in ("Length", "DataURI", "Semantic")}
            length = int(values["Length"]) if values["Length"].isdigit() else 0
            place -= length
            if length and place > 0:
                yield {values["DataURI"], values["Semantic"]}, data[place : place + length]


def _google_depth(values: Floats, trees: list[ElementTree.Element], namespace: str) -> DepthValues:
    """Returns the depth in metres for values v between 0 (near) and 1 (far), in either of Google's encodings.

    RangeLinear: `z = near + v (far - near)`; RangeInverse: `z = far near / (far - v (far - near))`. Without valid
    distances in a unit of length, returns relative disparity.
    """
    try:
        near, far = (float(jpeg_parts.value_of(trees, namespace, name)) for name in ("Near", "Far"))
    except ValueError:
        near, far = 0.0, 0.0
    linear = jpeg_parts.value_of(trees, namespace, "Format").lower().endswith("linear")
    metres = _METRES.get(jpeg_parts.value_of(trees, namespace, "Units").lower())
    if not 0.0 < near < far < np.inf or metres is None:
        return DepthValues(np.float32(1.0) - values, "disparity")
    values = values.astype(np.float64)
    depth = near + values * (far - near) if linear else far * near / (far - values * (far - near))
    return DepthValues((depth * metres).astype(np.float32), "metres")


def _apple_jpeg(picture: bytes, path: Path, max_pixels: float) -> DepthValues | None:
    """Returns the depth in one of the pictures appended to an Apple photo; None if it is a matte or a gain map.

    Grey values map linearly to `FloatMinValue`..`FloatMaxValue`. Disparity is in 1/metres if the accuracy is
    "absolute", else relative.
    """
    trees = jpeg_parts.xmp_of(picture)
    kind = jpeg_parts.value_of(trees, _APPLE, "AuxiliaryImageType").lower()
    native = jpeg_parts.value_of(trees, _APPLE, "NativeFormat")
    if native.isdigit() and int(native) < 2**32:
        native = struct.pack(">I", int(native)).decode("latin-1")
    is_depth = kind.endswith("depth") or native in ("hdep", "fdep")
    is_disparity = kind.endswith("disparity") or native in ("hdis", "fdis")
    if not (is_depth or is_disparity):
        return None
    values = _decoded(picture, path, max_pixels)
    try:
        low, high = (float(jpeg_parts.value_of(trees, _APPLE, f"Float{end}Value")) for end in ("Min", "Max"))
    except ValueError:
        low, high = 0.0, 0.0
    if not -np.inf < low < high < np.inf:
        return DepthValues(np.float32(1.0) - values if is_depth else values, "disparity")
    values = (low + values.astype(np.float64) * (high - low)).astype(np.float32)
    if is_depth:
        return DepthValues(values, "metres")
    if jpeg_parts.value_of(trees, _APPLE_DEPTH, "Accuracy").lower() == "absolute" and low > 0.0:
        return DepthValues(np.float32(1.0) / values, "metres")
    return DepthValues(values, "disparity")


def _heic_depth(data: bytes, path: Path, max_pixels: float) -> DepthValues:
    try:
        import pillow_heif
    except ImportError as error:
        raise extras.needed("HEIC files", error) from error
    try:
        if not pillow_heif.is_supported(data):
            raise Mono3DError(f"'{path.name}' {_NO_DEPTH}")
        images = pillow_heif.open_heif(io.BytesIO(data)).info.get("depth_images") or []
        if not images:
            raise Mono3DError(f"'{path.name}' {_NO_DEPTH}")
        check_size(images[0].size[::-1], path, max_pixels)
        picture = images[0].to_pillow()
        values = _scaled(one_channel(grey_values(picture), path), path, max_pixels)
        described = images[0].info.get("metadata") or {}
    except Mono3DError:
        raise
    except Exception as error:  # libheif raises many types of exceptions.
        raise Mono3DError(f"The depth map inside '{path.name}' cannot be read ({error}).") from error
    return _represented(values, described)


def _represented(values: Floats, described: dict[str, Any]) -> DepthValues:
    """Returns the depth for values 0..1 by HEVC's depth representation type; larger is nearer, except for uniform z."""
    near, far = (float(described.get(key) or 0.0) for key in ("z_near", "z_far"))
    kind = described.get("representation_type")
    known = 0.0 < near < far < np.inf
    if kind == _UNIFORM_Z:
        distance = near + values * (far - near) if known else np.float32(1.0) - values
        return DepthValues(np.asarray(distance, np.float32), "metres" if known else "disparity")
    if kind == _UNIFORM_INVERSE_Z and known:
        inverse = 1.0 / far + values.astype(np.float64) * (1.0 / near - 1.0 / far)
        return DepthValues((1.0 / inverse).astype(np.float32), "metres")
    return DepthValues(values, "disparity")


def _decoded(picture: bytes, path: Path, max_pixels: float) -> Floats:
    """Returns the grey values of a JPEG or PNG in memory, float32 (rows, columns), 0..1."""
    try:
        greys = grey_picture(picture, lambda size: check_size(size[::-1], path, max_pixels))
        return _scaled(greys, path, max_pixels)
    except Mono3DError:
        raise
    except ImportError as error:
        raise extras.needed("JPEG depth maps inside photos", error) from error
    except Exception as error:  # Pillow raises many types of exceptions on damaged pictures.
        raise Mono3DError(f"The depth map inside '{path.name}' is damaged ({error}); copy the photo again.") from error


def _scaled(greys: NDArray[Any], path: Path, max_pixels: float) -> Floats:
    white = np.float32(255.0 if greys.dtype == np.uint8 else 65535.0)
    return np.asarray(plane(greys, path, max_pixels) / white, np.float32)
