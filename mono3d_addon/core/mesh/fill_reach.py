# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the background needs to go on behind near things, so that a camera that moves sees no gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats
from ..windows import enlarge, mean
from .fill_rims import Rims

_TURN = 0.36
"""Movement of the camera that the fill is made for, as a fraction of the distance to the scene's middle: 20 degrees."""
MOST_REACH = 0.6
"""Largest reach, as a fraction of the photo's longer side."""
_ASIDE = 2.5
"""What a cell along the tear costs, relative to one away from it."""
_BLOCK = 4
_EVEN = 12
"""Radius in blocks over which the end of the fill is smoothed."""
_ALWAYS = 3.0
"""Blocks beside a tear that are filled in any case, as far as they are needed."""
_MORE, _SPARE = 1.3, 3.0
"""How much farther than that the fill goes on, as a factor and in cells: it may recede from its rim."""


def shift_of(inverse: Floats, focal: float) -> np.float32:
    """Returns by how many cells two things move against each other, for each 1 / m between their inverse depths.

    The camera moves around the middle of the scene. `focal` is its focal length in cells.
    """
    middle = float(np.median(inverse[::8, ::8]))
    return np.float32(_TURN * focal / middle)


def fill_reaches(rims: Rims, shape: tuple[int, int], shift: np.float32) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns where the fill is needed, and where that is close to a tear, bool (rows, columns) each.

    That is as far behind the near side of a tear as a moved camera sees, and all between two rims on opposite sides,
    so that the fill ends there as straight as the photo does.
    """
    rows, columns = shape
    high, wide = -(-rows // _BLOCK), -(-columns // _BLOCK)
    reach = (
        np.minimum(
            rims.height * (shift * np.float32(_MORE)) + np.float32(_SPARE), np.float32(MOST_REACH * max(rows, columns))
        )
        / _BLOCK
    )
    row, column = (place // _BLOCK for place in np.divmod(rims.near, columns))
    needed = np.zeros((high, wide), np.float32)
    beside = []
    for step, axis in enumerate((1, 1, 0, 0)):
        start = np.zeros((high, wide), np.float32)
        mine = rims.step == step
        np.maximum.at(start, (row[mine], column[mine]), reach[mine])
        ahead = _grown(start, axis, 1.0)
        beside.append(ahead > 0)
        np.maximum(needed, _grown(ahead, 1 - axis, _ASIDE), out=needed)
    enclosed = beside[0] & beside[1] | beside[2] & beside[3]
    # Reaches differ from one cell of a rim to the next, but the end of the fill shall be a smooth line.
    even = _smooth(_smooth((enclosed | (needed > 0)).astype(np.float32)))
    close = np.zeros((high, wide), np.float32)
    close[row, column] = np.minimum(reach, _ALWAYS)
    for axis in (0, 1):
        close = _grown(close, axis, 1.0)
    is_close = _large(close, rows, columns) > 0
    return (_large(even, rows, columns) > 0.5) | is_close, is_close


def _large(blocks: Floats, rows: int, columns: int) -> Floats:
    high, wide = blocks.shape
    return enlarge(blocks, wide * _BLOCK, high * _BLOCK)[:rows, :columns]


def _smooth(values: Floats) -> Floats:
    return mean(values, _EVEN)


def _grown(budget: Floats, axis: int, cost: float) -> Floats:
    """Returns the largest budget that is left at each cell when it is spent by `cost` a cell along `axis`."""
    longest = min(budget.max(initial=0.0) / cost, budget.shape[axis] - 1)
    result = np.moveaxis(budget.copy(), axis, 0)
    side = 1
    # Steps of 1, 2, 4 ... reach every distance.
    while side <= longest:
        before = result.copy()
        np.maximum(result[side:], before[:-side] - np.float32(cost * side), out=result[side:])
        np.maximum(result[:-side], before[side:] - np.float32(cost * side), out=result[:-side])
        side *= 2
    return np.moveaxis(result, 0, axis)
