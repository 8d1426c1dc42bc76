# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes a surface to a watertight solid: a back, and side walls along every boundary.

Walls run along the viewing rays. Every ray meets the front once, so front, walls and back, which are ordered along the
rays, cannot intersect, even where near objects overlap far ones. Walls along the depth axis would intersect: the body
of a near object would run into the background, which widens with the distance.

Walls without intermediate vertices would be long, nearly coplanar needles. Intersection tests with a fixed tolerance,
such as Open3D's, report some of these as crossing. So walls have rows of vertices, denser near the front, and jitter:
each vertex behind the front is moved by a random small offset into the component that the wall bounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from ..arrays import Floats, Ints
from .manifold import Fans, separate_fans
from .mesh import Mesh

_COPY_OFFSET = 0.1
"""Offset of the copies of a split vertex, as a fraction of the mean offset to their neighbours.

Otherwise programs that merge coincident vertices, as for STL files, would join them again.
"""

_JITTER = (0.05, 0.2)
"""Smallest and largest inward offset of wall vertices, as fractions of their distance to the nearest opposite side."""

_STEEPEST = 0.5
"""Largest depth by which a steep front may recede at a row's vertices, as a fraction of the row's height."""

_LOWEST = 4.0
"""Height of the first row in units of the longest edge at its vertex; less where the walls are too low."""

_GROWTH = 3.0
"""Exponent of the row heights: at the highest wall row i ends at i to this power."""

_MAX_ROWS = 12

_STEP = np.float32(1e-5)
"""Relative offset that separates coincident vertices; float32 resolves a hundredth of it."""

_PRIMES = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
"""Odd numbers that spread the bits of three coordinates over 64."""

_ROUNDS = 200

_TINY = 1e-12

Doubles = NDArray[np.float64]


def solid(front: Mesh, back: str, thickness: float, size: float) -> Mesh:
    """Returns the surface `front`, camera frame, closed to a watertight manifold solid.

    back       'flat': a plane perpendicular to the view behind everything; 'mirrored': the front's relief, mirrored
    thickness  distance of front and back, in millimetres, where the front is farthest
    size       longest side of the printed solid along the camera's axes, in millimetres (see `print_scale`)

    The vertices of the front come first and keep their positions, colours, texture coordinates and normals, except
    where several components touch at a vertex, which is split, and where two are in one place. The same number of
    vertices of the back follows, each on the viewing ray of its counterpart, at boundaries slightly inside; then the
    vertices of the walls, row by row.
    Raises Mono3DError if the thickness is too large for the size.
    """
    fans = separate_fans(np.asarray(front.triangles), len(front.vertices))
    count, rim = len(fans.source), np.unique(fans.rim).astype(np.intp)
    vertices, uv = _separated_copies(front, fans)
    z = vertices[:, 2].astype(np.float64)
    base = np.full(count, z.max(initial=0.0)) if back == "flat" else 2.0 * z.max(initial=0.0) - z
    rays = vertices / z[:, None]
    inward = np.zeros_like(rays)
    inward[rim, :2], fall = _inward_offsets(rays[:, :2], 1.0 / z, fans, rim)
    random = np.random.default_rng(0)
    jitter = random.uniform(*_JITTER, (count, 1))
    jittered = rays + inward * jitter
    depth = _thickness(vertices, jittered * base[:, None], jittered, thickness / size)
    longest = _longest_edges(vertices, fans.triangles, rim)
    walls = (base + depth - z)[rim]
    jitter[rim, 0] = np.minimum(jitter[rim, 0], _offset_limit(walls, z[rim], fall, longest))
    rows = [(rays + inward * jitter) * (base + depth)[:, None]]
    heights = _row_heights(walls, longest)
    for height in heights:
        # A mirrored back approaches by as much as the front recedes.
        room = _offset_limit(np.minimum(height, walls - height), z[rim], fall, longest)
        offset = np.minimum(random.uniform(*_JITTER, len(rim)), room)
        rows.append((rays[rim] + inward[rim] * offset[:, None]) * (z[rim] + height)[:, None])
    sides = _walls(fans.rim, rim, count, len(heights))
    between = np.tile(rim, len(heights))
    source = np.concatenate([np.arange(count), np.arange(count), between])
    normals = np.asarray(front.normals)[fans.source]
    turned = np.zeros_like(normals) if back == "flat" else normals.copy()
    turned[:, 2] = 1.0 if back == "flat" else -normals[:, 2]
    return Mesh(
        vertices=_without_coincident(np.concatenate([vertices, *rows]).astype(np.float32)),
        triangles=np.concatenate([fans.triangles, fans.triangles[:, [0, 2, 1]] + count, sides]).astype(np.int32),
        uv=uv[source],
        colors=np.asarray(front.colors)[fans.source[source]],
        normals=np.concatenate([normals, turned, _wall_normals(rays, inward, normals)[between]]),
    )


