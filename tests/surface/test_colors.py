# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours sampled from the photo are exact at pixel centres."""

from __future__ import annotations

import numpy as np

from mono3d_addon.surface.colors import sample


def test_pixel_centres_have_exactly_their_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    row, column = np.mgrid[:37, :53]
    uv = np.stack([(column.ravel() + 0.5) / 53, 1 - (row.ravel() + 0.5) / 37], axis=1).astype(np.float32)
    np.testing.assert_array_equal(sample(pixels, uv), pixels.reshape(-1, 3))


def test_between_pixels_it_is_linear_and_beyond_the_border_constant() -> None:
    pixels = np.array([[[0, 0, 0], [100, 200, 50]]], np.uint8)
    uv = np.array([[0.5, 0.5], [0.0, 0.0], [1.0, 1.0], [1.2, -0.3]], np.float32)
    np.testing.assert_array_equal(sample(pixels, uv), [[50, 100, 25], [0, 0, 0], [100, 200, 50], [100, 200, 50]])
