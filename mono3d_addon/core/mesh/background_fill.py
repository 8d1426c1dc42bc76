# SPDX-License-Identifier: GPL-3.0-or-later
"""Background fill: extends the far side of tears behind the near side, to close the holes that a moved camera sees.

The fill is a second depth layer of the same camera. Its texture coordinates are projections, like those of the front
layer, and its texture is the photo with the background inpainted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Bytes, Floats, Ints
from ..camera.camera import Camera
from ..photo.resampling import resize_to
from .grid import links_of, torn_triangles, trimmed
from .mesh import Mesh
from .normals import grid_normals

_REACH = 0.45
"""How far the fill extends behind an object, as a fraction of the photo's shorter side, for a far side at infinity."""
_ROUNDS = 30
_CLEAN = 4
"""Radius in cells for the colour of the far side. At the tear itself the photo mixes the colours of both sides."""
_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True)
class BackgroundFill:
    """The filled background.

    mesh     its mesh, camera frame
    texture  uint8 (rows, columns, 3), sRGB, covering the whole photo
    """

    mesh: Mesh
    texture: Bytes

    def write_texture(self, folder: Path) -> Path:
        """Writes the texture as a PNG file into `folder` and returns its path."""
        from PIL import Image

        path = folder / "behind.png"
        Image.fromarray(self.texture).save(path, compress_level=1)
        return path


@dataclass(frozen=True)
class _Layer:
    """Flat indices of the fill's cells, intp (n,): first `fixed` ones, the far side's rim, then the filled ones."""

    cells: NDArray[np.intp]
    fixed: int


def fill_background(
    depth: Floats,
    camera: Camera,
    pixels: Bytes,
    tear: float,
    min_island: float = 0.0,
    valid: NDArray[np.bool_] | None = None,
    trim: int = 0,
    has_sharp_steps: bool = True,
) -> BackgroundFill | None:
    """Returns the background behind the tears of a grid with the same arguments (see `grid.build_grid`).

    The far rim of every tear is extended under the near side, by at most `_REACH` and less at small discontinuities.
    Depth and colours are interpolated as a membrane. The fill ends where it would come in front of the near side.
    Returns None if there is nothing to fill.
    """
    if tear <= 0.0:
        return None
    rows, columns = depth.shape
    triangles = torn_triangles(depth, tear, min_island, valid, has_sharp_steps)
    inverse = (1.0 / depth).astype(np.float32)
    layer = _grow(inverse, triangles, tear)
    if layer is None:
        return None
    color = _clean_colors(resize_to(pixels, columns, rows), layer, inverse)
    values = np.concatenate([inverse.reshape(-1, 1)[layer.cells], color], axis=1)
    is_filled = np.arange(len(values)) >= layer.fixed
    values = _membrane(values, layer.cells, ~is_filled, columns)
    filled = np.zeros(rows * columns, bool)
    is_behind = values[:, 0] * np.float32(1 + tear / 2) < inverse.reshape(-1)[layer.cells]
    use = ~is_filled | is_behind
    filled[layer.cells[is_filled & is_behind]] = True
    if trim > 0:
        # The fill replaces the rim that is trimmed from the front layer.
        filled[layer.cells[: layer.fixed]] = trimmed(triangles, rows, columns, trim).reshape(-1)[
            layer.cells[: layer.fixed]
        ]
    sheet = np.full(rows * columns, np.nan, np.float32)
    sheet[layer.cells[use]] = 1.0 / values[use, 0]
    painted = resize_to(pixels, columns, rows).reshape(-1, 3)
    painted[layer.cells[use]] = values[use, 1:]
    return _finished(sheet.reshape(rows, columns), painted.reshape(rows, columns, 3), filled, camera, tear)


def _finished(
    sheet: Floats, painted: NDArray[np.float32], filled: NDArray[np.bool_], camera: Camera, tear: float
) -> BackgroundFill | None:
    """Returns the fill for the depth `sheet`, float32 (rows, columns), metres, NaN outside; None without triangles."""
    found = torn_triangles(sheet, 3 * tear, 0.0, np.isfinite(sheet))
    found = found[filled[found].any(axis=1)]
    if len(found) == 0:
        return None
    used = np.zeros(sheet.size, bool)
    used[found] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    vertices = camera.back_project(np.where(np.isfinite(sheet), sheet, np.float32(1)))[used]
    texture = np.clip(np.rint(painted * 255), 0, 255).astype(np.uint8)
    normals = grid_normals(sheet, camera, 3 * tear).reshape(-1, 3)[used]
    colors = texture.reshape(-1, 3)[used]
    return BackgroundFill(Mesh(vertices, number[found], camera.uv(vertices), colors, normals), texture)


