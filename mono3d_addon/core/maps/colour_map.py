# SPDX-License-Identifier: GPL-3.0-or-later
"""A perceptually uniform colour map: lightness grows linearly, so that equal depth differences look equal."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats

_DARK, _BRIGHT = 0.18, 0.96
_FIRST_HUE, _LAST_HUE = 290.0, 460.0
"""Hue angles in degrees, from violet through red to yellow-green."""

_CHROMA = 0.16
_STEPS = 256

_TO_LMS = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def coloured(values: Floats) -> Bytes:
    """Returns the colours, uint8 (..., 3), sRGB, of `values`, float32 (...): dark at 0, bright at 1 and above."""
    steps = np.clip(np.nan_to_num(values) * (_STEPS - 1) + 0.5, 0, _STEPS - 1).astype(np.intp)
    return table()[steps]


@functools.lru_cache(maxsize=1)
def table() -> Bytes:
    """Returns the colour map, uint8 (256, 3), sRGB.

    Lightness in Oklab (Bjoern Ottosson, "A perceptual color space for image processing", 2020) grows linearly while
    the hue changes. Chroma is reduced where the colour is outside the sRGB gamut.
    """
    lightness = np.linspace(_DARK, _BRIGHT, _STEPS)
    hue = np.radians(np.linspace(_FIRST_HUE, _LAST_HUE, _STEPS))
    low, high = np.zeros(_STEPS), np.full(_STEPS, _CHROMA)
    for _ in range(20):
        middle = 0.5 * (low + high)
        linear = _linear_rgb(lightness, middle, hue)
        fits = ((linear >= 0.0) & (linear <= 1.0)).all(axis=1)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    linear = np.clip(_linear_rgb(lightness, low, hue), 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1.0 / 2.4) - 0.055)
    return np.rint(255.0 * encoded).astype(np.uint8)


def _linear_rgb(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue: NDArray[np.float64]
) -> NDArray[np.float64]:
    oklab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    return np.asarray((oklab @ _TO_LMS.T) ** 3 @ _TO_RGB.T)
