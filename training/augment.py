# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation of an example before training: crop, mirror image, and degradation of the picture as in real photos.

The edges of the picture and of the disparity stay aligned.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .packed import Packed

Picture = NDArray[np.uint8]
SMALLEST_CROP = 0.55
"""Smallest crop as a share of the picture's shorter side, large because disparity depends on the whole scene."""
WHOLE = 0.4
"""Share of crops that are as large as possible and in the middle: as photos are, whose lens the network estimates."""

GREY = 0.12
"""Share of pictures without colour."""


class Cut(NamedTuple):
    """A part of a picture.

    disparity   float32 (h, w) in 0..1, 0: sky in renders
    scale       pixels of the cut for each pixel of the picture
    centre      x and y of the picture's middle in the cut, in pixels
    """

    picture: Image.Image
    disparity: NDArray[np.float32]
    scale: float
    centre: tuple[float, float]


def crop(example: Packed, size: tuple[int, int], random: Generator) -> Cut:
    """Returns a random crop of `example` at `size` (height, width). Half of the crops are mirrored.

    A disparity at the picture's size is resampled without smoothing its edges.
    """
    height, width = size
    picture, disparity = Image.fromarray(example.picture), Image.fromarray(example.disparity.astype(np.float32))
    is_whole = random.random() < WHOLE
    across = min(picture.width, picture.height * width / height)
    across *= 1.0 if is_whole else random.uniform(SMALLEST_CROP, 1.0)
    down = across * height / width
    left, top = (
        spare * (0.5 if is_whole else random.uniform()) for spare in (picture.width - across, picture.height - down)
    )
    box = (left, top, left + across, top + down)
    share = disparity.width / picture.width, disparity.height / picture.height
    small_box = tuple(value * share[number % 2] for number, value in enumerate(box))
    part = picture.resize((width, height), Image.Resampling.BILINEAR, _inside(box, picture))
    is_sharp = disparity.size == picture.size
    kind = Image.Resampling.NEAREST if is_sharp else Image.Resampling.BILINEAR
    small = disparity.resize((width, height), kind, _inside(small_box, disparity))
    scale = width / across
    x, y = ((side / 2 - first) * scale - 0.5 for side, first in ((picture.width, left), (picture.height, top)))
    if random.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        x = width - 1 - x
    return Cut(part, np.asarray(small, np.float32) / np.float32(65535.0), scale, (x, y))


def degrade(picture: Image.Image, random: Generator) -> Picture:
    """Returns the picture, uint8 (h, w, 3), with random colours and sometimes blur, noise and JPEG artefacts."""
    if random.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.5)))
    picture = _recoloured(picture, random)
    pixels = np.asarray(picture)
    if random.random() < 0.3:
        pixels = _noisy(pixels, random)
    if random.random() < 0.3:
        pixels = _compressed(pixels, int(random.integers(25, 91)))
    return pixels


def _inside(box: tuple[float, ...], picture: Image.Image) -> tuple[float, float, float, float]:
    """Returns `box` clipped to the picture, which it may exceed by rounding."""
    left, top, right, bottom = box
    return max(left, 0.0), max(top, 0.0), min(right, float(picture.width)), min(bottom, float(picture.height))


def _recoloured(picture: Image.Image, random: Generator) -> Image.Image:
    saturation = 0.0 if random.random() < GREY else random.uniform(0.4, 1.5)
    rest = (1.0 - saturation) / 3.0
    rows = [[rest + saturation * (row == column) for column in range(3)] + [0.0] for row in range(3)]
    picture = picture.convert("RGB", tuple(value for row in rows for value in row))
    levels = np.linspace(1e-4, 1.0, 256) ** np.exp(random.uniform(-0.5, 0.5))
    levels = (levels - 0.5) * random.uniform(0.7, 1.3) + 0.5 + random.uniform(-0.12, 0.12)
    table = np.clip(levels * random.uniform(0.88, 1.12, (3, 1)), 0.0, 1.0)
    return picture.point([int(value) for value in np.round(255.0 * table).ravel()])


def _noisy(pixels: Picture, random: Generator) -> Picture:
    """Returns the picture with sensor noise, per pixel or, as after enlarging, in blocks of two by two pixels."""
    height, width, _ = pixels.shape
    grain = 2 if random.random() < 0.3 else 1
    noise = random.standard_normal((-(-height // grain), -(-width // grain), 3), np.float32)
    noise = noise.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    return np.clip(pixels + noise * np.float32(255.0 * random.uniform(0.005, 0.05)), 0.0, 255.0).astype(np.uint8)


def _compressed(pixels: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))