def _grow(inverse: Floats, triangles: Ints, tear: float) -> _Layer | None:
    """Returns the rims and the cells behind which they grow, a flood fill over connected cells of the near side."""
    rows, columns = inverse.shape
    alive = np.zeros(rows * columns, bool)
    alive[triangles] = True
    along, down = links_of(triangles, rows, columns)
    far_parts, near_parts = [], []
    number = np.arange(rows * columns).reshape(rows, columns)
    for first, second, linked in (
        (number[:, :-1], number[:, 1:], along),
        (number[:-1], number[1:], down),
    ):
        one, other = first[~linked], second[~linked]
        both = alive[one] & alive[other]
        one, other = one[both], other[both]
        flat = inverse.reshape(-1)
        far = np.where(flat[one] < flat[other], one, other)
        near = one + other - far
        jumps = flat[near] > flat[far] * np.float32(1 + tear)
        far_parts.append(far[jumps])
        near_parts.append(near[jumps])
    far, near = np.concatenate(far_parts), np.concatenate(near_parts)
    if len(far) == 0:
        return None
    budget = np.zeros(rows * columns, np.float32)
    flat = inverse.reshape(-1)
    reach = (1 - flat[far] / flat[near]) * np.float32(_REACH * min(rows, columns))
    np.maximum.at(budget, near, np.maximum(reach, 2))
    is_rim = np.zeros(rows * columns, bool)
    is_rim[far] = True
    rim = np.flatnonzero(is_rim)
    visited = is_rim.copy()
    frontier = np.flatnonzero((budget > 0) & ~is_rim)
    visited[frontier] = True
    grown = [frontier]
    directions = _directions(along, down, rows, columns)
    while len(frontier):
        reached = []
        for step, is_open in directions:
            here = frontier[is_open[frontier] & (budget[frontier] > 1)]
            there = here + step
            new = ~visited[there]
            np.maximum.at(budget, there[new], budget[here[new]] - 1)
            reached.append(there[new])
        frontier = np.unique(np.concatenate(reached))
        visited[frontier] = True
        grown.append(frontier)
    return _Layer(np.concatenate([rim, *grown]), len(rim))


def _directions(
    along: NDArray[np.bool_], down: NDArray[np.bool_], rows: int, columns: int
) -> list[tuple[int, NDArray[np.bool_]]]:
    """Returns for each of the four directions its offset in flat indices and the cells, bool (cells,), it can leave."""
    right, left, below, above = (np.zeros((rows, columns), bool) for _ in range(4))
    right[:, :-1], left[:, 1:] = along, along
    below[:-1], above[1:] = down, down
    return [(1, right.ravel()), (-1, left.ravel()), (columns, below.ravel()), (-columns, above.ravel())]


def _clean_colors(guide: NDArray[np.float32], layer: _Layer, inverse: Floats) -> NDArray[np.float32]:
    """Returns the colours, float32 (n, 3), of the fill's cells: means of the far side, away from the tear."""
    rows, columns = inverse.shape
    behind = np.zeros(rows * columns, np.float32)
    behind[layer.cells] = 1
    near_tear = windows.maximum(behind.reshape(rows, columns), 1)
    weight = (near_tear == 0).astype(np.float32)[..., None]
    sums = windows.total(np.concatenate([guide * weight, weight], axis=2), _CLEAN).reshape(-1, 4)[layer.cells]
    own = guide.reshape(-1, 3)[layer.cells]
    return np.where(sums[:, 3:] > 0, sums[:, :3] / np.maximum(sums[:, 3:], 1), own).astype(np.float32)


def _membrane(values: Floats, cells: NDArray[np.intp], is_fixed: NDArray[np.bool_], columns: int) -> Floats:
    """Returns `values`, float32 (n, c), with those that are not fixed interpolated by a membrane (Laplace's equation).

    `cells` are their flat indices in rows of `columns`. The solution is approximate, by a cascadic multigrid method
    (Bornemann and Deuflhard 1996): the solution on blocks of 2 x 2 cells is the initial value for a few Jacobi
    iterations.
    """
    halved = (columns + 1) // 2
    blocks, block = np.unique(cells // columns // 2 * halved + cells % columns // 2, return_inverse=True)
    result = values.copy()
    if halved > 1 and not is_fixed.all():
        count = np.bincount(block, is_fixed, len(blocks))
        sums = np.stack([np.bincount(block, is_fixed * part, len(blocks)) for part in values.T], axis=1)
        means = (sums / np.maximum(count, 1)[:, None]).astype(np.float32)
        result[~is_fixed] = _membrane(means, blocks, count > 0, halved)[block][~is_fixed]
    return _jacobi(result, cells, np.flatnonzero(~is_fixed), columns)


def _jacobi(values: Floats, cells: NDArray[np.intp], free: NDArray[np.intp], columns: int) -> Floats:
    """Returns `values`, float32 (n, c), after Jacobi iterations at the `free` indices: means of the neighbours."""
    wide = columns + 2
    padded = (cells // columns + 1) * wide + cells % columns + 1
    index = np.full(int(padded.max(initial=0)) + wide + 1, len(cells), np.intp)
    index[padded] = np.arange(len(cells))
    neighbours = np.stack([index[padded[free] + down * wide + across] for down, across in _STEPS])
    # Missing neighbours refer to an extra row of zeros.
    result = np.concatenate([values, np.zeros((1, values.shape[1]), np.float32)])
    share = np.float32(1) / (1 + (neighbours < len(cells)).sum(axis=0, dtype=np.float32))[:, None]
    for _ in range(_ROUNDS):
        total = result[free]
        for other in neighbours:
            total += result[other]
        result[free] = total * share
    return result[:-1]
