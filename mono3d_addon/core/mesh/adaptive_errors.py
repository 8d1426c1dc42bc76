# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of every triangle of a right-triangulated network over a depth grid, level by level.

Squares have sides of 2, 4, 8 ... cells. Each is first split into halves along a diagonal, `falling` or rising in a
chessboard pattern, then into quarters: the triangles between each side and the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

Bools = NDArray[np.bool_]

_QUARTERS = ("top", "left", "right", "bottom")


@dataclass(frozen=True)
class Field:
    """A depth grid, padded to a multiple of twice the largest square.

    depth  float32 (rows + 1, columns + 1), metres; 1 where there is no triangle
    used   bool (rows + 1, columns + 1), points that belong to triangles
    full   bool (rows, columns), cells with two triangles
    some   bool (rows, columns), cells with one or two triangles
    """

    depth: Floats
    used: Bools
    full: Bools
    some: Bools

    @property
    def inverse(self) -> Floats:
        """The inverse depth, in which planes are linear in the picture."""
        return np.asarray(1.0 / self.depth, np.float32)


def is_falling(shape: tuple[int, ...]) -> Bools:
    """Returns which squares, bool, are split from the upper left to the lower right, through their parent's centre."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    falling: Bools = (row + column) % 2 == 0
    return falling


def point_errors(field: Field, largest: int) -> Floats:
    """Returns the error of the network without each point of the grid, float32 (rows + 1, columns + 1).

    It is the largest `|z triangle / z - 1|` under the two triangles that this point splits, the midpoint of their
    longest side, and infinite if one of them covers cells both with and without triangles. It is never less than the
    errors of the points that depend on this one, so that the points above any limit make a mesh without gaps.
    """
    inverse = field.inverse
    error = np.zeros(field.depth.shape, np.float32)
    side = 2
    while side <= largest:
        half, quarter = side // 2, side // 4
        level, upright = _quarter_errors(field, inverse, side)
        if quarter:
            below = error[quarter::half, quarter::half]
            _raise_both(level, np.maximum(below[:, 0::2], below[:, 1::2]))
            _raise_both(upright.T, np.maximum(below[0::2], below[1::2]).T)
        middle = _half_errors(field, inverse, side)
        for children in (level[:-1], level[1:], upright[:, :-1], upright[:, 1:]):
            np.maximum(middle, children, out=middle)
        error[0::side, half::side], error[half::side, 0::side] = level, upright
        error[half::side, half::side] = middle
        side *= 2
    return error


def _raise_both(lines: Floats, between: Floats) -> None:
    """Raises each of n + 1 `lines` to the maximum of itself and its neighbours among the 2 n rows `between`."""
    np.maximum(lines[:-1], between[0::2], out=lines[:-1])
    np.maximum(lines[1:], between[1::2], out=lines[1:])


def _half_errors(field: Field, inverse: Floats, side: int) -> Floats:
    """Returns the largest error in each square of `side` if split into halves, float32 (rows, columns)."""
    rows, columns = (extent // side for extent in field.full.shape)
    falling, rising = _half_weights(side)
    # The pattern repeats every 2 x 2 squares.
    weights = np.array([[falling, rising], [rising, falling]], np.float32).transpose(2, 0, 3, 1, 4)
    guess = np.zeros((rows // 2, 2, side, columns // 2, 2, side), np.float32)
    for corner, pattern in zip(_corners(inverse, side), weights, strict=True):
        guess += corner.reshape(rows // 2, 2, 1, columns // 2, 2, 1) * pattern[None, :, :, None]
    error = _relative(guess, field.depth).max(axis=(2, 5)).reshape(rows, columns)
    every = np.ones((side, side), bool)
    return _masked_errors(error, _in_squares(field.full, side), _in_squares(field.some, side), every)


def _half_weights(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the interpolation weights of the corners a b / c d, (4, side, side), for falling and rising diagonals."""
    down, right = _square_positions(side)
    nothing = np.zeros_like(down)
    above = (1 - right, right - down, nothing, down)
    below = (1 - down, nothing, down - right, right)
    before = (1 - down - right, right, down, nothing)
    behind = (nothing, 1 - down, 1 - right, down + right - 1)
    return np.where(right >= down, above, below), np.where(down + right <= 1, before, behind)


