# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface becomes a watertight body: side walls round every rim, and a back.

Walls run along the viewing rays. In the picture every ray meets the front once, so front, walls and back, which are
ordered along the rays, cannot cross each other, however near things overlap far ones. Walls along the depth axis
would: the body of a near thing would run into the background, which spreads with the distance.

Flat walls with nothing between front and back would be long needles, many of them in one plane but for rounding.
Tests with a fixed tolerance, such as Open3D's, find some of these to cross. So walls have rows, low ones next to the
front, and pleats: behind the front, each vertex lies a little inside the piece that the wall bounds, by its own way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import Mono3DError
from ..arrays import Floats, Ints
from .manifold import Fans, separate_fans
from .mesh import Mesh

_APART = 0.1
"""How far the copies of a vertex with several fans draw back from each other, as a share of their ways inwards.

A file without shared vertices, such as STL, would else join them again.
"""

_PLEAT = (0.05, 0.2)
"""Least and largest way of a wall's vertices into their piece, in ways to the nearest side across from them."""

_STEEPEST = 0.5
"""By which share of a row's height the front, which may be steep, falls away at most where the row's vertices lie."""

_LOWEST = 4.0
"""Height of the first row, in longest edges around its vertex; less where the walls are too low for that."""

_GROWTH = 3.0
"""Where the walls are highest, their rows end at the powers of 1, 2, 3... with this exponent."""

_MOST_ROWS = 12

_STEP = np.float32(1e-4)
"""How far, at most and of their distance, vertices of the back that coincide are moved apart."""

_ROUNDS = 200

_TINY = 1e-12

Doubles = NDArray[np.float64]


def solid(front: Mesh, back: str, thickness: float, size: float) -> Mesh:
    """Returns the watertight body behind the surface `front`, each edge with two triangles, each vertex with one fan.

    back       'flat': a plane across the view behind everything; 'mirrored': the front's relief turned over
    thickness  millimetres that front and back are apart where the front is farthest
    size       millimetres of the printed body's longest side, along the camera's axes (see `print_scale`)

    The front's vertices come first. They, their colours, texture coordinates and normals stay, but for those where
    several pieces touch in one point, which draw a little apart. As many of the back follow, each on the ray of its
    counterpart at the front, at the rim a fraction of an edge inside; then those between, row by row.
    Raises Mono3DError when the thickness is too large for the size.
    """
    fans = separate_fans(np.asarray(front.triangles), len(front.vertices))
    count, rim = len(fans.source), np.unique(fans.rim).astype(np.intp)
    vertices, uv = _drawn_apart(front, fans)
    z = vertices[:, 2].astype(np.float64)
    base = np.full(count, z.max(initial=0.0)) if back == "flat" else 2.0 * z.max(initial=0.0) - z
    rays = vertices / z[:, None]
    inwards = np.zeros_like(rays)
    inwards[rim, :2], fall = _inward_ways(rays[:, :2], 1.0 / z, fans, rim)
    random = np.random.default_rng(0)
    pleats = random.uniform(*_PLEAT, (count, 1))
    pleated = rays + inwards * pleats
    depth = _thickness(vertices, pleated * base[:, None], pleated, thickness / size)
    longest = _longest_edges(vertices, fans.triangles, rim)
    walls = (base + depth - z)[rim]
    pleats[rim, 0] = np.minimum(pleats[rim, 0], _before_the_fall(walls, z[rim], fall, longest))
    rows = [(rays + inwards * pleats) * (base + depth)[:, None]]
    heights = _heights(walls, longest)
    for height in heights:
        # A mirrored back comes nearer inside by as much as the front falls away.
        room = _before_the_fall(np.minimum(height, walls - height), z[rim], fall, longest)
        way = np.minimum(random.uniform(*_PLEAT, len(rim)), room)
        rows.append((rays[rim] + inwards[rim] * way[:, None]) * (z[rim] + height)[:, None])
    sides = _walls(fans.rim, rim, count, len(heights))
    between = np.tile(rim, len(heights))
    source = np.concatenate([np.arange(count), np.arange(count), between])
    normals = np.asarray(front.normals)[fans.source]
    turned = np.zeros_like(normals) if back == "flat" else normals.copy()
    turned[:, 2] = 1.0 if back == "flat" else -normals[:, 2]
    return Mesh(
        vertices=np.concatenate([vertices, _all_different(np.concatenate(rows).astype(np.float32))]),
        triangles=np.concatenate([fans.triangles, fans.triangles[:, [0, 2, 1]] + count, sides]).astype(np.int32),
        uv=uv[source],
        colors=np.asarray(front.colors)[fans.source[source]],
        normals=np.concatenate([normals, turned, _outwards(rays, inwards, normals)[between]]),
    )


