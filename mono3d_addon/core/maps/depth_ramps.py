# SPDX-License-Identifier: GPL-3.0-or-later
"""The depth ramps along profiles of an inverse depth map: where they start and end, and what lies on either side.

A network blurs a depth discontinuity into a ramp between two plateaus. Each profile runs along the gradient. The
plateaus may be slanted, so they are extrapolated linearly to the cell under the ramp.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from ..side_by_side import each

RAMP_REACH = 12
"""Largest distance, in cells of the network's map, from a cell to the end of its ramp: twice the starter's blur."""
_BEYOND = 4
"""Number of plateau cells from which the slope is measured."""
_CREST = 4
"""Search radius, in cells along the profile, for the steepest part of the ramp."""
_PLATEAU = 0.25
"""A plateau rises by less than this fraction of the ramp's steepest rise per cell."""
_SECOND_RAMP = (0.5, 1.3)
"""A second ramp begins where the rise has fallen below the first fraction of the steepest and then grows by the second
factor from one cell to the next."""
_ISOLATED = 1.3
"""A ramp is isolated if no rise on its profile exceeds its own steepest rise by more than this factor."""
_CUT_RAMP = 6
_CUT_RISE = 2.0
"""A ramp that the picture's border truncates is a depth discontinuity if it has at most `_CUT_RAMP` cells inside the
picture and rises by at least `_CUT_RISE` times the jump per cell. No floor is that steep, unless its horizon is less
than about a dozen cells away."""
_EDGE = 0.01
"""Tolerance, in cells, within which a sample outside the picture counts as on its border."""
_BLOCK = 40_000
"""Number of profiles that are examined at a time: few enough for the processor's cache."""


def gradient(values: Floats) -> tuple[Floats, Floats]:
    """Returns the slopes down and across, float32 (h, w) each, of `values`, float32 (h, w), after a 3 x 3 mean."""
    soft = windows.mean(values, 1)
    down, across = np.gradient(soft)
    return np.asarray(down, np.float32), np.asarray(across, np.float32)


@dataclass(frozen=True)
class Ramps:
    """The ramps through n sample points; all arrays are (n,).

    low, high  inverse depth at the far and the near end of the ramp, 1/metres
    far, near  inverse depth of the far and the near plateau, extrapolated to the sample point, 1/metres
    found      whether both plateaus were found
    is_whole   whether both were found inside the picture
    length     length of the ramp in cells
    is_crest   whether the sample point is at the steepest part of the ramp and both plateaus are inside the picture
    is_isolated   whether the profile has no much steeper ramp
    """

    low: Floats
    high: Floats
    far: Floats
    near: Floats
    found: NDArray[np.bool_]
    is_whole: NDArray[np.bool_]
    length: NDArray[np.intp]
    is_crest: NDArray[np.bool_]
    is_isolated: NDArray[np.bool_]

    def rises_by(self, share: float) -> NDArray[np.bool_]:
        """Returns which ramps, bool (n,), rise by more than `share` of their lower end."""
        risen: NDArray[np.bool_] = self.high > self.low * np.float32(1 + share)
        return risen


def ramps_at(inverse_depth: Floats, slopes: tuple[Floats, Floats], row: Floats, column: Floats, jump: float) -> Ramps:
    """Returns the ramps through sample points.

    inverse_depth  float32 (h, w), 1/metres
    slopes         its `gradient`
    row, column    float32 (n,), positions in cells of `inverse_depth`
    jump           relative depth difference of a discontinuity
    """
    blocks = each(
        lambda start: _ramps_of(
            inverse_depth, slopes, row[start : start + _BLOCK], column[start : start + _BLOCK], jump
        ),
        range(0, max(len(row), 1), _BLOCK),
    )
    return Ramps(*(np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(Ramps)))


def _ramps_of(inverse_depth: Floats, slopes: tuple[Floats, Floats], row: Floats, column: Floats, jump: float) -> Ramps:
    down, across = (_sampled(part, row, column) for part in slopes)
    length = np.maximum(np.hypot(down, across), np.float32(1e-20))
    down /= length
    across /= length
    span = RAMP_REACH + _BEYOND
    rows, columns = inverse_depth.shape
    profile = np.empty((2 * span + 1, len(row)), np.float32)
    outside = np.empty(profile.shape, bool)
    for number in range(2 * span + 1):
        r, c = row + np.float32(number - span) * down, column + np.float32(number - span) * across
        # Rounding may put a profile along the border slightly outside.
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
    is_whole = both & ~up.is_cut & ~back.is_cut
    is_steep = crest > low * np.float32(_CUT_RISE * jump)
    length_above = _cells_to_border(beyond[span:]) + back.start
    length_below = _cells_to_border(beyond[:span][::-1]) + up.start
    cut_above = is_steep & up.is_cut & back.found & ~back.is_cut & (length_above <= _CUT_RAMP)
    cut_below = is_steep & back.is_cut & up.found & ~up.is_cut & (length_below <= _CUT_RAMP)
    if cut_above.any():
        mirrored = 2 * _crest_at_border(profile, rise, beyond, cut_above) - low[cut_above]
        high[cut_above] = near[cut_above] = np.maximum(mirrored, high[cut_above])
    if cut_below.any():
        mirrored = 2 * _crest_at_border(profile[::-1], rise[::-1], beyond[::-1], cut_below) - high[cut_below]
        low[cut_below] = far[cut_below] = np.minimum(mirrored, low[cut_below])
    steepest = np.where(beyond, np.float32(0), np.abs(rise)).max(axis=0, initial=0)
    return Ramps(
        low,
        high,
        far,
        near,
        found=both | cut_above | cut_below,
        is_whole=is_whole,
        length=up.start + back.start,
        is_crest=is_whole & (np.maximum(around[_CREST - 1], around[_CREST]) >= crest),
        is_isolated=steepest <= np.float32(_ISOLATED) * crest,
    )


