# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the blurred steps of a network's disparity, and what lies on either side of them.

Through every steep cell a profile is laid along the gradient. A step's profile is a ramp between two plateaus; that
of a floor, however steep, goes on rising, and so does one side of a crease. The plateaus are surfaces of their own and
slanted, so their slopes are carried on under the ramp to where the cell is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import windows
from .mesh import Floats

_REACH = 12
"""Cells of the network's map in which a ramp must have come to its end: twice what networks blur (on the starter)."""
_BEYOND = 3
"""Cells of a plateau that tell its slope."""
_CREST = 4
"""Cells around, within which the ramp's steepest place counts for a cell at its foot."""
_PLATEAU = 0.25
"""A plateau rises by less than this share of the ramp's steepest rise."""
_SECOND_RAMP = (0.5, 1.3)
"""Where the rise was below the first share of the steepest and then grows by the second, another step begins."""
_SURE_STEP = 3.0
"""A step counts from this many times the jump on; where one does, the smaller ones that it runs out into do too."""
_RUN_OUT = 8
_CUT_RAMP = 6
_CUT_RISE = 2.0
"""A ramp of at most so many cells, from its foot to the border of the picture that cuts it off, is that of a step where
it rises by at least so many jumps in a cell: no floor is as steep, but one with its horizon a dozen cells away."""
_WINDOW = 2


@dataclass(frozen=True)
class Steps:
    """The steps of an inverse depth map, at the cells of the mesh.

    band  bool (rows, columns), the cells on a ramp
    low   float32 (rows, columns), 1/metres, what the far side has at each cell of the band; 0 elsewhere
    high  the same of the near side
    """

    band: NDArray[np.bool_]
    low: Floats
    high: Floats


def find_steps(inverse_depth: Floats, rows: int, columns: int, jump: float) -> Steps:
    """Returns the steps of `inverse_depth`, float32 (h, w), 1/metres, in a mesh of `rows` x `columns` cells.

    `jump` is the relative jump of depth from which one counts, above 0; it knows no unit.
    """
    slopes = _slopes(inverse_depth)
    steep = np.hypot(*slopes) > inverse_depth * np.float32(jump / (3 * _REACH))
    row, column = np.nonzero(steep)
    low, high, _, _, found = _sides(inverse_depth, slopes, row.astype(np.float32), column.astype(np.float32), jump)
    band, sure = np.zeros(steep.shape, bool), np.zeros(steep.shape, np.float32)
    band[row, column] = found & (high > low * np.float32(1 + jump))
    sure[row, column] = found & (high > low * np.float32(1 + _SURE_STEP * jump))
    for _ in range(_RUN_OUT):
        sure = windows.maximum(sure, 1) * band
    wide = windows.enlarge(sure, columns, rows) > 0.05
    return _at_cells(inverse_depth, slopes, wide, jump)


def _at_cells(inverse_depth: Floats, slopes: tuple[Floats, Floats], wide: NDArray[np.bool_], jump: float) -> Steps:
    """Returns the steps at those cells of the mesh that are in `wide`, bool (rows, columns)."""
    rows, columns = wide.shape
    row, column = np.nonzero(wide)
    scale = np.float32(inverse_depth.shape[0] / rows), np.float32(inverse_depth.shape[1] / columns)
    low, high, far, near, found = _sides(
        inverse_depth,
        slopes,
        (row.astype(np.float32) + np.float32(0.5)) * scale[0] - np.float32(0.5),
        (column.astype(np.float32) + np.float32(0.5)) * scale[1] - np.float32(0.5),
        jump,
    )
    found &= high > low * np.float32(1 + jump)
    middle = (low + high) / 2
    band = np.zeros(wide.shape, bool)
    band[row[found], column[found]] = True
    least = inverse_depth.min()
    sides = []
    for values in (np.clip(far, least, middle), np.maximum(near, middle)):
        side = np.zeros(wide.shape, np.float32)
        side[row[found], column[found]] = values[found]
        # Neighbouring profiles differ by where their plateaus seem to start.
        sides.append(evened(side, band, _SURE_STEP * jump, 1))
    return Steps(band, *sides)


