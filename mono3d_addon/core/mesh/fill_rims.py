# SPDX-License-Identifier: GPL-3.0-or-later
"""The far rims of tears: where the background ends at a near thing, and how it goes on from there.

A rim's surface is continued as the plane that fits it best: a plane's inverse depth is linear in the picture, so floors
and walls go on as what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats

_RADII = (2, 4, 7, 11, 16)
_DIRECTIONS = 8
_CLEAN = (4, 11)
"""Radii in cells between which samples give the colour. At the tear itself the photo mixes those of both sides."""
_STEP = 4
"""Width in cells of a step between two surfaces."""
_ROUGH = 0.03
"""Mean residual, as a fraction of the inverse depth, at which half of a slope is still believed."""
_BLUR = 3
"""Cells beside a tear in which a network's depth is often drawn towards the near side."""
_BLURRED = 0.02
"""Weight of samples there."""
_PASSES = 3


@dataclass(frozen=True)
class Rims:
    """Far cells beside near ones, one entry for each.

    far, near  intp (n,): flat indices of neighbouring cells on both sides of a tear
    step       intp (n,): which of the four neighbours `near` is: 0 right, 1 left, 2 below, 3 above
    jump       float32 (n,): difference of their inverse depths
    height     float32 (n,): the same, up to the nearest cell beside `near`: steps are often several cells wide
    """

    far: NDArray[np.intp]
    near: NDArray[np.intp]
    step: NDArray[np.intp]
    jump: Floats
    height: Floats

    def only(self, chosen: NDArray[np.bool_]) -> Rims:
        """Returns the `chosen` ones, bool (n,)."""
        return Rims(self.far[chosen], self.near[chosen], self.step[chosen], self.jump[chosen], self.height[chosen])


@dataclass(frozen=True)
class Surfaces:
    """How the surfaces go on from n cells.

    planes  float32 (n, 3): inverse depth at the cell itself and its change per column and per row
    colors  float32 (n, 3): colour of the surface beside the tear, 0..1
    """

    planes: Floats
    colors: Floats