def _cells_to_border(outside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Returns how many cells of each outward profile, bool (cells, n), come before the border, intp (n,)."""
    return np.where(outside.any(axis=0), outside.argmax(axis=0), len(outside))


def _crest_at_border(profile: Floats, rise: Floats, outside: NDArray[np.bool_], which: NDArray[np.bool_]) -> Floats:
    """Returns the inverse depth at the steepest point of ramps that the picture's border truncates, float32 (k,).

    A blurred step edge is steepest at its middle. For a Gaussian blur the logarithms of the rises lie on a parabola;
    its peak is computed from the last three rises before the border, up to one cell beyond it.
    `which`, bool (n,), selects the k profiles.
    """
    profile, rise, outside = profile[:, which], np.maximum(np.abs(rise[:, which]), 1e-12), outside[:, which]
    half = len(rise) // 2
    last = half + np.minimum(_cells_to_border(outside[half:]), half) - 1
    each = np.arange(profile.shape[1])
    before, at, after = (np.log(rise[last - 2 + number, each]) for number in range(3))
    bend = before - 2 * at + after
    offset = np.where(bend < -1e-3, 0.5 * (before - after) / np.minimum(bend, -1e-3), 1.0)
    # Rise i lies between the values i and i + 1.
    place = last - 0.5 + np.clip(offset, -1.0, 1.5)
    cell = np.minimum(np.floor(place).astype(np.intp), last)
    start, end = profile[cell, each], profile[cell + 1, each]
    return (start + (place - cell) * (end - start)).astype(np.float32)


@dataclass(frozen=True)
class _Plateau:
    """The plateau at one end of n profiles; all arrays are (n,).

    found   whether the profile reaches a plateau
    is_cut  whether the picture's border comes first
    start   first cell of the plateau, counted from the sample point
    anchor  a cell inside the plateau, from which it is extrapolated
    rise    rise per cell on the plateau, 1/metres
    """

    found: NDArray[np.bool_]
    is_cut: NDArray[np.bool_]
    start: NDArray[np.intp]
    anchor: NDArray[np.intp]
    rise: Floats


def _plateau(rise: Floats, outside: NDArray[np.bool_], crest: Floats) -> _Plateau:
    """Returns the plateaus of outward profiles.

    rise     float32 (cells, n), differences between neighbouring cells
    outside  bool (cells, n), differences that lie outside the picture
    crest    float32 (n,), steepest rise near the sample point
    """
    here, steeper = rise[:RAMP_REACH], rise[1 : RAMP_REACH + 1]
    steepest = np.maximum(np.maximum.accumulate(here, axis=0), crest)
    half, again = _SECOND_RAMP
    ends = here < np.float32(_PLATEAU) * steepest
    is_less = here < np.float32(half) * steepest
    if outside.any():
        # At the picture's border a flattening ramp counts as ended.
        entered = np.concatenate([np.zeros_like(outside[:1]), outside[: RAMP_REACH - 1]])
        before = np.concatenate([rise[:1], rise[: RAMP_REACH - 1]])
        ends = np.where(outside[:RAMP_REACH], ~entered & (before < np.float32(half) * steepest), ends)
    ends |= is_less & (steeper > np.float32(again) * here)
    start, each = ends.argmax(axis=0), np.arange(rise.shape[1])
    found: NDArray[np.bool_] = np.asarray(ends.any(axis=0))
    is_cut: NDArray[np.bool_] = np.where(found, outside[start, each], outside[:RAMP_REACH].any(axis=0))
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
    # Thin objects have a peak and no plateau: no slope.
    slope = np.where(cells >= 2, slope, np.float32(0))
    return _Plateau(found, is_cut, start, start + cells, slope)


def _sampled(values: Floats, row: Floats, column: Floats) -> Floats:
    """Returns `values`, float32 (h, w), interpolated bilinearly at n positions, clamped to the border, float32 (n,)."""
    rows, columns = values.shape
    row = np.clip(row, 0, np.float32(rows - 1.001))
    column = np.clip(column, 0, np.float32(columns - 1.001))
    first, left = row.astype(np.int32), column.astype(np.int32)
    # The fractions are exact in float32.
    row -= first.astype(np.float32)
    column -= left.astype(np.float32)
    first *= np.int32(columns)
    first += left
    flat = values.ravel()
    upper, upper_right, lower, lower_right = (flat[step:].take(first) for step in (0, 1, columns, columns + 1))
    return _between(_between(upper, upper_right, column), _between(lower, lower_right, column), row)


def _between(start: Floats, end: Floats, share: Floats) -> Floats:
    """Returns the values between `start` and `end`, which change."""
    end -= start
    end *= share
    start += end
    return start