def _slopes(values: Floats) -> tuple[Floats, Floats]:
    soft = windows.total(values, 1) / windows.total(np.ones_like(values), 1)
    down, across = np.gradient(soft)
    return down.astype(np.float32), across.astype(np.float32)


def _sides(
    inverse_depth: Floats, slopes: tuple[Floats, Floats], row: Floats, column: Floats, jump: float
) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
    """Returns for places, float32 (n,) each, in cells: low and high end of the ramp, both plateaus carried on to the
    place, and whether there are both. All (n,)."""
    down, across = (_sampled(part, row, column) for part in slopes)
    length = np.maximum(np.hypot(down, across), np.float32(1e-20))
    down /= length
    across /= length
    span = _REACH + _BEYOND
    rows, columns = inverse_depth.shape
    profile = np.empty((2 * span + 1, len(row)), np.float32)
    outside = np.empty(profile.shape, bool)
    for number in range(2 * span + 1):
        r, c = row + np.float32(number - span) * down, column + np.float32(number - span) * across
        outside[number] = (r < 0) | (r > rows - 1) | (c < 0) | (c > columns - 1)
        profile[number] = _sampled(inverse_depth, r, c)
    rise, beyond = np.diff(profile, axis=0), outside[1:] | outside[:-1]
    crest = np.maximum(rise[span - _CREST : span + _CREST].max(axis=0, initial=0), np.float32(1e-20))
    up = _plateau(rise[span:], beyond[span:], crest)
    back = _plateau(rise[:span][::-1], beyond[:span][::-1], crest)
    each = np.arange(len(row))
    low, high = profile[span - back.start, each], profile[span + up.start, each]
    far = profile[span - back.anchor, each] + back.rise * back.anchor
    near = profile[span + up.anchor, each] - up.rise * up.anchor
    found = up.found & back.found
    is_steep = crest > low * np.float32(_CUT_RISE * jump)
    cut_above = is_steep & up.is_cut & back.found & ~back.is_cut & (_room(beyond[span:]) + back.start <= _CUT_RAMP)
    cut_below = is_steep & back.is_cut & up.found & ~up.is_cut & (_room(beyond[:span][::-1]) + up.start <= _CUT_RAMP)
    if cut_above.any():
        mirrored = 2 * _crest(profile, rise, beyond, cut_above) - low[cut_above]
        high[cut_above] = near[cut_above] = np.maximum(mirrored, high[cut_above])
    if cut_below.any():
        mirrored = 2 * _crest(profile[::-1], rise[::-1], beyond[::-1], cut_below) - high[cut_below]
        low[cut_below] = far[cut_below] = np.minimum(mirrored, low[cut_below])
    return low, high, far, near, found | cut_above | cut_below


