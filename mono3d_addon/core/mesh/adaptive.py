# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptive triangulation: large triangles where the surface is flat, small ones where it bends and at boundaries.

A right-triangulated irregular network (Evans, Kirkpatrick and Townsend 2001) over the inverse depth, in which planes
are linear in the picture: a wall or a floor needs two triangles at any slant. Squares of cells are split along a
diagonal, the halves at the midpoint of their longest side, and so on down to the grid's own triangles. A triangle that
touches a tear or a boundary is always split, so these match the grid exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats, Ints
from .adaptive_errors import Bools, Field, is_falling, point_errors
from .grid import Grid
from .grid_cells import cells_of

_LARGEST = 64
"""Side of the largest squares in cells."""

_ERRORS = (1e-6, 1e3)
"""Search range of the error limit that meets the budget; its lower end is the rounding error of float32."""

_ROUNDS = 16
"""Bisection steps, on a logarithmic scale."""


def adaptive_triangles(grid: Grid, rows: int, columns: int, budget: int) -> Ints:
    """Returns at most `budget` triangles, int32 (m, 3), over the points of `grid`, which has `rows` x `columns` points.

    They minimise the largest error, `max |z mesh / z grid - 1|` over all points of the grid. If boundaries and tears
    need more than half of the budget, it is raised to twice their number.
    """
    tree = _Tree.over(grid, rows, columns)
    low, high = _ERRORS
    budget = max(budget, 2 * tree.count(high))
    if tree.count(low) <= budget:
        return tree.triangles(low)
    for _ in range(_ROUNDS):
        middle = math.sqrt(low * high)
        if tree.count(middle) <= budget:
            high = middle
        else:
            low = middle
    return tree.triangles(high)


@dataclass(frozen=True)
class _Tree:
    """All triangles of the network, identified by their split points, the midpoints of their longest sides.

    error    float32 (padded rows + 1, padded columns + 1): the error without this split point; never less than those
             of the points that depend on it, so that the points above any limit make a mesh without gaps
    full     bool (padded rows, padded columns): cells with both triangles in the grid
    own      int32 (k, 3): the grid's triangles
    cell     intp (k,): the cells of `own`, row * padded columns + column
    columns  points in a row of the grid
    """

    error: Floats
    full: Bools
    own: Ints
    cell: NDArray[np.intp]
    columns: int

    @classmethod
    def over(cls, grid: Grid, rows: int, columns: int) -> _Tree:
        high, wide = (-(-(side - 1) // (2 * _LARGEST)) * 2 * _LARGEST for side in (rows, columns))
        row, column = cells_of(grid.triangles, columns)
        cell = row * wide + column
        count = np.bincount(cell, minlength=high * wide).reshape(high, wide)
        depth = np.ones((high + 1, wide + 1), np.float32)
        used = np.zeros(depth.shape, bool)
        used[:rows, :columns] = grid.connected.reshape(rows, columns)
        depth[used] = grid.points[grid.connected, 2]
        error = point_errors(Field(depth, used, count == 2, count > 0), _LARGEST)
        return cls(error, count == 2, grid.triangles, cell, columns)

    def count(self, limit: float) -> int:
        """Returns the number of triangles of the coarsest mesh with no error above `limit`."""
        total = 0
        for side in _sides():
            for _, leaf in self._leaves(side, limit):
                total += int(np.count_nonzero(leaf))
        return total + int(np.count_nonzero(self._unit_cells(limit).reshape(-1)[self.cell]))

    def triangles(self, limit: float) -> Ints:
        """Returns the triangles, int32 (m, 3), indices into the grid's points, counter-clockwise from the camera."""
        parts = [self.own[self._unit_cells(limit).reshape(-1)[self.cell]]]
        for side in _sides():
            for corners, leaf in self._leaves(side, limit):
                row, column = np.nonzero(leaf)
                first = (row * self.columns + column) * side
                steps = [(down * self.columns + right) * side // 2 for down, right in corners]
                parts.append((first[:, None] + np.array(steps)).astype(np.int32))
        return np.concatenate(parts)

    def _unit_cells(self, limit: float) -> Bools:
        """Returns the unit cells, bool, of which both halves are triangles of the mesh."""
        one, other = self._halves(1, limit)
        return one & other

    def _leaves(self, side: int, limit: float) -> list[tuple[Corners, Bools]]:
        """Returns the corners of each type of triangle in squares of `side`, and the squares in which it is a leaf.

        Corners are (down, right) in half sides of the square. Unit cells that are whole are not included; see
        `_unit_cells`.
        """
        upper, lower = self._halves(side, limit)
        falling = is_falling(upper.shape)
        found: list[tuple[Corners, Bools]] = []
        if side == 1:
            alone = self.full & (upper ^ lower)
            return [(_HALVES[name], alone & where) for name, where in _named(upper, lower, falling).items()]
        half = side // 2
        cut = self.error[half::side, half::side] > limit
        cells = self.full
        upper_full = np.where(falling, cells[0::side, side - 1 :: side], cells[0::side, 0::side])
        lower_full = np.where(falling, cells[side - 1 :: side, 0::side], cells[side - 1 :: side, side - 1 :: side])
        whole = _named(upper & ~cut & upper_full, lower & ~cut & lower_full, falling)
        found += [(_HALVES[name], where) for name, where in whole.items()]
        level = self.error[0::side, half::side] > limit
        upright = self.error[half::side, 0::side] > limit
        found += [
            (_QUARTERS["top"], cut & ~level[:-1] & cells[0::side, half::side]),
            (_QUARTERS["bottom"], cut & ~level[1:] & cells[side - 1 :: side, half::side]),
            (_QUARTERS["left"], cut & ~upright[:, :-1] & cells[half::side, 0::side]),
            (_QUARTERS["right"], cut & ~upright[:, 1:] & cells[half::side, side - 1 :: side]),
        ]
        return found

    def _halves(self, side: int, limit: float) -> tuple[Bools, Bools]:
        """Returns the squares of `side` whose upper and whose lower half, split along the diagonal, exist.

        A half exists if the mesh has the point at its right angle, a midpoint in a square twice as large.
        """
        rows, columns = (extent // side for extent in self.full.shape)
        if side == _LARGEST:
            whole = np.ones((rows, columns), bool)
            return whole, whole
        there = self.error[::side, ::side] > limit
        falling = is_falling((rows, columns))
        upper = np.where(falling, there[:-1, 1:], there[:-1, :-1])
        lower = np.where(falling, there[1:, :-1], there[1:, 1:])
        return upper, lower


Corners = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

_HALVES: dict[str, Corners] = {
    "upper falling": ((0, 0), (2, 2), (0, 2)),
    "lower falling": ((0, 0), (2, 0), (2, 2)),
    "upper rising": ((0, 0), (2, 0), (0, 2)),
    "lower rising": ((0, 2), (2, 0), (2, 2)),
}
_QUARTERS: dict[str, Corners] = {
    "top": ((0, 0), (1, 1), (0, 2)),
    "left": ((0, 0), (2, 0), (1, 1)),
    "bottom": ((1, 1), (2, 0), (2, 2)),
    "right": ((0, 2), (1, 1), (2, 2)),
}
"""Corners (down, right) in half sides of a square, counter-clockwise seen from the camera."""


def _named(upper: Bools, lower: Bools, falling: Bools) -> dict[str, Bools]:
    return {
        "upper falling": upper & falling,
        "lower falling": lower & falling,
        "upper rising": upper & ~falling,
        "lower rising": lower & ~falling,
    }


def _sides() -> list[int]:
    return [1 << power for power in range(_LARGEST.bit_length())]
