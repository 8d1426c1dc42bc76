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
from ..side_by_side import both
from ..windows import enlarge
from .background_fill import BackgroundFill, fill_background
from .fill_mesh import sheet_mesh
from .fill_reach import MOST_REACH, shift_of
from .fill_rims import Rims
from .fill_spread import spread
from .fill_texture import as_bytes
from .mesh import joined
from .torn_map import TornMap

_LAP = RIM + 2
"""Cells by which the sky behind things laps under the sky that is seen."""
_BEHIND = np.float32(1 - 3e-4)
"""Inverse depth of the sky behind things relative to that of the sky that is seen."""
_BLOCK = 4
"""Side in cells of the blocks in which the sky is told from other things behind something."""

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

    The sky goes on behind things from border to border of the photo, down to a level line, and under its own rim (see
    `sky_colors.rim_of`), in colours without that of things. `trim` and `replaced` are as in `fill_background`.

    sky     bool (rows, columns)
    things  `torn.without_sky(sky)`: the middle of the scene, which the fill's reach depends on, is that of things
    """
    shift = shift_of(things.inverse, camera.fx * sky.shape[1] / camera.width)
    front, behind = both(
        lambda: fill_background(things, camera, pixels, trim, replaced, _beyond(torn, sky, shift)),
        lambda: _sky_behind(torn, camera, pixels, sky, shift),
    )
    if front is None or behind is None:
        return front or behind
    half = np.array((1.0, 0.5), np.float32)
    upper = replace(front.mesh, uv=front.mesh.uv * half + np.array((0.0, 0.5), np.float32))
    lower = replace(behind.mesh, uv=behind.mesh.uv * half)
    return BackgroundFill(joined(upper, lower), np.concatenate([front.texture, behind.texture]))


def _beyond(torn: TornMap, sky: Cells, shift: np.float32) -> Cells:
    """Returns where the sky is behind near things, bool (rows, columns): where more of the rims around are its own."""
    rows, columns = sky.shape
    rims = torn.rims
    cells, first = np.unique(rims.far, return_index=True)
    if not len(cells):
        return np.zeros_like(sky)
    row, column = np.divmod(cells, columns)
    is_sky = sky.reshape(-1)[cells].astype(np.float32)[:, None]
    reach = rims.height[first] * shift + 2
    high, wide = -(-rows // _BLOCK), -(-columns // _BLOCK)
    share = spread(is_sky, reach / np.float32(_BLOCK), row // _BLOCK, column // _BLOCK, high, wide)[..., 0]
    return enlarge(share, wide * _BLOCK, high * _BLOCK)[:rows, :columns] > 0.5


def _sky_behind(torn: TornMap, camera: Camera, pixels: Bytes, sky: Cells, shift: np.float32) -> BackgroundFill | None:
    """Returns the sky behind things, and under its own rim; None where nothing stands before it."""
    rows, columns = torn.depth.shape
    inverse, usable = torn.inverse, torn.usable
    is_rim = sky.reshape(-1)[torn.rims.far]
    if not is_rim.any():
        return None
    hidden = (~sky | torn.dropped) & usable
    hidden[_lowest(sky, torn.rims.only(is_rim), shift) :] = False
    is_there = windows.widened(hidden, _LAP) & (hidden | sky) & usable
    texture = as_bytes(continued(resize_to(pixels, columns, rows), sky))
    mesh = sheet_mesh(np.full_like(inverse, inverse[sky].max() * _BEHIND), is_there, camera, texture)
    return None if mesh is None else BackgroundFill(mesh, texture)


def _lowest(sky: Cells, rims: Rims, shift: np.float32) -> int:
    """Returns the first row that the sky does not need to reach, because no moved camera sees it there.

    `rims` are those of the sky. Below its lowest cell, it shows over what stands there, as a camera that rises does.
    """
    rows, columns = sky.shape
    is_over = rims.near - rims.far == columns
    heights = rims.height[is_over] if is_over.any() else rims.height
    margin = min(float(np.median(heights) * shift), MOST_REACH * max(rows, columns))
    return int(np.flatnonzero(sky.any(axis=1))[-1] + margin) + 2
