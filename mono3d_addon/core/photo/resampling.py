# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of grids over a photo, and the photo's pixels resampled to them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import resampling
from ..arrays import Bytes

Kind = TypeVar("Kind", bound=np.generic)

SMALLEST_SIDE = 16
"""Smallest accepted side of a photo in pixels, and of a grid over it in cells."""


def resize_to(pixels: Bytes, width: int, height: int) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), resized with a box filter, float32 (height, width, 3), 0..1."""
    return resampling.resize(pixels, width, height, "box").astype(np.float32) / np.float32(255.0)


def grid_size(width: int, height: int, detail: int) -> tuple[int, int]:
    """Returns columns and rows of a grid over a photo: `detail` cells along the longer side, at most the photo's size.

    The shorter side of a very long photo has at least `SMALLEST_SIDE` cells.
    """
    share = detail / max(width, height)
    if share >= 1.0:
        return width, height
    columns, rows = (max(round(side * share), min(side, SMALLEST_SIDE)) for side in (width, height))
    return columns, rows


def resize_nearest(values: NDArray[Kind], columns: int, rows: int) -> NDArray[Kind]:
    """Returns `values`, (h, w, ...), at `rows` x `columns` cells: each is the pixel under the cell's centre."""
    return values[np.ix_(centre_pixels(values.shape[0], rows), centre_pixels(values.shape[1], columns))]


def centre_pixels(length: int, count: int) -> NDArray[np.intp]:
    """Returns the index of the pixel under the centre of each of `count` equal cells along `length` pixels."""
    return np.minimum(((np.arange(count) + 0.5) * (length / count)).astype(np.intp), length - 1)
