# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds fine relief, below the network's resolution, from the luminance of the photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from ..camera.camera import Camera
from ..mesh.footprint import cell_size

_FINE, _COARSE = 1, 6
"""Band-pass radii in cells: below the first is noise, above the second the network resolves the relief."""
_CONTRAST = 0.06
"""Luminance difference at which the relief saturates, so that printed edges do not become steps."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def with_relief(depth: Floats, guide: NDArray[np.float32], camera: Camera, strength: float, tear: float) -> Floats:
    """Returns `depth`, float32 (rows, columns), metres, displaced along the viewing rays; bright is near.

    guide     the photo at the mesh's size, float32 (rows, columns, 3) in 0..1
    strength  largest displacement in footprints (the size of a cell at its own distance); 0 for none
    tear      relative depth difference at which the mesh is torn

    The displacement fades out towards tears, so that their two sides stay apart.
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
