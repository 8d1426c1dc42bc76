# SPDX-License-Identifier: GPL-3.0-or-later
"""Background fill where there is sky: the sky goes on behind everything, and behind the fill of everything else.

Both are visible through the same cells of the photo from different sides, so the sky has a picture of its own: the
lower half of the texture.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Bytes
from ..camera.camera import Camera
from ..maps.sky_colors import RIM, continued
from ..photo.resampling import resize_to
from .background_fill import BackgroundFill, fill_background
from .fill_mesh import sheet_mesh
from .fill_texture import as_bytes
from .mesh import joined
from .torn_map import TornMap

_LAP = RIM + 2
"""Cells by which the sky behind things laps under the sky that is seen."""
_BEHIND = np.float32(1 - 3e-4)
"""Inverse depth of the sky behind things relative to that of the sky that is seen."""

Cells = NDArray[np.bool_]


def fill_before_sky(
    torn: TornMap,
    things: TornMap,
    camera: Camera,
    pixels: Bytes,
    sky: Cells,
    trim: int = 0,
    replaced: Cells | None = None,
) -> BackgroundFill | None:
    """Returns the background behind the tears of a grid that has sky far behind everything.

    The sky goes on behind all of the photo, so that its end is the photo's own and no line inside it, and under its own
    rim (see `sky_colors.rim_of`), in colours without that of things. `trim` and `replaced` are as in `fill_background`.

    sky     bool (rows, columns)
    things  `torn.without_sky(sky)`: the middle of the scene, which the fill's reach depends on, is that of things
    """
    front = fill_background(things, camera, pixels, trim, replaced)
    behind = _sky_behind(torn, camera, pixels, sky)
    if front is None or behind is None:
        return front or behind
    half = np.array((1.0, 0.5), np.float32)
    upper = replace(front.mesh, uv=front.mesh.uv * half + np.array((0.0, 0.5), np.float32))
    lower = replace(behind.mesh, uv=behind.mesh.uv * half)
    return BackgroundFill(joined(upper, lower), np.concatenate([front.texture, behind.texture]))


def _sky_behind(torn: TornMap, camera: Camera, pixels: Bytes, sky: Cells) -> BackgroundFill | None:
    """Returns the sky behind things, and under its own rim; None where nothing stands before it."""
    rows, columns = torn.depth.shape
    inverse, usable = torn.inverse, torn.usable
    if not sky.reshape(-1)[torn.rims.far].any():
        return None
    hidden = (~sky | torn.dropped) & usable
    is_there = (windows.maximum(hidden.astype(np.float32), _LAP) > 0) & (hidden | sky) & usable
    texture = as_bytes(continued(resize_to(pixels, columns, rows), sky))
    mesh = sheet_mesh(np.full_like(inverse, inverse[sky].max() * _BEHIND), is_there, camera, texture)
    return None if mesh is None else BackgroundFill(mesh, texture)
