# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads depth maps: NumPy arrays, PFM, and pictures with 8, 16 or 32 bits. Never unpickles; checks sizes first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from .. import extras
from ..arrays import Floats
from ..photo import pillow, png_file, tiff_file
from ..photo.damage import Damaged
from ..photo.tiff_tags import first_folder, is_tiff
from ..regular_file import read_regular, require_regular
from .depth_values import DepthValues, Kind

if TYPE_CHECKING:
    from PIL import Image

_FARTHEST = 1e8
"""Metres from which a distance means "background": renderers write 1e10 there."""

_PFM_HEADER = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,30})[ \t]*\r?\n")


def as_metres(found: DepthValues) -> DepthValues:
    """Returns distances in metres, infinite for background and NaN for unusable values; disparity does not change."""
    if found.kind == "disparity":
        return found
    metres = found.values * np.float32(0.001) if found.kind == "millimetres" else found.values
    with np.errstate(invalid="ignore"):
        usable, background = (metres > 0.0) & (metres < _FARTHEST), metres >= _FARTHEST
    unusable_as = np.where(background, np.float32(np.inf), np.float32(np.nan))
    return DepthValues(np.where(usable, metres, unusable_as), "metres")


def unusable(found: DepthValues, used: DepthValues) -> str:
    """Returns why no value of a depth map can be used, as the end of a sentence; empty if some can.

    `used` is what `as_metres` makes of `found`.
    """
    finite = found.values[np.isfinite(found.values)]
    if found.kind == "disparity":
        return "" if finite.any() else "is 0 everywhere; save it again."
    if np.isfinite(used.values).any():
        return ""
    if finite.size and float(finite.min()) < 0.0:
        return (
            "has no distance above 0: distances are counted forward, but these are negative, as along the -z axis of "
            "Blender and OpenGL; save them without the sign."
        )
    if finite.size and float(finite.max()) <= 0.0:
        return "is 0 everywhere; save it again."
    return f"has no distance below {_FARTHEST:.0e} metres, from which on it means background; save it in metres."


