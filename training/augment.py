# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation of an example before training: crop, mirror image, and degradation of the picture as in real photos.

The edges of the picture and of the disparity stay aligned.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .sets import Example

Picture = NDArray[np.float32]
SMALLEST_CROP = 0.55
"""Smallest crop as a share of the picture's shorter side, large because disparity depends on the whole scene."""


def crop(example: Example, size: tuple[int, int], random: Generator) -> tuple[Image.Image, NDArray[np.float32]]:
    """Returns a random crop of `example` at `size` (height, width): the picture, RGB, and its disparity, float32, 0..1.

    Half of the crops are mirrored. A disparity at the picture's size is resampled without smoothing its edges.
    """
    height, width = size
    picture, disparity = example.picture(), Image.fromarray(example.disparity())
    across = min(picture.width, picture.height * width / height) * random.uniform(SMALLEST_CROP, 1.0)
    down = across * height / width
    left, top = random.uniform(0, picture.width - across), random.uniform(0, picture.height - down)
    box = (left, top, left + across, top + down)
    share = disparity.width / picture.width, disparity.height / picture.height
    small_box = tuple(value * share[number % 2] for number, value in enumerate(box))
    part = picture.resize((width, height), Image.Resampling.BILINEAR, box)
    is_sharp = disparity.size == picture.size
    kind = Image.Resampling.NEAREST if is_sharp else Image.Resampling.BILINEAR
    small = disparity.resize((width, height), kind, _inside(small_box, disparity))
    if random.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return part, np.asarray(small, np.float32)


def degrade(picture: Image.Image, random: Generator) -> Picture:
    """Returns the picture, float32 (h, w, 3), with random colours and sometimes blur, noise and JPEG artefacts."""
    if random.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.5)))
    pixels = _recoloured(np.asarray(picture, np.float32) / 255.0, random)
    if random.random() < 0.3:
        pixels = _noisy(pixels, random)
    pixels = np.clip(pixels, 0.0, 1.0)
    if random.random() < 0.3:
        pixels = _compressed(pixels, int(random.integers(25, 91)))
    return pixels


def _inside(box: tuple[float, ...], picture: Image.Image) -> tuple[float, float, float, float]:
    """Returns `box` clipped to the picture, which it may exceed by rounding."""
    left, top, right, bottom = box
    return max(left, 0.0), max(top, 0.0), min(right, float(picture.width)), min(bottom, float(picture.height))


def _recoloured(pixels: Picture, random: Generator) -> Picture:
    pixels = np.clip(pixels, 1e-4, 1.0) ** np.float32(np.exp(random.uniform(-0.35, 0.35)))
    pixels = (pixels - 0.5) * np.float32(random.uniform(0.7, 1.3)) + np.float32(0.5 + random.uniform(-0.12, 0.12))
    grey = pixels.mean(axis=2, keepdims=True)
    saturation = 0.0 if random.random() < 0.06 else random.uniform(0.5, 1.5)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    return pixels * random.uniform(0.88, 1.12, 3).astype(np.float32)


def _noisy(pixels: Picture, random: Generator) -> Picture:
    """Returns the picture with sensor noise, per pixel or, as after enlarging, in blocks of two by two pixels."""
    height, width, _ = pixels.shape
    grain = 2 if random.random() < 0.3 else 1
    noise = random.normal(0.0, random.uniform(0.005, 0.05), (-(-height // grain), -(-width // grain), 3))
    noise = noise.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    return pixels + noise.astype(np.float32)


def _compressed(pixels: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(np.round(pixels * 255.0).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.float32) / 255.0
