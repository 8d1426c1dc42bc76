# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface becomes a watertight body: side walls round every rim, and a back.

Walls run along the viewing rays. In the picture every ray meets the front once, so front, walls and back, which are
ordered along the rays, cannot cross each other, however near things overlap far ones. Walls along the depth axis
would: the body of a near thing would run into the background, which spreads with the distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import Mono3DError
from .manifold import Fans, separate_fans
from .mesh import Floats, Mesh

_APART = 0.1
"""How far the copies of a vertex with several fans draw back from each other, in lengths of their shortest edge.

A file without shared vertices, such as STL, would else join them again.
"""

_STEP = np.float32(1e-4)
"""How far, at most and of their distance, vertices of the back that coincide are moved apart."""

_ROUNDS = 200

Doubles = NDArray[np.float64]


def solid(front: Mesh, back: str, thickness: float, size: float) -> Mesh:
    """Returns the watertight body behind the surface `front`, each edge with two triangles, each vertex with one fan.

    back       'flat': a plane across the view behind everything; 'mirrored': the front's relief turned over
    thickness  millimetres that front and back are apart where the front is farthest
    size       millimetres of the printed body's longest side, along the camera's axes (see `print_scale`)

    The front's vertices, their colours, texture coordinates and normals stay, but for those where several pieces
    touch in one point, which draw a little apart. A vertex of the back has those of the front on the same ray.
    Raises Mono3DError when the thickness is too large for the size.
    """
    fans = separate_fans(np.asarray(front.triangles), len(front.vertices))
    count = len(fans.source)
    vertices, uv = _drawn_apart(front, fans)
    z = vertices[:, 2].astype(np.float64)
    base = np.full(count, z.max(initial=0.0)) if back == "flat" else 2.0 * z.max(initial=0.0) - z
    rays = vertices / z[:, None]
    depth = _thickness(vertices, rays * base[:, None], rays, thickness / size)
    behind = _all_different((rays * (base + depth)[:, None]).astype(np.float32))
    from_front, to_front = fans.rim.T
    walls = [
        np.stack([to_front, from_front, from_front + count], axis=1),
        np.stack([to_front, from_front + count, to_front + count], axis=1),
    ]
    triangles = np.concatenate([fans.triangles, fans.triangles[:, [0, 2, 1]] + count, *walls]).astype(np.int32)
    normals = np.asarray(front.normals)[fans.source]
    turned = np.zeros_like(normals) if back == "flat" else normals.copy()
    turned[:, 2] = 1.0 if back == "flat" else -normals[:, 2]
    return Mesh(
        vertices=np.concatenate([vertices, behind]),
        triangles=triangles,
        uv=np.concatenate([uv, uv]),
        colors=np.tile(np.asarray(front.colors)[fans.source], (2, 1)),
        normals=np.concatenate([normals, turned]),
    )


def print_scale(mesh: Mesh, size: float) -> float:
    """Returns the millimetres that a metre of `mesh` becomes when its longest side is printed `size` mm long."""
    longest = float(np.ptp(np.asarray(mesh.vertices, np.float64), axis=0).max()) if len(mesh.vertices) else 1.0
    return size / longest


def _drawn_apart(front: Mesh, fans: Fans) -> tuple[Floats, Floats]:
    """Returns places and texture coordinates of the vertices, the copies moved a little into their own fan."""
    vertices, uv = np.asarray(front.vertices)[fans.source], np.asarray(front.uv)[fans.source]
    count = len(vertices)
    moves = fans.is_copy.copy()
    around = fans.triangles[moves[fans.triangles].any(axis=1)]
    here = np.concatenate([around[:, corner] for corner in (0, 1, 2, 0, 1, 2)])
    there = np.concatenate([around[:, corner] for corner in (1, 2, 0, 2, 0, 1)])
    table = np.hstack([vertices, uv]).astype(np.float64)
    steps = table[there] - table[here]
    number = np.maximum(np.bincount(here, minlength=count), 1)
    way = np.stack([np.bincount(here, step, count) for step in steps.T], axis=1) / number[:, None]
    shortest = np.full(count, np.inf)
    np.minimum.at(shortest, here, np.linalg.norm(steps[:, :3], axis=1))
    length = np.linalg.norm(way[:, :3], axis=1)
    moves &= length > 0
    table[moves] += way[moves] * (_APART * np.minimum(shortest[moves] / length[moves], 1.0))[:, None]
    places = table.astype(np.float32)
    return places[:, :3], places[:, 3:]


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
