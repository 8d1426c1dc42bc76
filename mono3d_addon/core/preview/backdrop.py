# SPDX-License-Identifier: GPL-3.0-or-later
"""A background that goes with a photo; numpy only, for Blender too."""

from __future__ import annotations

import numpy as np

from ..arrays import Bytes, Floats
from ..mesh.mesh import Mesh

_BORDER = 0.08
"""Width of the photo's border, as a fraction of its sides, whose colour the background takes."""
_COLOURED = 0.3
"""Share of the border's colourfulness that the background keeps."""
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_BRIGHT, _DARKENED, _RAISED = 0.5, 0.62, 0.13
"""A background is darker than a bright border by a factor, and brighter than a dark one by a step."""
_UNKNOWN = np.float32(0.3)


def backdrop(mesh: Mesh) -> Floats:
    """Returns the colour of a background for pictures of `mesh`, float32 (3,), sRGB 0..1.

    It is a muted colour of the photo's border, set off from it in brightness: neither a loud frame around the picture
    nor one in which the outline of the mesh disappears.
    """
    colour = _border(mesh.uv, mesh.colors)
    bright = float(colour @ _LUMA)
    wanted = bright * _DARKENED if bright > _BRIGHT else bright + _RAISED
    muted = wanted + _COLOURED * (colour - np.float32(bright))
    return np.clip(muted, 0.0, 1.0).astype(np.float32)


def _border(uv: Floats, colors: Bytes) -> Floats:
    """Returns the median colour, float32 (3,), 0..1, of the vertices at the photo's border, else of all."""
    if not len(uv):
        return np.full(3, _UNKNOWN)
    is_border = ((uv < _BORDER) | (uv > 1.0 - _BORDER)).any(axis=1)
    chosen = colors[is_border] if is_border.any() else colors
    return (np.median(chosen, axis=0) / 255.0).astype(np.float32)