def print_scale(mesh: Mesh, size: float) -> float:
    """Returns the millimetres that a metre of `mesh` becomes when its longest side is printed `size` mm long."""
    longest = float(np.ptp(np.asarray(mesh.vertices, np.float64), axis=0).max()) if len(mesh.vertices) else 1.0
    return size / longest


def _drawn_apart(front: Mesh, fans: Fans) -> tuple[Floats, Floats]:
    """Returns places and texture coordinates of the vertices, the copies moved a little into their own fan."""
    places = np.hstack([np.asarray(front.vertices), np.asarray(front.uv)])[fans.source]
    copies = np.flatnonzero(fans.is_copy)
    ways = _mean_ways(places.astype(np.float64), fans.triangles, copies)
    places[copies] = (places[copies] + _APART * ways).astype(np.float32)
    return places[:, :3], places[:, 3:]


def _mean_ways(places: Doubles, triangles: Ints, chosen: NDArray[np.intp]) -> Doubles:
    """Returns the mean way, (k, columns), from the `chosen` vertices to their neighbours in the `triangles`.

    In the first three columns, places in space, it is no longer than the triangles around are high, so slivers do not
    turn over.
    """
    number = np.full(len(places), -1)
    number[chosen] = np.arange(len(chosen))
    around = triangles[(number[triangles] >= 0).any(axis=1)]
    owner = number[around]
    is_chosen = owner >= 0
    one, other = (np.roll(places[around], step, axis=1) - places[around] for step in (1, 2))
    steps = (one + other)[is_chosen]
    owner = owner[is_chosen]
    found = 2 * np.bincount(owner, minlength=len(chosen))
    ways = np.stack([np.bincount(owner, step, len(chosen)) for step in steps.T], axis=1) / found[:, None]
    one, other = one[..., :3], other[..., :3]
    squares = (one**2).sum(axis=2)
    doubled = np.sqrt(
        np.maximum(squares[:, 0] * (other[:, 0] ** 2).sum(axis=1) - (one * other).sum(axis=2)[:, 0] ** 2, 0)
    )
    height = doubled / np.sqrt(np.maximum(squares.max(axis=1), _TINY))
    room = np.full(len(chosen), np.inf)
    np.minimum.at(room, owner, np.broadcast_to(height[:, None], is_chosen.shape)[is_chosen])
    length = np.linalg.norm(ways[:, :3], axis=1)
    return ways * (room / np.maximum(np.maximum(length, room), _TINY))[:, None]


def _inward_ways(places: Doubles, inverse: Doubles, fans: Fans, rim: NDArray[np.intp]) -> tuple[Doubles, Doubles]:
    """Returns ways in the picture, (k, 2), from the vertices of the `rim` into their pieces, square to the rim.

    Each is as long as it is to the nearest of the sides across from the vertex. When all vertices of a triangle go
    less than a quarter of their ways, it does not turn over, however thin it is: how far one goes towards the sides
    beside it, in heights above these, and the other way round, make up for each other.
    The second array, (k,), tells how much the `inverse` depth of a triangle there changes at most over the whole way.
    """
    along = places[fans.rim[:, 1]] - places[fans.rim[:, 0]]
    across = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), _TINY)[:, None]
    ends = np.searchsorted(rim, fans.rim).T.reshape(-1)
    ways = np.stack([np.bincount(ends, part, len(rim)) for part in np.tile(across, (2, 1)).T], axis=1)
    is_rim = np.zeros(len(places), bool)
    is_rim[rim] = True
    around = fans.triangles[is_rim[fans.triangles].any(axis=1)]
    corners = places[around]
    sides = np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1)
    doubled = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    room = np.full(len(places), np.inf)
    np.minimum.at(room, around, doubled[:, None] / np.maximum(np.linalg.norm(sides, axis=2), _TINY))
    gradient = np.linalg.norm((sides * inverse[around][..., None]).sum(axis=1), axis=1) / np.maximum(doubled, _TINY)
    slope = np.zeros(len(places))
    np.maximum.at(slope, around, gradient[:, None])
    result: Doubles = ways * (room[rim] / np.maximum(np.hypot(*ways.T), _TINY))[:, None]
    return result, slope[rim] * room[rim]


