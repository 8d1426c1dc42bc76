# SPDX-License-Identifier: GPL-3.0-or-later
"""Footprints: the size of a grid cell in the scene, a unit of length that adapts to the scale of the scene."""

from __future__ import annotations

import math

import numpy as np

from ...errors import Mono3DError
from ..arrays import Floats
from ..camera.camera import Camera


def cell_size(count: int, camera: Camera) -> float:
    """Returns the cell size, in pixels of the photo, of a grid of `count` cells that covers the whole photo.

    This is the geometric mean of a cell's width and height, which differ slightly because of rounding.
    """
    return math.sqrt(camera.width * camera.height / count)


def footprints(depth: Floats, count: int, camera: Camera) -> Floats:
    """Returns the footprints in metres, float32 (n,), at depths, float32 (n,), metres along z, of a grid of `count`
    cells that covers the whole photo."""
    focal = math.sqrt(camera.fx * camera.fy)
    return np.asarray(depth * (cell_size(count, camera) / focal), np.float32)


def median_footprint(depth: Floats, camera: Camera) -> float:
    """Returns the median footprint in metres: `z * cell size / focal length`.

    `depth` is float32 (rows, columns), metres along z, covering the whole photo; values that are not finite and
    positive are ignored. Raises Mono3DError if none are left.
    """
    known = depth[np.isfinite(depth) & (depth > 0)]
    if known.size == 0:
        raise Mono3DError("The depth map holds no distances; try another photo or model.")
    focal = math.sqrt(camera.fx * camera.fy)
    return float(np.median(known)) * cell_size(depth.size, camera) / focal
