# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a pixel is in the scene: the unit that fits a cup and a cathedral alike."""

from __future__ import annotations

import math

import numpy as np

from ...errors import Mono3DError
from ..arrays import Floats
from ..camera.camera import Camera


def cell_size(count: int, camera: Camera) -> float:
    """Returns the side, in pixels of the photo, of the cells of a grid of `count` cells that covers all of it.

    The geometric mean of a cell's width and height, which differ by the rounding of the grid's size.
    """
    return math.sqrt(camera.width * camera.height / count)


def median_footprint(depth: Floats, camera: Camera) -> float:
    """Returns the median size of a grid cell on the scene in metres: `z * cell / focal length`.

    `depth` is float32 (rows, columns) in metres along z and covers the whole photo; values that are not finite or
    not positive do not take part. Raises Mono3DError when no others are left.
    """
    known = depth[np.isfinite(depth) & (depth > 0)]
    if known.size == 0:
        raise Mono3DError("The depth map holds no distances; try another photo or model.")
    focal = math.sqrt(camera.fx * camera.fy)
    return float(np.median(known)) * cell_size(depth.size, camera) / focal
