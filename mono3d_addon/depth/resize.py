# SPDX-License-Identifier: GPL-3.0-or-later
"""Resizes a photo to the input size of a network, by the rules of its training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import resampling
from .model import Model

LARGEST_AREA = 4
"""Limit of a network's input in pixels, as a multiple of the square that it was trained with.

MiDaS has no such limit: under its rule a strip of 8000x500 pixels becomes one of 6144x384. A photo of 16:9 needs 1.78.
"""


def input_size(width: int, height: int, model: Model, network_size: int = 0) -> tuple[int, int]:
    """Returns width and height of the input of `model` for a photo of `width` x `height` pixels.

    Both are multiples of `Model.multiple`. `network_size` replaces the size of the training, rounded to such a
    multiple; 0 keeps it, and so do models of a fixed size. The rules, by `Model.resize`, are those of the official
    code, except that no side gets below the multiple and the area has a limit:

    minimal      scales as little as possible until one side has the network size (`Resize` of MiDaS' transforms.py)
    upper_bound  keeps both sides within it (the same)
    lower_bound  keeps neither side below it (Depth Anything 2)
    longest      gives it to the longer side (Depth Anything 3)
    patches      as many patches as the square of the network size has (MoGe)
    """
    side = side_of(model, network_size)
    if model.square_only:
        return side, side
    if model.resize == "patches":
        patches = round((side / model.multiple) ** 2)
        columns, rows = patch_grid(width, height, patches)
        return columns * model.multiple, rows * model.multiple
    if model.resize == "longest":
        scale = side / max(width, height)
        shrunk = [max(1, round(scale * length)) for length in (width, height)]
        # Of two multiples that are equally near, the larger one.
        new_width, new_height = (max(1, int(length / model.multiple + 0.5)) * model.multiple for length in shrunk)
        return new_width, new_height
    to_width, to_height = side / width, side / height
    if model.resize == "minimal":
        # The first of two that change a side equally is taken: the height's, as by MiDaS.
        scale = min(to_height, to_width, key=lambda factor: abs(1 - factor))
    else:
        scale = (max if model.resize == "lower_bound" else min)(to_width, to_height)
    largest = LARGEST_AREA * side * side
    scale = min(scale, math.sqrt(largest / (width * height)))
    # Where the shorter side was raised to the multiple, the longer has to give way.
    longest = largest // model.multiple
    return min(multiple(scale * width, model), longest), min(multiple(scale * height, model), longest)


def patch_grid(width: int, height: int, patches: int) -> tuple[int, int]:
    """Returns columns and rows of about so many square patches for a photo of `width` x `height` pixels."""
    aspect = width / height
    columns, rows = round(math.sqrt(patches * aspect)), round(math.sqrt(patches / aspect))
    most = LARGEST_AREA * patches
    return min(max(1, columns), most), min(max(1, rows), most)


def sampled(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), as float32 (height, width, 3) in about 0..1, by cubic interpolation.

    The way of MiDaS: OpenCV's INTER_CUBIC on floating point, without antialias or clipping.
    Only the 16 neighbours of each new pixel are converted, so that a large photo takes little more memory than a small
    one.
    """
    rows, row_weights = _cubic_neighbours(pixels.shape[0], height)
    columns, column_weights = _cubic_neighbours(pixels.shape[1], width)
    weights = [[np.outer(down, across) for across in column_weights] for down in row_weights]
    used = np.unique(rows)
    places = np.searchsorted(used, rows)
    # One channel at a time: numpy is slow on rows of three values.
    picture = np.zeros((3, height, width), dtype=np.float32)
    part = np.empty((height, width), dtype=np.float32)
    for channel in range(3):
        lines = np.ascontiguousarray(pixels[..., channel])[used]
        shifted = [lines.take(column, axis=1).astype(np.float32) for column in columns]
        for place, across in zip(places, weights, strict=True):
            for values, weight in zip(shifted, across, strict=True):
                np.multiply(values.take(place, axis=0), weight, out=part)
                picture[channel] += part
    picture /= np.float32(255)
    return picture.transpose(1, 2, 0)


def averaged(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), as float32 (height, width, 3) in 0..1, by antialiased cubic interpolation.

    Every pixel of the photo counts; the result has steps of 1/255.
    """
    return resampling.resize(pixels, width, height, "bicubic").astype(np.float32) / np.float32(255)


def picture(pixels: NDArray[np.uint8], width: int, height: int, model: Model) -> NDArray[np.float32]:
    """Returns the input of `model` for a photo, `pixels` uint8 (h, w, 3): float32 (channels, height, width).

    The first three channels are the photo, normalised; a fourth, where `Model.sees_aspect`, is its width / height.
    The photo is resized by `Model.sampling`: "cubic" interpolation, the same but "averaged" where it shrinks, "linear"
    interpolation, averaged in the same way, or the means of "area".
    """
    shrinks = pixels.shape[0] > height or pixels.shape[1] > width
    if model.sampling == "area":
        seen = in_two_steps(pixels, width, height, model)
    elif model.sampling == "linear, averaged":
        seen = linear(pixels, width, height)
    elif model.sampling == "cubic, averaged" and shrinks:
        seen = averaged(pixels, width, height)
    else:
        seen = sampled(pixels, width, height)
    seen -= np.array(model.mean, dtype=np.float32)
    seen /= np.array(model.deviation, dtype=np.float32)
    found = np.ascontiguousarray(seen.transpose(2, 0, 1))
    if not model.sees_aspect:
        return found
    aspect = np.float32(pixels.shape[1] / pixels.shape[0])
    return np.concatenate((found, np.full((1, height, width), aspect, np.float32)))


def linear(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), as float32 (height, width, 3) in 0..1, by antialiased linear interpolation."""
    channels = [
        resampling.resize(pixels[..., channel].astype(np.float32), width, height, "bilinear") for channel in range(3)
    ]
    return np.stack(channels, axis=-1) / np.float32(255)


def in_two_steps(pixels: NDArray[np.uint8], width: int, height: int, model: Model) -> NDArray[np.float32]:
    """Returns `pixels`, uint8 (h, w, 3), as float32 (height, width, 3) in 0..1, in the way of Depth Anything 3.

    First the longer side gets its length, then each side becomes a multiple. Either step rounds to 8 bits, averages
    where it shrinks, and else interpolates.
    """
    longer, side = max(pixels.shape[:2]), max(width, height)
    rows, columns = (max(1, round(length * side / longer)) for length in pixels.shape[:2])
    found = _to_bytes(pixels, columns, rows)
    return _to_bytes(found, width, height).astype(np.float32) / np.float32(255)


def _to_bytes(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Returns `pixels`, uint8 (h, w, 3), resized to uint8 (height, width, 3): by area if smaller, else cubic."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.shape[0] < height or pixels.shape[1] < width:
        return np.rint(np.clip(sampled(pixels, width, height) * np.float32(255), 0, 255)).astype(np.uint8)
    rows = np.stack([_mean_of(pixels, *span) for span in _spans(pixels.shape[0], height)])
    columns = rows.transpose(1, 0, 2)
    found = np.stack([_mean_of(columns, *span) for span in _spans(pixels.shape[1], width)], axis=1)
    return np.rint(found).astype(np.uint8)


def _spans(old: int, new: int) -> list[tuple[int, NDArray[np.float32]]]:
    """Returns, for each new sample, the first old one in its span, and which share each has from there on."""
    found = []
    for number in range(new):
        begin, end = number * old / new, (number + 1) * old / new
        first, last = math.floor(begin), min(math.ceil(end), old)
        edges = np.clip(np.arange(first, last + 1), begin, end)
        found.append((first, (np.diff(edges) / (end - begin)).astype(np.float32)))
    return found


def _mean_of(lines: NDArray[Any], first: int, shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the weighted mean of some of `lines`, (n, ...), from the `first` on, float32 (...)."""
    some = lines[first : first + len(shares)].astype(np.float32)
    return np.tensordot(shares, some, axes=1)


def side_of(model: Model, network_size: int = 0) -> int:
    """Returns the side, a multiple of `Model.multiple`, of the square by which the input of `model` is sized."""
    return model.network_size if model.square_only else multiple(network_size or model.network_size, model)


def multiple(length: float, model: Model) -> int:
    """Returns the `Model.multiple` nearest to a length in pixels, at least one of them."""
    return max(1, round(length / model.multiple)) * model.multiple


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
