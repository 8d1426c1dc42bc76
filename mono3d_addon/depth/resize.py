# SPDX-License-Identifier: GPL-3.0-or-later
"""Resizes a photo to the input size of a network, by the rules of its training."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core import resampling
from .catalogue import Model

MULTIPLE = 32
"""The sides of a network's input are multiples of this, its coarsest stride."""

LARGEST_AREA = 4
"""Limit of a network's input in pixels, as a multiple of the square that it was trained with.

MiDaS has no such limit: under its rule a strip of 8000x500 pixels becomes one of 6144x384. A photo of 16:9 needs 1.75.
"""


def input_size(width: int, height: int, model: Model, network_size: int = 0) -> tuple[int, int]:
    """Returns width and height, multiples of 32, of the input of `model` for a photo of `width` x `height` pixels.

    `network_size` replaces the size of the training, rounded to a multiple of 32; 0 keeps it, and so do models of a
    fixed size.
    Follows the `Resize` of MiDaS (midas/transforms.py), except that no side gets below 32 and the area has a limit.
    """
    side = side_of(model, network_size)
    if model.square_only:
        return side, side
    to_width, to_height = side / width, side / height
    if model.resize == "minimal":
        # The first of two that change a side equally is taken: the height's, as by MiDaS.
        scale = min(to_height, to_width, key=lambda factor: abs(1 - factor))
    else:
        scale = min(to_width, to_height)
    largest = LARGEST_AREA * side * side
    scale = min(scale, math.sqrt(largest / (width * height)))
    # Where the shorter side was raised to 32, the longer has to give way.
    longest = largest // MULTIPLE
    return min(multiple(scale * width), longest), min(multiple(scale * height), longest)


def sampled(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), as float32 (height, width, 3) in about 0..1, by cubic interpolation.

    The way of MiDaS: OpenCV's INTER_CUBIC on floating point, without antialias or clipping.
    Only the 16 neighbours of each new pixel are converted, so that a large photo takes no more memory than a small one.
    """
    rows, row_weights = _cubic_neighbours(pixels.shape[0], height)
    columns, column_weights = _cubic_neighbours(pixels.shape[1], width)
    picture = np.zeros((height, width, 3), dtype=np.float32)
    for row, row_weight in zip(rows, row_weights, strict=True):
        lines = pixels[row]
        for column, column_weight in zip(columns, column_weights, strict=True):
            picture += lines[:, column] * np.outer(row_weight, column_weight)[..., None]
    return picture / np.float32(255)


def averaged(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), as float32 (height, width, 3) in 0..1, by antialiased cubic interpolation.

    Every pixel of the photo counts; the result has steps of 1/255.
    """
    return resampling.resize(pixels, width, height, "bicubic").astype(np.float32) / np.float32(255)


def picture(pixels: NDArray[np.uint8], width: int, height: int, model: Model) -> NDArray[np.float32]:
    """Returns the input of `model` for a photo, `pixels` uint8 (h, w, 3): float32 (3, height, width), normalised."""
    shrinks = pixels.shape[0] > height or pixels.shape[1] > width
    seen = averaged(pixels, width, height) if model.antialias and shrinks else sampled(pixels, width, height)
    seen -= np.array(model.mean, dtype=np.float32)
    seen /= np.array(model.deviation, dtype=np.float32)
    return np.ascontiguousarray(seen.transpose(2, 0, 1))


def side_of(model: Model, network_size: int = 0) -> int:
    """Returns the side, a multiple of 32, of the square by which the input of `model` is sized."""
    return model.network_size if model.square_only else multiple(network_size or model.network_size)


def multiple(length: float) -> int:
    """Returns the multiple of 32 nearest to a length in pixels, at least 32."""
    return max(MULTIPLE, round(length / MULTIPLE) * MULTIPLE)


def _cubic_neighbours(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Returns indices and weights, each (4, new), of the old samples that make up each new one."""
    centres = (np.arange(new) + 0.5) * (old / new) - 0.5
    first = np.floor(centres) - 1
    offsets = np.arange(4)[:, None]
    indices = np.clip(first + offsets, 0, old - 1).astype(np.intp)
    return indices, _keys_cubic(np.abs(centres - first - offsets)).astype(np.float32)


def _keys_cubic(distance: NDArray[np.float64], a: float = -0.75) -> NDArray[np.float64]:
    """Returns the cubic convolution kernel of Keys (1981, doi:10.1109/TASSP.1981.1163711) at distances 0..2."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = a * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, far)
