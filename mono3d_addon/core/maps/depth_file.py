# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads depth maps: NumPy arrays, PFM, and pictures with 8, 16 or 32 bits. Never unpickles; checks sizes first."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import Mono3DError
from ..arrays import Floats
from ..photo import tiff_file
from ..photo.damage import Damaged, Unsupported
from ..photo.hand_over import HandedOver
from ..regular_file import require_regular
from .depth_values import DepthValues, Kind

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
    deep = _tiff_values(path, max_pixels) if tiff_file.is_tiff(read_bytes(path, 4)) else None
    if deep is not None:
        return DepthValues(deep, "disparity")
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings(), Image.open(path, formats=("PNG", "TIFF")) as picture:
            warnings.simplefilter("ignore")
            check_size((picture.height, picture.width), path, max_pixels)
            picture.load()
            values = plane(grey_values(picture, path), path, max_pixels)
            scale = None if raw else _scale_of(picture)
    except Mono3DError:
        raise
    except Exception as error:  # Pillow raises many types of exceptions on damaged files.
        raise Mono3DError(f"'{path.name}' cannot be read as a depth map ({error}).") from error
    finally:
        Image.MAX_IMAGE_PIXELS = before
    if scale is None:
        return DepthValues(values, "disparity")
    near, far, white = scale
    inverse = values.astype(np.float64) / white * (1.0 / near - 1.0 / far) + 1.0 / far
    return DepthValues((1.0 / inverse).astype(np.float32), "metres")


def read_handed(path: Path, max_pixels: float, handed: HandedOver) -> DepthValues:
    """Returns the values of an EXR file that was decoded elsewhere, in metres.

    Raises Mono3DError like `read_array`, and if the values were not handed over, or are colours.
    """
    values = handed.values(path)
    if values is None:
        raise Mono3DError(f"The pixels of '{path.name}' were not handed over; try again.")
    if values.ndim == 3:
        colours = values[..., : 1 if values.shape[2] == 2 else 3]
        if any(not np.array_equal(colours[..., 0], colours[..., n], equal_nan=True) for n in range(colours.shape[2])):
            raise Mono3DError(f"'{path.name}' has colours; a depth map is grey, or has a channel Z.")
        values = colours[..., 0]
    return DepthValues(plane(values, path, max_pixels), "metres")


def _tiff_values(path: Path, max_pixels: float) -> Floats | None:
    """Returns the values of a grey TIFF with more than 8 bits, white being large; None if Pillow is to read it."""
    data = path.read_bytes()
    folder = tiff_file.first_folder(data)
    if folder is None or not tiff_file.needs_own_reader(folder) or not tiff_file.is_grey(folder):
        return None
    check_size(folder.size[::-1], path, max_pixels)
    try:
        return plane(tiff_file.read_grey(data, folder), path, max_pixels)
    except (Damaged, Unsupported) as error:
        raise Mono3DError(f"'{path.name}' cannot be read as a depth map ({error}).") from error


def grey_values(picture: Image.Image, path: Path) -> NDArray[Any]:
    """Returns the unscaled values of a grey picture, (rows, columns). Raises Mono3DError if the picture is not grey."""
    if picture.mode in ("LA", "La", "RGBA", "PA", "P", "1"):
        picture = picture.convert("L" if picture.mode in ("LA", "La", "1") else "RGB")
    array = np.asarray(picture)
    if picture.mode == "RGB":
        if not ((array[..., 0] == array[..., 1]) & (array[..., 1] == array[..., 2])).all():
            raise Mono3DError(f"'{path.name}' has colours; a depth map is grey, near bright.")
        array = array[..., 0]
    return array


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


def _scale_of(picture: Image.Image) -> tuple[float, float, float] | None:
    """Returns near and far in metres and the value of white from the metadata; None if they are missing or invalid."""
    try:
        near, far = float(picture.info["near"]), float(picture.info["far"])
        white = float(picture.info.get("scale", 65535))
    except (KeyError, TypeError, ValueError):
        return None
    return (near, far, white) if 0.0 < near <= far < _FARTHEST and white > 0.0 else None