def _before_the_fall(height: Doubles, z: Doubles, fall: Doubles, longest: Doubles) -> Doubles:
    """Returns the share of the ways inwards up to which the front falls away by no more than `_STEEPEST` of `height`.

    z        depth of the front at the rim
    fall     by how much its inverse depth changes over the whole way
    longest  the longest edge there: a wall that is lower goes less far, also where the front is level
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


def _heights(walls: Doubles, longest: Doubles) -> list[Doubles]:
    """Returns how far behind the front each row but the last ends, at each vertex of walls that are `walls` high.

    Powers of the row's number: low where the front has small triangles, high where the walls have only themselves
    beside them.
    """
    if not len(walls):
        return []
    steps = np.maximum(walls / (_LOWEST * longest), 1.0)
    rows = min(int(np.ceil(steps.max() ** (1 / _GROWTH))), _MOST_ROWS)
    growth = np.maximum(np.log(steps) / np.log(max(rows, 2)), 1.0)
    return [walls * (row / rows) ** growth for row in range(1, rows)]


def _walls(edges: Ints, rim: NDArray[np.intp], count: int, rows: int) -> Ints:
    """Returns the triangles of the walls behind the `edges` of the rim, with so many `rows` of vertices between.

    Diagonals take turns, so that triangles one above the other, which may be nearly in one plane, share a vertex.
    """
    place = np.searchsorted(rim, edges)
    between = [(2 * count + row * len(rim) + place).astype(np.int32) for row in range(rows)]
    levels: list[Ints] = [edges, *between, edges + np.int32(count)]
    halves: list[tuple[Ints, Ints, Ints]] = []
    for row in range(rows + 1):
        (a, b), (c, d) = levels[row].T, levels[row + 1].T
        halves += [(b, a, c), (b, c, d)] if row % 2 == 0 else [(b, a, d), (a, c, d)]
    return np.concatenate([np.stack(corners, axis=1) for corners in halves])


def _outwards(rays: Doubles, inwards: Doubles, normals: Floats) -> Floats:
    """Returns the walls' normals, across the rays: away from the piece; the front's where no way leads inwards."""
    away = -inwards
    away[:, 2] = (inwards * rays).sum(axis=1)
    length = np.linalg.norm(away, axis=1)
    found = length > _TINY
    result = normals.copy()
    result[found] = away[found] / length[found, None]
    return result


def _all_different(places: Floats) -> Floats:
    """Returns `places` with those that coincide moved on along their ray, by hardly more than rounding.

    A Poisson surface may have two vertices on one ray, which a flat back would join.
    """
    bits = np.ascontiguousarray(places).view(np.uint32).astype(np.uint64)
    key = bits[:, 0] ^ (bits[:, 1] << np.uint64(21)) ^ (bits[:, 2] << np.uint64(42))
    order = np.argsort(key, kind="stable")
    is_again = np.zeros(len(order), bool)
    is_again[1:] = (places[order[1:]] == places[order[:-1]]).all(axis=1)
    again = order[is_again]
    result = places.copy()
    result[again] *= 1 + _STEP * (1 + np.arange(len(again), dtype=np.float32))[:, None] / max(len(again), 1)
    return result


def _thickness(front: Floats, back: Doubles, rays: Doubles, share: float) -> float:
    """Returns the metres by which `back` moves along the `rays` (z = 1) to lie `share` of the longest side behind.

    The longest side grows with that way by no more than some factor, so going round finds it, or it has none.
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
