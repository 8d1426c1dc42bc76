# SPDX-License-Identifier: GPL-3.0-or-later
"""A coarse copy of any mesh, for a first look at it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .mesh import Mesh

_DEPTH_RATIO = 1.15
"""Vertices in one cell of the photo are kept apart from this ratio of their distances on."""
_MOST_LAYERS = 64


def coarsened(mesh: Mesh, cells: int, aspect: float) -> Mesh:
    """Returns a mesh of one vertex for each cell of the photo and layer of depth, the first that the mesh has there.

    mesh    in the camera frame
    cells   number of cells along the photo's longer side
    aspect  the photo's width / height

    The triangles are those between different cells. It has no quads.
    """
    if not len(mesh.vertices):
        return mesh
    columns, rows = (cells, math.ceil(cells / aspect)) if aspect >= 1.0 else (math.ceil(cells * aspect), cells)
    column = np.clip((mesh.uv[:, 0] * columns).astype(np.int32), 0, columns - 1)
    row = np.clip((mesh.uv[:, 1] * rows).astype(np.int32), 0, rows - 1)
    distance = np.log(np.maximum(np.linalg.norm(mesh.vertices, axis=1), 1e-9))
    layer = np.minimum((distance - distance.min()) / math.log(_DEPTH_RATIO), _MOST_LAYERS - 1).astype(np.int32)
    cell = (layer * rows + row) * columns + column
    first = np.full(_MOST_LAYERS * rows * columns, len(cell), np.int32)
    # The first of a cell's vertices is assigned last.
    first[cell[::-1]] = np.arange(len(cell) - 1, -1, -1, dtype=np.int32)
    kept = np.zeros(len(cell), bool)
    kept[first[first < len(cell)]] = True
    number = np.cumsum(kept, dtype=np.int32) - 1
    triangles = number[first[cell]][mesh.triangles]
    one, two, three = triangles.T
    triangles = _once(triangles[(one != two) & (two != three) & (three != one)])
    return replace(
        mesh,
        vertices=mesh.vertices[kept],
        triangles=triangles,
        uv=mesh.uv[kept],
        colors=mesh.colors[kept],
        normals=mesh.normals[kept],
        quads=np.empty((0, 4), np.int32),
    )


def _once(triangles: np.ndarray) -> np.ndarray:
    """Returns the triangles, int32 (m, 3), each once and in their order, whichever corner comes first."""
    turned = triangles[np.arange(len(triangles))[:, None], (triangles.argmin(axis=1)[:, None] + np.arange(3)) % 3]
    size = np.int64(triangles.max(initial=0)) + 1
    keys = (turned[:, 0].astype(np.int64) * size + turned[:, 1]) * size + turned[:, 2]
    _, places = np.unique(keys, return_index=True)
    return turned[np.sort(places)]
