# SPDX-License-Identifier: GPL-3.0-or-later
"""The grid mesh: one vertex per cell of the depth map, torn at depth discontinuities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Bytes, Floats, Ints, folded, marked, rows_where
from ..camera.camera import Camera
from ..photo.resampling import resize_nearest
from .islands import drop_islands
from .mesh import Mesh
from .normals import grid_normals
from .silhouettes import smooth_silhouettes
from .slopes import are_slopes


@dataclass(frozen=True)
class Grid:
    """The points of a depth map and the triangles between them, the source of point cloud and grid mesh.

    points     float32 (rows * columns, 3), camera frame, metres
    normals    float32 (rows * columns, 3), towards the camera
    colors     uint8 (rows * columns, 3), sRGB, the photo's pixel under each point
    triangles  int32 (m, 3), counter-clockwise seen from the camera, torn, without small islands
    """

    points: Floats
    normals: Floats
    colors: Bytes
    triangles: Ints

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Which points, bool (rows * columns,), belong to a triangle."""
        return marked(self.triangles, len(self.points))

    def mesh(self, camera: Camera) -> Mesh:
        """Returns the mesh of the points that belong to triangles."""
        used = self.connected
        number = np.cumsum(used, dtype=np.int32) - 1
        vertices = rows_where(used, self.points)
        return Mesh(
            vertices,
            number[self.triangles],
            camera.uv(vertices),
            rows_where(used, self.colors),
            rows_where(used, self.normals),
        )


def build_grid(
    depth: Floats,
    camera: Camera,
    pixels: Bytes,
    tear: float,
    min_island: float = 0.0,
    valid: NDArray[np.bool_] | None = None,
    trim: int = 0,
    has_sharp_steps: bool = True,
    *,
    has_smooth_silhouettes: bool = False,
) -> Grid:
    """Returns the grid over a depth map, float32 (rows, columns) in metres.

    pixels           the photo, uint8 (height, width, 3), sRGB
    tear             threshold of a depth discontinuity, far / near - 1; 0 for no tears
    min_island       components with a smaller fraction, 0..1, of the triangles are dropped
    valid            bool (rows, columns), cells to use; None for all
    trim             number of cells removed along tears and the photo's border
    has_sharp_steps  whether discontinuities in `depth` are sharp; then steep slopes are recognised and not torn
    has_smooth_silhouettes  whether points beside tears move onto the photo's edge (see `silhouettes`)
    """
    triangles = torn_triangles(depth, tear, min_island, valid, has_sharp_steps)
    return grid_of(triangles, depth, camera, pixels, tear, trim, has_smooth_silhouettes=has_smooth_silhouettes)


def grid_of(
    triangles: Ints,
    depth: Floats,
    camera: Camera,
    pixels: Bytes,
    tear: float,
    trim: int,
    *,
    has_smooth_silhouettes: bool = False,
) -> Grid:
    """Returns the grid with these triangles, less those at rims with `trim`; see `build_grid`."""
    if trim > 0:
        inner = ~trimmed(triangles, depth.shape[0], depth.shape[1], trim).reshape(-1)
        triangles = rows_where(folded(np.logical_and, inner.take(triangles)), triangles)
    rows, columns = depth.shape
    colors = resize_nearest(pixels, columns, rows).reshape(-1, 3)
    points, normals = camera.back_project(depth), grid_normals(depth, camera, tear).reshape(-1, 3)
    if has_smooth_silhouettes and tear > 0.0:
        points = smooth_silhouettes(points, normals, triangles, depth, camera, pixels, tear)
    return Grid(points, normals, colors, triangles)


def torn_triangles(
    depth: Floats, tear: float, min_island: float, valid: NDArray[np.bool_] | None, has_sharp_steps: bool = True
) -> Ints:
    """Returns the triangles, int32 (m, 3), of the grid over `depth`; see `build_grid`."""
    rows, columns = depth.shape
    kept = _kept_halves(depth, tear, valid, has_sharp_steps)
    triangles = _triangles(kept, rows, columns)
    if min_island > 0.0:
        triangles = drop_islands(triangles, *_links(kept, rows, columns), min_island)
    return triangles


