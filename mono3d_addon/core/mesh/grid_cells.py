# SPDX-License-Identifier: GPL-3.0-or-later
"""The square cells between the points of a grid, and quads for cells with both triangles."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ..arrays import Ints
from .grid import Grid
from .mesh import Mesh


def cells_of(triangles: Ints, columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns row and column, intp (m,) each, of the cell that contains each of the grid's `triangles`.

    A cell is identified by its upper left point; there are `columns` points in a row.
    """
    row, column = np.divmod(triangles.astype(np.intp), columns)
    return row.min(axis=1), column.min(axis=1)


def with_quads(mesh: Mesh, grid: Grid, columns: int) -> Mesh:
    """Returns `mesh`, the result of `grid.mesh`, with a quad for each cell that has both triangles.

    Vertices do not change. Triangles are reordered as `Mesh.quads` requires.
    """
    row, column = cells_of(grid.triangles, columns)
    cell = row * columns + column
    order = np.argsort(cell, kind="stable")
    is_first = np.zeros(len(cell), bool)
    is_first[:-1] = cell[order[1:]] == cell[order[:-1]]
    is_half = is_first.copy()
    is_half[1:] |= is_first[:-1]
    corner = cell[order[is_first]]
    places = corner[:, None] + np.array([0, columns, columns + 1, 1])
    number = np.cumsum(grid.connected, dtype=np.int32) - 1
    triangles = np.concatenate([mesh.triangles[order[is_half]], mesh.triangles[order[~is_half]]])
    return dataclasses.replace(mesh, triangles=triangles, quads=number[places])
