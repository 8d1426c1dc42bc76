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

from .. import windows
from ..arrays import Floats

_REACH = 12
"""Cells of the network's map in which a ramp must have come to its end: twice what networks blur (on the starter)."""
_BEYOND = 4
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
_CLEAR_STEP = 1.5
"""Steps where near is so many times as near as far tell how sharp a map is, if there are enough."""
_ENOUGH, _SHARP = 50, 6.0
"""So many places on such steps, and so many cells of ramp where a map is sharp."""
_LONG, _LONG_STEP = 1.5, 2.0
"""There, a ramp so many times as long is a slanted face, unless near is so many times as near as far."""
_ALONE = 1.3
"""A ramp is the foot of another where a rise of so many times its own steepest is on its profile."""
_CUT_RAMP = 6
_CUT_RISE = 2.0
"""A ramp of at most so many cells, from its foot to the border of the picture that cuts it off, is that of a step where
it rises by at least so many jumps in a cell: no floor is as steep, but one with its horizon a dozen cells away."""
_EDGE = 0.01
"""Cells by which a place may be beyond the picture and still counts as on its border."""
_WINDOW = 2


@dataclass(frozen=True)
class Steps:
    """The steps of an inverse depth map, at the cells of the mesh.

    band  bool (rows, columns), the cells on a ramp
    low   float32 (rows, columns), 1/metres, what the far side has at each cell of the band; 0 elsewhere
    high  the same of the near side
    cut   bool (rows, columns), where in the band the two sides are apart for sure; else a small step may be a remnant
    """

    band: NDArray[np.bool_]
    low: Floats
    high: Floats
    cut: NDArray[np.bool_]


def find_steps(inverse_depth: Floats, rows: int, columns: int, jump: float) -> Steps:
    """Returns the steps of `inverse_depth`, float32 (h, w), 1/metres, in a mesh of `rows` x `columns` cells.

    `jump` is the relative jump of depth from which one counts, above 0; it knows no unit.
    """
    slopes = _slopes(inverse_depth)
    steep = np.hypot(*slopes) > inverse_depth * np.float32(jump / (3 * _REACH))
    row, column = np.nonzero(steep)
    ramps = _ramps(inverse_depth, slopes, row.astype(np.float32), column.astype(np.float32), jump)
    longest = _longest(ramps)
    found = _are_steps(ramps, jump, longest)
    band, sure = np.zeros(steep.shape, bool), np.zeros(steep.shape, np.float32)
    band[row, column] = found
    sure[row, column] = found & ramps.rise_by(_SURE_STEP * jump)
    for _ in range(_RUN_OUT):
        sure = windows.maximum(sure, 1) * band
    wide = windows.enlarge(sure, columns, rows) > 0.05
    return _at_cells(inverse_depth, slopes, wide, jump, longest)


def _longest(ramps: _Ramps) -> float:
    """Returns how long the ramp of a step may be, in cells, judged by those of clear steps.

    A map that shows these sharp shows none as a long ramp. Networks trained on photos draw theirs in all lengths.
    """
    clear = ramps.length[ramps.is_crest & ramps.rise_by(_CLEAR_STEP - 1.0)]
    usual = float(np.quantile(clear, 0.75)) if len(clear) >= _ENOUGH else np.inf
    return _LONG * usual if usual <= _SHARP else np.inf


def _are_steps(ramps: _Ramps, jump: float, longest: float) -> NDArray[np.bool_]:
    return ramps.found & ramps.rise_by(jump) & ((ramps.length <= longest) | ramps.rise_by(_LONG_STEP - 1.0))


def _at_cells(
    inverse_depth: Floats, slopes: tuple[Floats, Floats], wide: NDArray[np.bool_], jump: float, longest: float
) -> Steps:
    """Returns the steps at those cells of the mesh that are in `wide`, bool (rows, columns)."""
    row, column = np.nonzero(wide)
    down = _network_cells(row, len(wide), len(inverse_depth))
    across = _network_cells(column, wide.shape[1], inverse_depth.shape[1])
    ramps = _ramps(inverse_depth, slopes, down, across, jump)
    found = _are_steps(ramps, jump, longest)
    middle = (ramps.low + ramps.high) / 2
    band, cut = np.zeros(wide.shape, bool), np.zeros(wide.shape, bool)
    band[row[found], column[found]] = True
    is_sure = ramps.rise_by(_SURE_STEP * jump) | (ramps.is_alone & (ramps.length <= longest))
    cut[row[found], column[found]] = is_sure[found]
    least = inverse_depth.min()

    def evenly(values: Floats) -> Floats:
        """Neighbouring profiles differ by where their plateaus seem to start."""
        side = np.zeros(wide.shape, np.float32)
        side[row[found], column[found]] = values[found]
        return evened(side, band, _SURE_STEP * jump, 1)

    low, high = evenly(np.clip(ramps.far, least, middle)), evenly(np.maximum(ramps.near, middle))
    return Steps(band, low, high, cut)


