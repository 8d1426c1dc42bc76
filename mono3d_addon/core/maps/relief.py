# SPDX-License-Identifier: GPL-3.0-or-later
"""Relief that the network is too coarse to see, from the light and dark of the photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from ..camera.camera import Camera
from ..mesh.footprint import cell_size

_FINE, _COARSE = 1, 6
"""Radii in cells: finer than the first is noise, what is coarser than the second the network has seen."""
_CONTRAST = 0.06
"""Differences of brightness above which the relief grows no more: the edge of a print is no cliff."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def with_relief(depth: Floats, guide: NDArray[np.float32], camera: Camera, strength: float, tear: float) -> Floats:
    """Returns `depth`, float32 (rows, columns) in metres, with relief along the viewing rays; bright is near.

    guide     the photo at the mesh's size, float32 (rows, columns, 3) in 0..1
    strength  largest height, in footprints: the size of a cell at its own distance; 0: none

    So small a height copies no texture as a step. It fades out towards tears, whose two sides must not meet.
    """
    if strength <= 0.0:
        return depth
    light = guide @ _LUMINANCE
    share = np.ones_like(light)
    fine = windows.total(light, _FINE) / windows.total(share, _FINE)
    coarse = windows.total(light, _COARSE) / windows.total(share, _COARSE)
    height = np.tanh((fine - coarse) / np.float32(_CONTRAST))
    jumps = windows.maximum(depth, 1) > windows.minimum(depth, 1) * np.float32(1 + max(tear, 0.01))
    near_jump = windows.maximum(jumps.astype(np.float32), 2 * _COARSE)
    calm = 1 - windows.total(near_jump, _COARSE) / windows.total(share, _COARSE)
    footprint = cell_size(depth.size, camera) / np.float32(np.sqrt(camera.fx * camera.fy))
    scale = 1 - np.float32(strength * footprint) * height * calm
    return (depth * np.maximum(scale, np.float32(0.5))).astype(np.float32)
