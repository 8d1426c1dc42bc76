# SPDX-License-Identifier: GPL-3.0-or-later
"""Background fill: extends the far side of tears behind the near side, to close the holes that a moved camera sees.

The fill is a second depth layer of the same camera. Its texture coordinates are projections, like those of the front
layer, and its texture is the photo with the background painted in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from ..camera.camera import Camera
from ..photo.picture_writer import write_compact
from ..photo.resampling import resize_to
from ..windows import enlarge, widened
from .fill_mesh import sheet_mesh
from .fill_reach import fill_reaches, shift_of
from .fill_rims import Rims, surfaces_at
from .fill_spread import largest, spread
from .fill_texture import as_bytes, joined_smoothly, painted
from .mesh import BACKGROUND_TEXTURE, Mesh
from .mixed_rims import beside
from .torn_map import TornMap

_QUALITY = 90
"""Of the texture as JPEG, 1..95."""
_LAP = 2
"""Cells by which the fill laps under the far side, whose rim other steps may move."""
_BEHIND, _LAPPED = np.float32(1 - 3e-4), np.float32(1 - 2e-3)
"""Inverse depth of the fill relative to that of the surface that it continues, and that it laps under."""
_MARGIN = 2
"""Cells that the texture goes on beyond the mesh, for filters."""
_SLACK = 1.03
"""Largest inverse depth of the fill relative to that of the nearest rim around: planes go on between rims."""
_NEARER = 1.3
"""Largest inverse depth of a plane that goes on, relative to that of the nearest rim. Behind it, nothing is filled."""
_FARTHEST = 0.8
"""Least inverse depth of the fill, as a fraction of that of the farthest rim."""


@dataclass(frozen=True)
class BackgroundFill:
    """The filled background.

    mesh     its mesh, camera frame
    texture  uint8 (rows, columns, 3), sRGB, covering the whole photo
    """

    mesh: Mesh
    texture: Bytes

    def write_texture(self, folder: Path) -> Path:
        """Writes the texture as JPEG, or PNG without Pillow, into `folder` and returns its path."""
        return write_compact(self.texture, folder / BACKGROUND_TEXTURE, _QUALITY)


def fill_background(
    torn: TornMap,
    camera: Camera,
    pixels: Bytes,
    trim: int = 0,
    replaced: NDArray[np.bool_] | None = None,
    beyond: NDArray[np.bool_] | None = None,
) -> BackgroundFill | None:
    """Returns the background behind the tears of a grid.

    The surface at the far rim of every tear goes on behind the near side, as a plane where it is one, as far as a
    moved camera sees it, and laps under the far side. It is never nearer than the rims around it. Loose pieces that
    the grid dropped are filled too. Returns None if there is nothing to fill.

    trim      as in `grid.build_grid`
    replaced  cells, bool (rows, columns), on the far side of tears that the fill takes the place of; its colours go
              over into those beside them
    beyond    cells, bool (rows, columns), behind whose near things there is nothing of this map, but sky
    """
    if torn.tear <= 0.0 or len(torn.rims.far) == 0:
        return None
    rows, columns = torn.depth.shape
    tear, inverse, alive, dropped, rims = torn.tear, torn.inverse, torn.alive, torn.dropped, torn.rims
    guide = resize_to(pixels, columns, rows)
    shift = shift_of(inverse, camera.fx * columns / camera.width)
    behind, plane, expected = _continued(rims, inverse, alive, guide, shift)
    # A loose piece that lies behind everything around it stays where it is.
    behind = np.where(dropped, np.minimum(behind, inverse), behind)
    is_needed, is_close = fill_reaches(rims, (rows, columns), shift)
    # What is hardly hidden is where the background meets the thing before it, as at its feet.
    hidden = (is_close & (plane * np.float32(1 + tear / 16) < inverse)) | (
        is_needed & (plane * np.float32(1 + tear / 4) < inverse)
    )
    if beyond is not None:
        hidden &= ~beyond
    at_tear = np.zeros(rows * columns, bool)
    at_tear[rims.near] = True
    at_tear = at_tear.reshape(rows, columns)
    hidden |= at_tear & (behind < inverse) if replaced is None else at_tear
    filled = hidden & alive | dropped
    lapped = widened(filled, _LAP + trim) & ~filled & alive & (inverse <= behind * np.float32(1 + tear))
    seen = np.zeros_like(alive)
    if replaced is not None:
        lapped |= beside(replaced, inverse, _LAP + trim, tear) & ~filled & alive
        seen = lapped & ~replaced & ~widened(at_tear, 1)
    sheet = np.where(alive, np.minimum(behind, inverse * _BEHIND), behind)
    sheet[lapped] = inverse[lapped] * _LAPPED
    is_there = filled | lapped
    target = widened(is_there, _MARGIN)
    source = alive & ~widened(target, 1)
    behind_all = np.where(target, behind, inverse)
    colors = joined_smoothly(painted(guide, expected, behind_all, target, source), guide, target, seen)
    is_seen = (dropped & (inverse <= behind))[target]
    colors[is_seen] = guide[target][is_seen]
    texture = np.empty((rows, columns, 3), np.uint8)
    texture[:] = as_bytes(guide[::4, ::4].mean(axis=(0, 1)))
    texture[target] = as_bytes(colors)
    mesh = sheet_mesh(sheet, is_there, camera, texture)
    return None if mesh is None else BackgroundFill(mesh, texture)


def _continued(
    rims: Rims, inverse: Floats, alive: NDArray[np.bool_], guide: Floats, shift: np.float32
) -> tuple[Floats, Floats, Floats]:
    """Returns inverse depth, float32 (rows, columns), and smooth colours, (rows, columns, 3), of the background.

    They are meant for cells behind near things, and continue the rims' surfaces. See `fill_reach` for `shift`. The
    second result is the inverse depth, float32 (rows, columns), where it is less bounded by the nearest rim.
    """
    rows, columns = inverse.shape
    jumps, heights = np.zeros((2, rows * columns), np.float32)
    np.maximum.at(jumps, rims.far, rims.jump)
    np.maximum.at(heights, rims.far, rims.height)
    cells = np.flatnonzero(jumps)
    jump = jumps[cells]
    own = inverse.reshape(-1)[cells]
    surfaces = surfaces_at(cells, own + np.float32(0.5) * jump, inverse, alive, guide)
    row, column = np.divmod(cells, columns)
    x, y = (column - columns / 2).astype(np.float32), (row - rows / 2).astype(np.float32)
    across, along = surfaces.planes[:, 1], surfaces.planes[:, 2]
    constant = surfaces.planes[:, 0] - across * x - along * y
    values = np.column_stack([constant, across, along, surfaces.colors])
    high, wide = -(-rows // 2), -(-columns // 2)
    field = spread(values, heights[cells] * shift + 2, row // 2, column // 2, high, wide)
    most = largest(np.minimum(own, surfaces.planes[:, 0]), row // 2, column // 2, high, wide)
    # One more on each side, because the halves' outermost centres lie inside the photo.
    field = np.pad(field, [(1, 1), (1, 1), (0, 0)], mode="edge")
    x = (np.arange(-1, wide + 1, dtype=np.float32) * 2 + 0.5 - columns / 2)[None, :]
    y = (np.arange(-1, high + 1, dtype=np.float32) * 2 + 0.5 - rows / 2)[:, None]
    plane = field[..., 0] + field[..., 1] * x + field[..., 2] * y
    most = np.pad(most, 1, mode="edge")
    plane = np.clip(plane, np.float32(_FARTHEST) * own.min(), most * np.float32(_NEARER)) * _BEHIND
    behind = np.minimum(plane, np.minimum(most * np.float32(_SLACK), own.max()) * _BEHIND)
    parts = (behind, plane, *np.moveaxis(field[..., 3:], 2, 0))
    whole = [_twice(part)[2:-2, 2:-2][:rows, :columns] for part in parts]
    return whole[0], whole[1], np.stack(whole[2:], axis=2)


def _twice(values: Floats) -> Floats:
    return enlarge(values, 2 * values.shape[1], 2 * values.shape[0])