def _room(outside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Returns how many steps of each profile, bool (cells, n) running outwards, are inside the picture, (n,)."""
    return np.where(outside.any(axis=0), outside.argmax(axis=0), len(outside))


def _crest(profile: Floats, rise: Floats, outside: NDArray[np.bool_], which: NDArray[np.bool_]) -> Floats:
    """Returns the values of profiles, those of `which`, at the steepest place of their ramp, which the border cuts off.

    A blurred step is steepest at its middle. Three rises before the border, whose logarithms lie on a parabola where
    the blur is Gaussian, tell where that is, up to one cell beyond the border.
    """
    profile, rise, outside = profile[:, which], np.maximum(np.abs(rise[:, which]), 1e-12), outside[:, which]
    half = len(rise) // 2
    last = half + np.minimum(_room(outside[half:]), half) - 1
    each = np.arange(profile.shape[1])
    before, at, after = (np.log(rise[last - 2 + number, each]) for number in range(3))
    bend = before - 2 * at + after
    offset = np.where(bend < -1e-3, 0.5 * (before - after) / np.minimum(bend, -1e-3), 1.0)
    # The rise number `last` - 1 lies half a cell beyond the value of that number.
    place = last - 0.5 + np.clip(offset, -1.0, 1.5)
    cell = np.minimum(np.floor(place).astype(np.intp), last)
    start, end = profile[cell, each], profile[cell + 1, each]
    return (start + (place - cell) * (end - start)).astype(np.float32)


@dataclass(frozen=True)
class _Plateau:
    """Where each profile's plateau starts, (n,) in cells from the place, a cell well on it, and its rise a cell.

    `is_cut` tells where the picture ends before there is one.
    """

    found: NDArray[np.bool_]
    is_cut: NDArray[np.bool_]
    start: NDArray[np.intp]
    anchor: NDArray[np.intp]
    rise: Floats


def _plateau(rise: Floats, outside: NDArray[np.bool_], crest: Floats) -> _Plateau:
    """Returns the plateaus of profiles that run outwards, `rise` float32 (cells, n)."""
    steepest = np.maximum(np.maximum.accumulate(rise, axis=0), crest)
    half, again = _SECOND_RAMP
    before = np.concatenate([rise[:1], rise[:-1]])
    # At the border of the picture what looks like a ramp's end is taken for one.
    entered = np.concatenate([np.zeros_like(outside[:1]), outside[:-1]])
    at_border = ~entered & (before < np.float32(half) * steepest)
    ends = np.where(outside, at_border, rise < np.float32(_PLATEAU) * steepest)
    ends[:-1] |= (rise[1:] > np.float32(again) * rise[:-1]) & (rise[:-1] < np.float32(half) * steepest[:-1])
    ends = ends[:_REACH]
    start, each = ends.argmax(axis=0), np.arange(rise.shape[1])
    found: NDArray[np.bool_] = np.asarray(ends.any(axis=0))
    is_cut: NDArray[np.bool_] = np.where(found, outside[start, each], outside[:_REACH].any(axis=0))
    crest = steepest[start, each]
    slope = np.zeros_like(crest)
    cells = np.zeros(len(start), np.intp)
    flat: NDArray[np.bool_] = found.copy()
    for number in range(_BEYOND):
        here = rise[start + number, each]
        flat &= (np.abs(here) < np.float32(_PLATEAU) * crest) & ~outside[start + number, each]
        if number:
            flat &= here < np.float32(again) * np.abs(slope) + np.float32(0.05) * crest
        cells += flat
        slope = np.where(flat, here, slope)
    # Something thin has a peak and no plateau.
    slope = np.where(cells >= 2, slope, np.float32(0))
    return _Plateau(found, is_cut, start, start + cells, slope)


def _sampled(values: Floats, row: Floats, column: Floats) -> Floats:
    """Returns `values`, float32 (h, w), between its cells, float32 (n,); outside those at the border."""
    rows, columns = values.shape
    row = np.clip(row, 0, np.float32(rows - 1.001))
    column = np.clip(column, 0, np.float32(columns - 1.001))
    top, left = row.astype(np.int32), column.astype(np.int32)
    down, across = row - top, column - left
    flat, first = values.ravel(), top * np.int32(columns) + left
    upper, lower = flat[first], flat[first + columns]
    upper += across * (flat[first + 1] - upper)
    lower += across * (flat[first + (columns + 1)] - lower)
    upper += down * (lower - upper)
    return upper


def evened(values: Floats, zone: NDArray[np.bool_], jump: float, rounds: int) -> Floats:
    """Returns `values`, float32 (h, w), with those in the `zone` the means of the ones around that do not jump from
    them, by `rounds` of a sigma filter (Lee 1983) over 5 x 5 cells; the two cells at the border stay."""
    columns = values.shape[1]
    zone = zone.copy()
    zone[:_WINDOW] = zone[-_WINDOW:] = False
    zone[:, :_WINDOW] = zone[:, -_WINDOW:] = False
    cells = np.flatnonzero(zone)
    result = values.ravel().copy()
    around = range(-_WINDOW, _WINDOW + 1)
    for _ in range(rounds):
        own = result[cells]
        most = own * np.float32(jump)
        total, count = np.zeros_like(own), np.zeros_like(own)
        for offset in (down * columns + across for down in around for across in around):
            other = result[cells + offset]
            like = np.abs(other - own) <= most
            total += other * like
            count += like
        result[cells] = total / count
    return result.reshape(values.shape)