def links_of(triangles: Ints, rows: int, columns: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns which neighbours of a grid are connected by triangles: along rows, bool (rows, columns - 1), and along
    columns, bool (rows - 1, columns)."""
    along, down = np.zeros(rows * columns, bool), np.zeros(rows * columns, bool)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        first = np.minimum(triangles[:, one], triangles[:, other])
        apart = np.abs(triangles[:, one] - triangles[:, other])
        along |= marked(first[apart == 1], rows * columns)
        down |= marked(first[apart == columns], rows * columns)
    return along.reshape(rows, columns)[:, :-1], down.reshape(rows, columns)[:-1]


def trimmed(triangles: Ints, rows: int, columns: int, trim: int) -> NDArray[np.bool_]:
    """Returns the cells, bool (rows, columns), within `trim` cells of a tear or of the photo's border."""
    along, down = links_of(triangles, rows, columns)
    rim = np.zeros((rows, columns), np.float32)
    rim[:, :-1][~along] = rim[:, 1:][~along] = 1
    rim[:-1][~down] = rim[1:][~down] = 1
    rim[0] = rim[-1] = rim[:, 0] = rim[:, -1] = 1
    result: NDArray[np.bool_] = windows.maximum(rim, trim - 1) > 0
    return result


_HALVES = ("acd", "adb", "acb", "bcd")
"""The four possible triangles of the corners a b / c d of a cell; the first two share the diagonal a-d."""


def _kept_halves(
    depth: Floats, tear: float, valid: NDArray[np.bool_] | None, has_sharp_steps: bool
) -> dict[str, NDArray[np.bool_]]:
    """Returns for each of `_HALVES` the cells, bool (rows - 1, columns - 1), in which it is part of the mesh.

    Each cell is split along the diagonal with the smaller disparity difference.
    """
    inverse = 1.0 / depth
    usable = np.isfinite(depth) if valid is None else np.isfinite(depth) & valid
    left, right, upper, lower = slice(None, -1), slice(1, None), slice(None, -1), slice(1, None)
    corner = {"a": (upper, left), "b": (upper, right), "c": (lower, left), "d": (lower, right)}
    a, b, c, d = (inverse[where] for where in corner.values())
    falling = np.abs(a - d) <= np.abs(b - c)
    kept = {}
    for half in _HALVES:
        keep = falling.copy() if half in _HALVES[:2] else ~falling
        if not usable.all():
            for name in half:
                keep &= usable[corner[name]]
        kept[half] = keep
    if tear > 0.0:
        whole = {half: _is_not_torn([inverse[corner[name]] for name in half], tear) for half in _HALVES}
        jumps = np.zeros_like(falling)
        for half in _HALVES:
            jumps |= kept[half] & ~whole[half]
        if has_sharp_steps:
            row, column = np.nonzero(jumps)
            jumps[jumps] = ~are_slopes(inverse, row, column, tear)
        for half in _HALVES:
            kept[half] &= whole[half] | ~jumps
    return kept


def _triangles(kept: dict[str, NDArray[np.bool_]], rows: int, columns: int) -> Ints:
    """Returns the kept triangles as indices into the grid's points."""
    step = {"a": 0, "b": 1, "c": columns, "d": columns + 1}
    first = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)[:-1, :-1]
    parts = [first[keep][:, None] + np.array([step[name] for name in half], np.int32) for half, keep in kept.items()]
    return np.concatenate(parts)


def _links(kept: dict[str, NDArray[np.bool_]], rows: int, columns: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns which neighbours are connected in rows, bool (rows, columns - 1), and columns, bool (rows - 1, columns).

    Each triangle has one side of either type, so these links define the connected components.
    """
    along, down = np.zeros((rows, columns - 1), bool), np.zeros((rows - 1, columns), bool)
    along[:-1] |= kept["adb"] | kept["acb"]
    along[1:] |= kept["acd"] | kept["bcd"]
    down[:, :-1] |= kept["acd"] | kept["acb"]
    down[:, 1:] |= kept["adb"] | kept["bcd"]
    return along, down


def _is_not_torn(inverse_depths: list[Floats], tear: float) -> NDArray[np.bool_]:
    """Returns which triangles are not torn: the depth ratio of farthest and nearest corner is at most 1 + tear."""
    first, second, third = inverse_depths
    nearest = np.maximum(np.maximum(first, second), third)
    farthest = np.minimum(np.minimum(first, second), third)
    whole: NDArray[np.bool_] = nearest <= farthest * np.float32(1.0 + tear)
    return whole