def print_scale(mesh: Mesh, size: float) -> float:
    """Returns the scale, in millimetres per metre, at which the longest side of `mesh` is printed `size` mm long."""
    longest = float(np.ptp(np.asarray(mesh.vertices, np.float64), axis=0).max()) if len(mesh.vertices) else 1.0
    return size / longest


def _separated_copies(front: Mesh, fans: Fans) -> tuple[Floats, Floats]:
    """Returns the vertices, (n, 3), and their texture coordinates, (n, 2), with copies moved into their own fans."""
    positions = np.hstack([np.asarray(front.vertices), np.asarray(front.uv)])[fans.source]
    copies = np.flatnonzero(fans.is_copy)
    offsets = _mean_offsets(positions.astype(np.float64), fans.triangles, copies)
    positions[copies] = (positions[copies] + _COPY_OFFSET * offsets).astype(np.float32)
    return positions[:, :3], positions[:, 3:]


def _mean_offsets(positions: Doubles, triangles: Ints, chosen: NDArray[np.intp]) -> Doubles:
    """Returns the mean offset, (k, columns), from the `chosen` vertices to their neighbours in the `triangles`.

    Its length in the first three columns, the coordinates in space, is limited by the heights of the adjacent
    triangles, so that slivers do not flip.
    """
    number = np.full(len(positions), -1)
    number[chosen] = np.arange(len(chosen))
    around = triangles[(number[triangles] >= 0).any(axis=1)]
    owner = number[around]
    is_chosen = owner >= 0
    one, other = (np.roll(positions[around], step, axis=1) - positions[around] for step in (1, 2))
    steps = (one + other)[is_chosen]
    owner = owner[is_chosen]
    found = 2 * np.bincount(owner, minlength=len(chosen))
    offsets = np.stack([np.bincount(owner, step, len(chosen)) for step in steps.T], axis=1) / found[:, None]
    one, other = one[..., :3], other[..., :3]
    squares = (one**2).sum(axis=2)
    doubled = np.sqrt(
        np.maximum(squares[:, 0] * (other[:, 0] ** 2).sum(axis=1) - (one * other).sum(axis=2)[:, 0] ** 2, 0)
    )
    height = doubled / np.sqrt(np.maximum(squares.max(axis=1), _TINY))
    room = np.full(len(chosen), np.inf)
    np.minimum.at(room, owner, np.broadcast_to(height[:, None], is_chosen.shape)[is_chosen])
    length = np.linalg.norm(offsets[:, :3], axis=1)
    return offsets * (room / np.maximum(np.maximum(length, room), _TINY))[:, None]


def _inward_offsets(positions: Doubles, inverse: Doubles, fans: Fans, rim: NDArray[np.intp]) -> tuple[Doubles, Doubles]:
    """Returns offsets in the picture, (k, 2), from the `rim` vertices into their components, perpendicular to the rim.

    Each is as long as the distance to the nearest opposite side of an adjacent triangle. If all vertices of a triangle
    move by less than a quarter of their offsets, it does not flip, however thin it is.
    The second array, (k,), is the largest change of the `inverse` depth of an adjacent triangle over the offset.
    """
    along = positions[fans.rim[:, 1]] - positions[fans.rim[:, 0]]
    across = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), _TINY)[:, None]
    ends = np.searchsorted(rim, fans.rim).T.reshape(-1)
    offsets = np.stack([np.bincount(ends, part, len(rim)) for part in np.tile(across, (2, 1)).T], axis=1)
    is_rim = np.zeros(len(positions), bool)
    is_rim[rim] = True
    around = fans.triangles[is_rim[fans.triangles].any(axis=1)]
    corners = positions[around]
    sides = np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1)
    doubled = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    room = np.full(len(positions), np.inf)
    np.minimum.at(room, around, doubled[:, None] / np.maximum(np.linalg.norm(sides, axis=2), _TINY))
    gradient = np.linalg.norm((sides * inverse[around][..., None]).sum(axis=1), axis=1) / np.maximum(doubled, _TINY)
    slope = np.zeros(len(positions))
    np.maximum.at(slope, around, gradient[:, None])
    result: Doubles = offsets * (room[rim] / np.maximum(np.hypot(*offsets.T), _TINY))[:, None]
    return result, slope[rim] * room[rim]


def _offset_limit(height: Doubles, z: Doubles, fall: Doubles, longest: Doubles) -> Doubles:
    """Returns the fraction of the inward offset over which the front recedes by at most `_STEEPEST` of `height`, (k,).

    z        depth of the front at the rim
    fall     change of its inverse depth over the full offset
    longest  longest edge at the vertex; limits the offset of lower walls, also where the front is level
    """
    reached = _STEEPEST * height
    share: Doubles = reached / np.maximum(z * (z + reached) * fall, longest)
    return share