def find_rims(
    inverse: Floats,
    alive: NDArray[np.bool_],
    dropped: NDArray[np.bool_],
    along: NDArray[np.bool_],
    down: NDArray[np.bool_],
    tear: float,
) -> Rims:
    """Returns the tears between cells that are `alive`, bool (rows, columns), and those beside `dropped` ones.

    Links are as `grid.links_of` gives them.
    """
    columns = inverse.shape[1]
    flat, peak = inverse.reshape(-1), windows.maximum(np.where(alive, inverse, 0), _STEP).reshape(-1)
    parts = []
    for linked, offset, axis in ((along, 1, 1), (down, columns, 0)):
        first = np.flatnonzero(_both(~linked, alive, axis) | _either(alive, dropped, axis))
        first = first // (columns - axis) * columns + first % (columns - axis)
        second = first + offset
        is_first_far = flat[first] < flat[second]
        far, near = np.where(is_first_far, first, second), np.where(is_first_far, second, first)
        jumps = (flat[near] > flat[far] * np.float32(1 + tear)) & alive.reshape(-1)[far]
        step = np.where(is_first_far, 0, 1) + (0 if axis == 1 else 2)
        far, near, step = far[jumps], near[jumps], step[jumps]
        jump = flat[near] - flat[far]
        parts.append((far, near, step, jump, np.maximum(peak[near] - flat[far], jump)))
    return Rims(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _both(torn: NDArray[np.bool_], alive: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    one = alive[:, :-1] if axis == 1 else alive[:-1]
    other = alive[:, 1:] if axis == 1 else alive[1:]
    found: NDArray[np.bool_] = torn & one & other
    return found


def _either(alive: NDArray[np.bool_], dropped: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    one, other = (slice(None, -1), slice(1, None)) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
    found: NDArray[np.bool_] = (alive[one] & dropped[other]) | (dropped[one] & alive[other])
    return found


def surfaces_at(
    cells: NDArray[np.intp], limit: Floats, inverse: Floats, alive: NDArray[np.bool_], guide: Floats
) -> Surfaces:
    """Returns how the surfaces at `cells`, flat indices (n,), go on.

    Samples with an inverse depth above `limit`, float32 (n,), belong to what is in front and do not count. Planes are
    fitted by iteratively reweighted least squares, with a prior for small changes that counts as much as the
    residuals are large: an exact plane is found exactly, a rough surface goes on level. `guide` are the colours,
    float32 (rows, columns, 3).
    """
    rows, columns = inverse.shape
    row, column = np.divmod(cells, columns)
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    radius = np.repeat(_RADII, _DIRECTIONS)
    turn = np.tile(angle, len(_RADII)) + radius * 0.2
    right = np.append(0, np.rint(radius * np.cos(turn))).astype(np.intp)
    below = np.append(0, np.rint(radius * np.sin(turn))).astype(np.intp)
    distance = np.append(0, radius)
    there_row, there_column = row + below[:, None], column + right[:, None]
    inside = (there_row >= 0) & (there_row < rows) & (there_column >= 0) & (there_column < columns)
    there = np.clip(there_row, 0, rows - 1) * columns + np.clip(there_column, 0, columns - 1)
    value = inverse.reshape(-1)[there]
    own = value[0]
    counts = inside & alive.reshape(-1)[there] & (value <= limit)
    base = counts.astype(np.float32)
    # A surface farther behind is not this one either.
    base *= value >= own * 2 - limit
    base *= np.where(distance < _BLUR, np.float32(_BLURRED), np.float32(1))[:, None]
    x, y = (np.asarray(part[:, None] / _RADII[-1], np.float32) for part in (right, below))
    rise = np.where(counts, value - own, np.float32(0))
    weight = base
    plane = _fitted(rise, x, y, weight / (weight.sum(axis=0) + 1e-6), np.full(len(cells), 1e-6, np.float32))
    for _ in range(_PASSES):
        rest = np.abs(rise - plane[0] - plane[1] * x - plane[2] * y)
        spread = (weight * rest).sum(axis=0) / (weight.sum(axis=0) + 1e-6)
        weight = base / (1 + np.square(rest / (spread + 1e-7 * own)))
        prior = np.square(spread / (_ROUGH * own)) + 1e-7
        plane = _fitted(rise, x, y, weight / (weight.sum(axis=0) + 1e-6), prior)
    planes = np.stack([own + plane[0], plane[1] / _RADII[-1], plane[2] / _RADII[-1]], axis=1)
    is_clean = (base > 0) & ((distance >= _CLEAN[0]) & (distance <= _CLEAN[1]))[:, None]
    return Surfaces(planes.astype(np.float32), _mean_colors(guide.reshape(-1, 3), there, is_clean))


def _fitted(rise: Floats, x: Floats, y: Floats, weight: Floats, prior: Floats) -> Floats:
    """Returns offset and slopes, float32 (3, n), of the planes through samples (k, n) with weights that sum to 1."""
    mean_x, mean_y, mean = ((weight * part).sum(axis=0) for part in (x, y, rise))
    u, v, w = x - mean_x, y - mean_y, rise - mean
    xx, yy, xy = (weight * u * u).sum(axis=0), (weight * v * v).sum(axis=0), (weight * u * v).sum(axis=0)
    xw, yw = (weight * u * w).sum(axis=0), (weight * v * w).sum(axis=0)
    xx, yy = xx + prior, yy + prior
    determinant = xx * yy - xy * xy
    across, along = (xw * yy - yw * xy) / determinant, (yw * xx - xw * xy) / determinant
    return np.stack([mean - across * mean_x - along * mean_y, across, along])


def _mean_colors(colors: Floats, there: NDArray[np.intp], counts: NDArray[np.bool_]) -> Floats:
    """Returns the mean colours, float32 (n, 3), of the samples that count; that of the cell itself without any."""
    share = counts.astype(np.float32)
    total = share.sum(axis=0)
    chosen = np.flatnonzero(counts.any(axis=1))
    sums = np.einsum("kn,knc->nc", share[chosen], colors[there[chosen]])
    return np.where(total[:, None] > 0, sums / np.maximum(total, 1)[:, None], colors[there[0]]).astype(np.float32)