def _quarter_errors(field: Field, inverse: Floats, side: int) -> tuple[Floats, Floats]:
    """Returns the largest error in the two quarters at each horizontal and at each vertical side of the squares.

    The arrays are float32 (rows + 1, columns) and (rows, columns + 1).
    """
    rows, columns = (extent // side for extent in field.full.shape)
    down, right = _square_positions(side)
    nothing = np.zeros_like(down)
    # Interpolation weights of the corners a b / c d and of the centre.
    taken = {
        "top": (1 - right - down, right - down, nothing, nothing, 2 * down),
        "left": (1 - down - right, nothing, down - right, nothing, 2 * right),
        "right": (nothing, right - down, nothing, down - 1 + right, 2 - 2 * right),
        "bottom": (nothing, nothing, down - right, right - 1 + down, 2 - 2 * down),
    }
    lies_in = _in_quarter(down, right)
    which = np.select([lies_in[name] for name in _QUARTERS], range(4))
    weights = np.select([which == index for index in range(4)], [np.array(taken[name]) for name in _QUARTERS])
    guess = np.zeros((rows, side, columns, side), np.float32)
    values = (*_corners(inverse, side), inverse[side // 2 :: side, side // 2 :: side])
    for value, pattern in zip(values, weights.astype(np.float32), strict=True):
        guess += value[:, None, :, None] * pattern[None, :, None]
    error = _relative(guess, field.depth)
    full, some = _in_squares(field.full, side), _in_squares(field.some, side)
    # A cell on the border between two quarters counts for both.
    touches = _in_quarter(down + np.float32(0.5 / side), right + np.float32(0.5 / side))
    found = {}
    for index, name in enumerate(_QUARTERS):
        most = (error * (which == index).astype(np.float32)[None, :, None]).max(axis=(1, 3))
        found[name] = _masked_errors(most, full, some, touches[name])
    # Points on a side belong to the squares below and to the right, whose cells may be empty.
    level = _line_errors(inverse[::side], field.depth[::side], field.used[::side], side)
    upright = _line_errors(inverse[:, ::side].T, field.depth[:, ::side].T, field.used[:, ::side].T, side).T
    np.maximum(level[:-1], found["top"], out=level[:-1])
    np.maximum(level[1:], found["bottom"], out=level[1:])
    np.maximum(upright[:, :-1], found["left"], out=upright[:, :-1])
    np.maximum(upright[:, 1:], found["right"], out=upright[:, 1:])
    return level, upright


def _in_quarter(down: NDArray[np.float32], right: NDArray[np.float32]) -> dict[str, Bools]:
    """Returns for each quarter which positions in a square lie in it, borders included."""
    above, before = down <= right, down + right <= 1
    below, behind = down >= right, down + right >= 1
    return {"top": above & before, "left": below & before, "right": above & behind, "bottom": below & behind}


def _line_errors(inverse: Floats, depth: Floats, used: Bools, side: int) -> Floats:
    """Returns the largest error along each horizontal side of the squares, float32 (lines, sides)."""
    place = np.arange(side, dtype=np.float32) / np.float32(side)
    ends = inverse[:, ::side, None]
    guess = ends[:, :-1] * (1 - place) + ends[:, 1:] * place
    guess *= depth[:, :-1].reshape(guess.shape)
    error: Floats = (np.abs(guess - 1) * used[:, :-1].reshape(guess.shape)).max(axis=2)
    return error


def _square_positions(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the positions, down and right, of the points of a square, 0..1 of its side, float32 (side, side) each."""
    down, right = np.mgrid[:side, :side].astype(np.float32) / np.float32(side)
    return down, right


def _corners(values: Floats, side: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns the values at the corners a b / c d of all squares of `side`."""
    some = values[::side, ::side]
    return some[:-1, :-1], some[:-1, 1:], some[1:, :-1], some[1:, 1:]


def _relative(guess: Floats, depth: Floats) -> Floats:
    """Returns the relative error of the interpolated inverse depth, `|guess z - 1|`; overwrites `guess`."""
    guess *= depth[:-1, :-1].reshape(guess.shape)
    guess -= 1
    return np.abs(guess, out=guess)


def _in_squares(cells: Bools, side: int) -> Bools:
    rows, columns = cells.shape
    return cells.reshape(rows // side, side, columns // side, side)


def _masked_errors(error: Floats, full: Bools, some: Bools, touches: Bools) -> Floats:
    """Returns the errors, 0 where no cell has a triangle, infinite where only some of the cells are full."""
    part = touches[None, :, None]
    is_torn, has_some = (~full & part).any(axis=(1, 3)), (some & part).any(axis=(1, 3))
    return np.where(has_some, np.where(is_torn, np.float32(np.inf), error), np.float32(0))
