# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing disparity as 16-bit PNG without a library, because Blender's Python has none."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

ENDING = ".disp.png"
"""As in `training.sets`, which needs Pillow."""
NEAREST_PERCENTILE = 99.9


def top(disparity: NDArray[np.float32]) -> float:
    """Returns the value of a disparity (h, w) that becomes 65535: its 99.9th percentile.

    Scaled by its maximum, a single leaf close to the lens would leave few levels for everything else.
    """
    return max(float(np.percentile(disparity, NEAREST_PERCENTILE)), 1e-9)


def scaled(disparity: NDArray[np.float32], top: float) -> NDArray[np.uint16]:
    """Returns disparity (h, w), uint16, scaled so that `top` is 65535, nearer values clipped; the sky is 0."""
    steps = np.round(disparity.astype(np.float64) / top * 65535).clip(0, 65535)
    # Only the sky is 0.
    return np.where(disparity > 0, steps.clip(min=1), 0).astype(np.uint16)


def png(values: NDArray[np.uint16]) -> bytes:
    """Returns values (h, w) as a 16-bit greyscale PNG."""
    height, width = values.shape
    big = values.astype(">u2").view(np.uint8).reshape(height, width, 2)
    # PNG's filter "Up", the difference to the byte above, compresses smooth disparity much better.
    above = np.concatenate([np.zeros_like(big[:1]), big[:-1]])
    rows = np.concatenate([np.full((height, 1), 2, np.uint8), (big - above).reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
