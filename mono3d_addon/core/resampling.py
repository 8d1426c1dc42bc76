# SPDX-License-Identifier: GPL-3.0-or-later
"""All operations that make other pixels from a picture's or a map's.

Resizing, reducing and warping are Pillow's where it is there, else numpy's; the rest needs numpy only. The results are
the same (see `pillow_filters`); Pillow is three to five times faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import pillow_filters
from .arrays import Bytes, Floats
from .pillow_filters import Box, Cell, Filter, Pixels

Kind = TypeVar("Kind", bound=np.generic)


def _pillow() -> ModuleType | None:
    """Returns `PIL.Image`; None without Pillow.

    Imported with the first use: Blender's process imports this module for other operations, and a Pillow that its
    interpreter happens to have stays out of it.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        return None
    return Image


def resize(values: Pixels, columns: int, rows: int, kind: Filter, box: Box | None = None) -> Pixels:
    """Returns `values`, uint8 (h, w) or (h, w, 3) or float32 (h, w), resized to `rows` x `columns`, of the same type.

    box  the part that is resized: left, upper, right and lower bound in pixels, which may cut through pixels

    The filter's support grows with the reduction, so that every pixel counts.
    """
    if (image := _pillow()) is None:
        return pillow_filters.resize(values, columns, rows, kind, box)
    picture = image.fromarray(np.ascontiguousarray(values))
    resized = picture.resize((columns, rows), image.Resampling[kind.upper()], box=box)
    return np.array(resized, values.dtype)


def nearest(values: NDArray[Kind], columns: int, rows: int) -> NDArray[Kind]:
    """Returns `values`, (h, w), at `rows` x `columns` cells: each is the value under the cell's centre."""
    return values[np.ix_(_under_centres(values.shape[0], rows), _under_centres(values.shape[1], columns))]


def reduce(values: Floats, block: int) -> Floats:
    """Returns the means of blocks of that side of `values`, float32 (h, w); those at the far borders may be smaller."""
    if (image := _pillow()) is None:
        return pillow_filters.reduce(values, block, block)
    return np.array(image.fromarray(np.ascontiguousarray(values)).reduce(block), np.float32)


def thumbnail(pixels: Bytes, side: int) -> Bytes:
    """Returns `pixels`, uint8 (h, w, 3), reduced to at most `side` pixels along the longer side, uint8 (., ., 3)."""
    if (image := _pillow()) is None:
        return pillow_filters.thumbnail(pixels, side)
    picture = image.fromarray(pixels)
    picture.thumbnail((side, side), image.Resampling.BOX)
    return np.asarray(picture, np.uint8)


def box_blur(values: Bytes, radius: float) -> Bytes:
    """Returns the means of windows of 2 radius + 1 cells, uint8 (h, w); the border's values go on beyond it."""
    return pillow_filters.box_blur(values, radius)


def grey(pixels: Bytes) -> Bytes:
    """Returns the luma of ITU-R BT.601, uint8 (h, w), of `pixels`, uint8 (h, w, 3)."""
    return pillow_filters.grey(pixels)


def warp(values: Bytes, columns: int, rows: int, cells: Sequence[Cell], kind: Literal["bilinear", "bicubic"]) -> Bytes:
    """Returns a new picture of `values`, uint8 (h, w) or (h, w, 3), at `rows` x `columns`.

    Each cell shows its quadrangle of `values`. What lies outside of `values` or of the cells is 0.
    """
    if (image := _pillow()) is None:
        return pillow_filters.warp(values, columns, rows, cells, kind)
    mesh, method = list(cells), image.Transform.MESH
    return np.asarray(image.fromarray(values).transform((columns, rows), method, mesh, image.Resampling[kind.upper()]))


def _under_centres(length: int, count: int) -> NDArray[np.intp]:
    # Step by step, as Pillow adds them up, so that centres between two pixels fall on the same side.
    step = length / count
    centres = np.cumsum(np.concatenate([[step * 0.5], np.full(count - 1, step)]))
    return np.minimum(centres.astype(np.intp), length - 1)