def _network_cells(cells: NDArray[np.intp], size: int, network_size: int) -> Floats:
    """Returns where `cells`, (n,), of the mesh's `size` are along the network's, float32 (n,).

    The mesh's outermost cells are beyond the middles of the network's, and are taken to be there.
    """
    places = (cells + 0.5) * (network_size / size) - 0.5
    return np.clip(places, 0, network_size - 1).astype(np.float32)


def _slopes(values: Floats) -> tuple[Floats, Floats]:
    soft = windows.total(values, 1) / windows.total(np.ones_like(values), 1)
    down, across = np.gradient(soft)
    return down.astype(np.float32), across.astype(np.float32)


@dataclass(frozen=True)
class _Ramps:
    """The ramps at some places, all (n,).

    low, high  what they rise from and to, 1/metres; far, near: both plateaus carried on to the place
    found      whether there are both plateaus
    length     cells from the one to the other
    is_crest   whether the place is at the ramp's steepest, and both plateaus are in the picture
    is_alone   whether nothing much steeper is near
    """

    low: Floats
    high: Floats
    far: Floats
    near: Floats
    found: NDArray[np.bool_]
    length: NDArray[np.intp]
    is_crest: NDArray[np.bool_]
    is_alone: NDArray[np.bool_]

    def rise_by(self, share: float) -> NDArray[np.bool_]:
        risen: NDArray[np.bool_] = self.high > self.low * np.float32(1 + share)
        return risen


def _ramps(inverse_depth: Floats, slopes: tuple[Floats, Floats], row: Floats, column: Floats, jump: float) -> _Ramps:
    """Returns the ramps at places, float32 (n,) each, in cells."""
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
        # A profile along the border leaves the picture by no more than rounding.
        outside[number] = (r < -_EDGE) | (r > rows - 1 + _EDGE) | (c < -_EDGE) | (c > columns - 1 + _EDGE)
        profile[number] = _sampled(inverse_depth, r, c)
    rise, beyond = np.diff(profile, axis=0), outside[1:] | outside[:-1]
    around = rise[span - _CREST : span + _CREST]
    crest = np.maximum(around.max(axis=0, initial=0), np.float32(1e-20))
    up = _plateau(rise[span:], beyond[span:], crest)
    back = _plateau(rise[:span][::-1], beyond[:span][::-1], crest)
    each = np.arange(len(row))
    low, high = profile[span - back.start, each], profile[span + up.start, each]
    far = profile[span - back.anchor, each] + back.rise * back.anchor
    near = profile[span + up.anchor, each] - up.rise * up.anchor
    both = up.found & back.found
    is_steep = crest > low * np.float32(_CUT_RISE * jump)
    cut_above = is_steep & up.is_cut & back.found & ~back.is_cut & (_room(beyond[span:]) + back.start <= _CUT_RAMP)
    cut_below = is_steep & back.is_cut & up.found & ~up.is_cut & (_room(beyond[:span][::-1]) + up.start <= _CUT_RAMP)
    if cut_above.any():
        mirrored = 2 * _crest(profile, rise, beyond, cut_above) - low[cut_above]
        high[cut_above] = near[cut_above] = np.maximum(mirrored, high[cut_above])
    if cut_below.any():
        mirrored = 2 * _crest(profile[::-1], rise[::-1], beyond[::-1], cut_below) - high[cut_below]
        low[cut_below] = far[cut_below] = np.minimum(mirrored, low[cut_below])
    return _Ramps(
        low,
        high,
        far,
        near,
        found=both | cut_above | cut_below,
        length=up.start + back.start,
        is_crest=both & ~up.is_cut & ~back.is_cut & (np.maximum(around[_CREST - 1], around[_CREST]) >= crest),
        is_alone=np.where(beyond, np.float32(0), np.abs(rise)).max(axis=0, initial=0) <= np.float32(_ALONE) * crest,
    )


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


def evened(
    values: Floats, zone: NDArray[np.bool_], jump: float, rounds: int, side: NDArray[np.int8] | None = None
) -> Floats:
    """Returns `values`, float32 (h, w), with those in the `zone` the means of the ones around that do not jump from
    them, by `rounds` of a sigma filter (Lee 1983) over 5 x 5 cells; the two cells at the border stay.

    `side`, (h, w), is 1 and -1 for the cells of two sides that are apart, however little, and 0 for others.
    """
    columns = values.shape[1]
    zone = zone.copy()
    zone[:_WINDOW] = zone[-_WINDOW:] = False
    zone[:, :_WINDOW] = zone[:, -_WINDOW:] = False
    cells = np.flatnonzero(zone)
    result = values.ravel().copy()
    around = range(-_WINDOW, _WINDOW + 1)
    sides = np.zeros(values.size, np.int8) if side is None else side.ravel()
    across = -sides[cells]
    for _ in range(rounds):
        own = result[cells]
        most = own * np.float32(jump)
        total, count = np.zeros_like(own), np.zeros_like(own)
        for offset in (down * columns + right for down in around for right in around):
            other = result[cells + offset]
            like = np.abs(other - own) <= most
            if side is not None:
                like &= (sides[cells + offset] != across) | (across == 0)
            total += other * like
            count += like
        result[cells] = total / count
    return result.reshape(values.shape)