def read_array(path: Path, max_pixels: float) -> DepthValues:
    """Returns the array of an NPY file; floating-point values are read as metres, integers as disparity.

    Raises Mono3DError if it is not a numeric array with one channel, is damaged, or has more than `max_pixels`
    megapixels.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy raises many types of exceptions on damaged headers.
        raise Mono3DError(f"'{path.name}' is not a readable NPY array of numbers; save it again.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise Mono3DError(f"'{path.name}' does not contain real numbers; save the depth as a float32 array.")
    kind: Kind = "metres" if array.dtype.kind == "f" else "disparity"
    return DepthValues(plane(array, path, max_pixels), kind)


def read_pfm(path: Path, max_pixels: float) -> DepthValues:
    """Returns the values of a PFM file with one channel, which by convention are disparity (MiDaS, Middlebury).

    The header is `Pf`, width and height, and a scale whose sign gives the byte order (negative: little-endian). Rows
    are stored from bottom to top (Debevec, "PFM Portable FloatMap Image Format"). Raises Mono3DError like `read_array`.
    """
    data = read_bytes(path, 200)
    header = _PFM_HEADER.match(data)
    if header is None:
        raise Mono3DError(f"'{path.name}' is not a readable PFM file; save it again.")
    if header[1] != b"Pf":
        raise Mono3DError(f"'{path.name}' has three channels; a depth map has one.")
    columns, rows = int(header[2]), int(header[3])
    check_size((rows, columns), path, max_pixels)
    try:
        order = "<f4" if float(header[4]) < 0 else ">f4"
        numbers = np.fromfile(path, order, rows * columns, offset=header.end())
    except (OSError, ValueError) as error:
        raise Mono3DError(f"'{path.name}' is not a readable PFM file; save it again.") from error
    if numbers.size < rows * columns:
        raise Mono3DError(f"'{path.name}' is truncated; copy it again.")
    return DepthValues(plane(numbers.reshape(rows, columns)[::-1], path, max_pixels), "disparity")


def read_picture(path: Path, max_pixels: float, *, raw: bool = False) -> DepthValues:
    """Returns the depth map in a greyscale PNG or TIFF: disparity, or metres if the metadata has `near` and `far`.

    This program's own PNG files have both: `z = 1 / (v (1/near - 1/far) + 1/far)` for grey values v in 0..1. With
    `raw` the metadata is ignored. Raises Mono3DError like `read_array`, and if the picture is not grey.
    """
    data = read_regular(path, "depth map")
    scale = None
    try:
        if is_tiff(data):
            greys = _greys_of_tiff(data, path, max_pixels)
        else:
            check_size(png_file.size_of(data)[::-1], path, max_pixels)
            png = png_file.parse(data)
            if png.present < 1.0:
                raise Damaged("it is damaged or cut off")
            greys, scale = png_file.raster_of(png).values, None if raw else _scale_of(png.texts)
        values = plane(one_channel(greys, path), path, max_pixels)
    except Mono3DError:
        raise
    except ImportError as error:
        raise extras.needed("TIFF files of this kind", error) from error
    except Exception as error:  # Pillow raises many types of exceptions on damaged files.
        raise Mono3DError(f"'{path.name}' cannot be read as a depth map ({error}).") from error
    if scale is None:
        return DepthValues(values, "disparity")
    near, far, white = scale
    inverse = values.astype(np.float64) / white * (1.0 / near - 1.0 / far) + 1.0 / far
    return DepthValues((1.0 / inverse).astype(np.float32), "metres")


def read_handed(values: NDArray[Any], path: Path, max_pixels: float, kind: Kind) -> DepthValues:
    """Returns the values of the file at `path` that were decoded elsewhere, see `photo.hand_over`.

    Raises Mono3DError like `read_array`, and if they are colours.
    """
    channels = values.shape[2] if values.ndim == 3 else 1
    greys = values if channels == 1 else values[..., 0] if channels == 2 else one_channel(values[..., :3], path)
    return DepthValues(plane(greys, path, max_pixels), kind)


def _greys_of_tiff(data: bytes, path: Path, max_pixels: float) -> NDArray[Any]:
    """Returns the unscaled values of a TIFF, (rows, columns) or with three channels; white is large where it is grey.

    Pillow reads those of 8 bits, where it is there.
    """
    folder = first_folder(data)
    is_own = folder is not None and (tiff_file.needs_own_reader(folder) or not pillow.is_present())
    if folder is not None and is_own and tiff_file.is_readable(folder):
        check_size(folder.size[::-1], path, max_pixels)
        return tiff_file.read_grey(data, folder) if tiff_file.is_grey(folder) else tiff_file.read(data, folder).values
    with pillow.opened(data, ("TIFF",)) as picture:
        check_size((picture.height, picture.width), path, max_pixels)
        return grey_values(picture)


def grey_values(picture: Image.Image) -> NDArray[Any]:
    """Returns the unscaled values of a picture that Pillow has opened, (rows, columns), or with three for colours."""
    if picture.mode in ("LA", "La", "RGBA", "PA", "P", "1"):
        picture = picture.convert("L" if picture.mode in ("LA", "La", "1") else "RGB")
    return np.asarray(picture)


def one_channel(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """Returns grey values, (rows, columns), also of three equal channels. Raises Mono3DError if they are not equal."""
    if values.ndim == 2:
        return values
    first = values[..., 0]
    if any(not np.array_equal(first, values[..., number], equal_nan=True) for number in range(1, values.shape[2])):
        raise Mono3DError(f"'{path.name}' has colours; a depth map is grey, near bright.")
    return first


def plane(array: NDArray[Any], path: Path, max_pixels: float) -> Floats:
    """Returns an array as float32 (rows, columns), with negative infinite values as NaN.

    Raises Mono3DError if the array does not have two dimensions, is too large, or has no finite value.
    """
    flat = array.reshape([side for side in array.shape if side != 1] or [1]) if array.ndim > 2 else array
    if flat.ndim != 2 or 0 in flat.shape:
        raise Mono3DError(f"'{path.name}' has the shape {array.shape}; a depth map has rows and columns.")
    check_size(flat.shape, path, max_pixels)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.array(flat, dtype=np.float32)
    values[np.isneginf(values)] = np.nan
    if not np.isfinite(values).any():
        raise Mono3DError(f"'{path.name}' contains no depth values.")
    return values


def check_size(shape: tuple[int, ...], path: Path, max_pixels: float) -> None:
    """Raises Mono3DError if a map of `shape` has no pixels or more than `max_pixels` megapixels."""
    if min(shape) < 1:
        raise Mono3DError(f"'{path.name}' contains no pixels.")
    if shape[0] * shape[1] > max_pixels * 1e6:
        raise Mono3DError(
            f"'{path.name}' has {shape[1]} x {shape[0]} pixels, more than the limit of {max_pixels:g} megapixels; "
            "make it smaller or raise 'Largest photo'."
        )


def read_bytes(path: Path, most: int) -> bytes:
    """Returns the first `most` bytes of a regular file, or fewer. Raises Mono3DError if it cannot be read."""
    require_regular(path, "depth map")
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise Mono3DError(f"'{path.name}' cannot be read ({error.strerror or error}).") from error


def _scale_of(texts: Mapping[str, str]) -> tuple[float, float, float] | None:
    """Returns near and far in metres and the value of white from the texts of a PNG; None if they are not valid."""
    try:
        near, far = float(texts["near"]), float(texts["far"])
        white = float(texts.get("scale", 65535))
    except (KeyError, TypeError, ValueError):
        return None
    return (near, far, white) if 0.0 < near <= far < _FARTHEST and white > 0.0 else None
