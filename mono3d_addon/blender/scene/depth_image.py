# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth of a photo as a 32-bit image in the .blend file, from which nodes make its surface."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...core.arrays import Floats


def create(name: str, depth: Floats) -> bpy.types.Image:
    """Returns a new image of `depth`, float32 (rows, columns), metres; NaN becomes 0, which stands for nothing there.

    Negative values are distances of what is not shown, but tells slopes from steps beside it.

    It is packed as OpenEXR with 32-bit floats, without a colour space, so that no value changes.
    """
    rows, columns = depth.shape
    images: Any = bpy.data.images
    made: bpy.types.Image = images.new(f"{name} depth", columns, rows, alpha=False, float_buffer=True, is_data=True)
    rgba = np.ones((rows, columns, 4), dtype=np.float32)
    rgba[..., :3] = np.where(np.isfinite(depth), depth, np.float32(0.0))[::-1, :, None]
    pixels: Any = made.pixels
    pixels.foreach_set(rgba.reshape(-1))
    made.update()
    made.pack()
    return made
