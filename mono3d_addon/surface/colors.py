# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples the colours of points from the photo."""

from __future__ import annotations

import numpy as np

from ..core.arrays import Bytes, Floats


def sample(pixels: Bytes, uv: Floats) -> Bytes:
    """Returns the colours, uint8 (n, 3), of the photo at `uv`, float32 (n, 2), 0..1 from the lower left corner.

    `pixels` is uint8 (height, width, 3), sRGB. Interpolation is bilinear between pixel centres, clamped at the border.
    """
    height, width = pixels.shape[:2]
    column = np.clip(uv[:, 0].astype(np.float64) * width - 0.5, 0, width - 1)
    row = np.clip((1.0 - uv[:, 1].astype(np.float64)) * height - 0.5, 0, height - 1)
    left, top = column.astype(np.intp), row.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across = (column - left).astype(np.float32)[:, None]
    down = (row - top).astype(np.float32)[:, None]
    upper = pixels[top, left] * (1 - across) + pixels[top, right] * across
    lower = pixels[bottom, left] * (1 - across) + pixels[bottom, right] * across
    return np.asarray(np.rint(upper * (1 - down) + lower * down), np.uint8)
