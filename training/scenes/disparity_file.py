# SPDX-License-Identifier: GPL-3.0-or-later
"""Disparity as a PNG of 16 bits, written without a library: Blender's Python has none for it."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

ENDING = ".disp.png"
"""As in `training.sets`, which wants Pillow."""
NEAREST_PERCENTILE = 99.9


def scaled(disparity: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Returns disparity (h, w) scaled so that its percentile 99.9 is 65535 and the sky 0; what is nearer is cut off.

    A single leaf before the lens would otherwise leave few steps for everything else.
    """
    top = max(float(np.percentile(disparity, NEAREST_PERCENTILE)), 1e-9)
    steps = np.round(disparity.astype(np.float64) / top * 65535).clip(0, 65535)
    # What is seen, however far, is not the sky.
    return np.where(disparity > 0, steps.clip(min=1), 0).astype(np.uint16)


def png(values: NDArray[np.uint16]) -> bytes:
    """Returns a grey PNG of 16 bits of values (h, w)."""
    height, width = values.shape
    big = values.astype(">u2").view(np.uint8).reshape(height, width, 2)
    # The filter "Up": each byte less the one above it; smooth disparity packs far better so.
    above = np.concatenate([np.zeros_like(big[:1]), big[:-1]])
    rows = np.concatenate([np.full((height, 1), 2, np.uint8), (big - above).reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