def _longest_edges(vertices: Floats, triangles: Ints, chosen: NDArray[np.intp]) -> Doubles:
    """Returns the length of the longest edge of the triangles around each of the `chosen` vertices, (k,)."""
    is_chosen = np.zeros(len(vertices), bool)
    is_chosen[chosen] = True
    around = triangles[is_chosen[triangles].any(axis=1)]
    corners = vertices[around].astype(np.float64)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    longest = np.full(len(vertices), _TINY)
    np.maximum.at(longest, around, sides[:, None])
    return longest[chosen]


def _row_heights(walls: Doubles, longest: Doubles) -> list[Doubles]:
    """Returns the height above the front at which each row but the last ends, for walls of height `walls`, (k,) each.

    Heights are powers of the row's index: rows are low near the front, with its small triangles, and high elsewhere.
    """
    if not len(walls):
        return []
    steps = np.maximum(walls / (_LOWEST * longest), 1.0)
    rows = min(int(np.ceil(steps.max() ** (1 / _GROWTH))), _MAX_ROWS)
    growth = np.maximum(np.log(steps) / np.log(max(rows, 2)), 1.0)
    return [walls * (row / rows) ** growth for row in range(1, rows)]


def _walls(edges: Ints, rim: NDArray[np.intp], count: int, rows: int) -> Ints:
    """Returns the triangles of the walls along the `edges` of the rim, with `rows` rows of vertices between.

    Diagonals alternate, so that triangles in adjacent rows, which may be nearly coplanar, share a vertex.
    """
    place = np.searchsorted(rim, edges)
    between = [(2 * count + row * len(rim) + place).astype(np.int32) for row in range(rows)]
    levels: list[Ints] = [edges, *between, edges + np.int32(count)]
    halves: list[tuple[Ints, Ints, Ints]] = []
    for row in range(rows + 1):
        (a, b), (c, d) = levels[row].T, levels[row + 1].T
        halves += [(b, a, c), (b, c, d)] if row % 2 == 0 else [(b, a, d), (a, c, d)]
    return np.concatenate([np.stack(corners, axis=1) for corners in halves])


def _wall_normals(rays: Doubles, inward: Doubles, normals: Floats) -> Floats:
    """Returns the normals of the walls, perpendicular to the rays and outwards; the front's for zero offsets."""
    away = -inward
    away[:, 2] = (inward * rays).sum(axis=1)
    length = np.linalg.norm(away, axis=1)
    found = length > _TINY
    result = normals.copy()
    result[found] = away[found] / length[found, None]
    return result


def _without_coincident(positions: Floats) -> Floats:
    """Returns the positions, float32 (n, 3), with coincident ones moved apart along their rays; the first stays.

    A Poisson surface may have two vertices in one place, or on one ray, which would coincide on a flat back.
    """
    # The sum makes -0.0 the same as 0.0.
    result = positions + np.float32(0.0)
    while True:
        order = np.argsort(_keys(result), kind="stable")
        same = np.zeros(len(order), bool)
        same[1:] = (result[order[1:]] == result[order[:-1]]).all(axis=1)
        if not same.any():
            return result
        number = np.arange(len(order))
        rank = number - np.maximum.accumulate(np.where(same, 0, number))
        result[order[same]] *= 1 + _STEP * rank[same, None].astype(np.float32)


def _keys(positions: Floats) -> NDArray[np.uint64]:
    """Returns a number for each position, (n,), the same for the same position; sorting these is faster than three."""
    bits = np.ascontiguousarray(positions, np.float32).view(np.uint32).astype(np.uint64)
    keys: NDArray[np.uint64] = (bits * _PRIMES).sum(axis=1, dtype=np.uint64)
    return keys ^ (keys >> np.uint64(29))


def _thickness(front: Floats, back: Doubles, rays: Doubles, share: float) -> float:
    """Returns the z distance, metres, by which `back` moves along the `rays` (z = 1): `share` of the longest side.

    The longest side depends on that distance; a fixed-point iteration finds it. Raises Mono3DError if it diverges.
    """
    if not len(front):
        return 0.0
    ends = np.stack([front.min(axis=0), front.max(axis=0)]).astype(np.float64)
    depth = 0.0
    for _ in range(_ROUNDS):
        moved = back + rays * depth
        extent = (np.maximum(ends[1], moved.max(axis=0)) - np.minimum(ends[0], moved.min(axis=0))).max()
        before, depth = depth, share * float(extent)
        if abs(depth - before) <= 1e-9 * depth:
            return depth
    raise Mono3DError("The solid's thickness is too large for its size; lower 'Thickness' or raise 'Print size'.")
