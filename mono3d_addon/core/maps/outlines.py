# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the outlines of things in an estimated depth map from its false discontinuities, and smooths the latter.

A network's map has discontinuities that are none: ripples on even walls, rings round heads, ends of ramps. They are
low, short, or where the photo shows no edge. As with Canny's edges (Canny 1986), weak places of a discontinuity count
as far as they continue strong ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from ..mesh.islands import component_labels
from ..mesh.slopes import are_slope_edges

_REACH = 3
"""Both sides of a discontinuity are compared within windows of 7 x 7 cells."""
_LEAST_CONTRAST = 0.01
"""Contrast, 0..1, that the noise of a photo has anyway."""
_SHARE_OF_CONTRAST = 0.9
"""Exponent of the contrast against that of the height, from a logistic regression on generated scenes with truth."""
_STRONG, _WEAK = 0.011, 0.0035
"""Evidence from which a discontinuity is certain, and from which it continues a certain one."""
_LEAST_RANGE = 1.0
"""Least range of the logarithm of the depth that heights are compared with. How deep an estimated scene is, is often a
guess, so heights count in relation to it."""
_CERTAIN_HEIGHT = 0.69
"""Difference of the logarithms of the depth (a factor of 2) from which a discontinuity is certain at any contrast."""
_LEAST_LENGTH = 0.02
"""Least length of the certain part of an outline, as a fraction of the map's shorter side."""
_SPREADS = ((4, 6), (4, 12), (9, 40))
"""A false discontinuity is distributed over this many cells to both sides in so many rounds; a high one needs more."""

Cells = NDArray[np.intp]


def without_false_steps(inverse_depth: Floats, guide: NDArray[np.float32], jump: float) -> Floats:
    """Returns `inverse_depth`, float32 (rows, columns), with discontinuities at the outlines of things only.

    guide  the photo at the same size, float32 (rows, columns, 3), 0..1
    jump   threshold of a discontinuity, far / near - 1, above 0

    What is no outline becomes a slope of the same height. Cells away from discontinuities do not change.
    """
    beside = beside_jumps(inverse_depth, jump)
    cells = np.flatnonzero(beside)
    if len(cells) == 0:
        return inverse_depth
    is_outline = np.zeros(beside.size, bool)
    is_outline[cells[_are_outlines(inverse_depth, guide, cells)]] = True
    false = beside & ~is_outline.reshape(beside.shape)
    if not false.any():
        return inverse_depth
    return _smoothed(inverse_depth, false, is_outline.reshape(beside.shape), jump)


def beside_jumps(inverse_depth: Floats, jump: float) -> NDArray[np.bool_]:
    """Returns the cells, bool (rows, columns), that differ by more than `jump` from one of their four neighbours.

    Steep slopes, such as a floor at a grazing angle, are no jumps.
    """
    most = np.float32(1 + jump)
    beside = np.zeros(inverse_depth.shape, bool)
    for axis, one, other in (
        (0, inverse_depth[:-1], inverse_depth[1:]),
        (1, inverse_depth[:, :-1], inverse_depth[:, 1:]),
    ):
        row, column = np.nonzero(np.maximum(one, other) > most * np.minimum(one, other))
        sharp = ~are_slope_edges(inverse_depth, row, column, axis, jump)
        row, column = row[sharp], column[sharp]
        beside[row, column] = True
        beside[row + (axis == 0), column + (axis == 1)] = True
    return beside


@dataclass(frozen=True)
class Evidence:
    """What speaks for a discontinuity at n cells.

    height    difference of the logarithms of the depth of both sides, float32 (n,)
    contrast  difference of the colours of both sides, the mean of three channels, float32 (n,), 0..1
    """

    height: Floats
    contrast: Floats

    def strength(self, depth_range: float) -> Floats:
        """Returns the evidence as one number, float32 (n,). The range is that of the logarithm of the map's depth."""
        share = (self.contrast + np.float32(_LEAST_CONTRAST)) ** np.float32(_SHARE_OF_CONTRAST)
        strength = self.height * share / np.float32(depth_range)
        certain: Floats = np.where(self.height > _CERTAIN_HEIGHT, np.maximum(strength, 2 * _STRONG), strength)
        return certain


def evidence_at(inverse_depth: Floats, guide: NDArray[np.float32], cells: Cells) -> Evidence:
    """Returns the evidence at `cells`, flat indices; the two sides are the nearer and the farther cells around each."""
    rows, columns = inverse_depth.shape
    logarithm = np.log(inverse_depth)
    row, column = cells // columns, cells % columns
    reach = range(-_REACH, _REACH + 1)
    places = [
        np.clip(row + up, 0, rows - 1) * columns + np.clip(column + right, 0, columns - 1)
        for up in reach
        for right in reach
    ]
    flat, colors = logarithm.ravel(), guide.reshape(-1, 3)
    values = [flat[place] for place in places]
    middle = (np.maximum.reduce(values) + np.minimum.reduce(values)) / 2
    sums, count = np.zeros((2, 4, len(cells)), np.float32), np.zeros((2, len(cells)), np.float32)
    for place, value in zip(places, values, strict=True):
        is_near = (value > middle).astype(np.float32)
        here = np.concatenate([value[None], colors[place].T])
        for side, weight in enumerate((1 - is_near, is_near)):
            sums[side] += here * weight
            count[side] += weight
    far, near = sums / np.maximum(count, 1)[:, None]
    return Evidence(near[0] - far[0], np.abs(near[1:] - far[1:]).mean(axis=0))


def _are_outlines(inverse_depth: Floats, guide: NDArray[np.float32], cells: Cells) -> NDArray[np.bool_]:
    """Returns which of the `cells` beside discontinuities, flat indices (n,), are at an outline, bool (n,)."""
    rows, columns = inverse_depth.shape
    evidence = evidence_at(inverse_depth, guide, cells)
    low, high = np.percentile(inverse_depth[::8, ::8], [1, 99])
    strength = evidence.strength(max(float(np.log(high / low)), _LEAST_RANGE))
    possible = strength > _WEAK
    kept = np.zeros(len(cells), bool)
    piece = pieces(cells[possible], rows, columns)
    certain = np.bincount(piece, strength[possible] > _STRONG, piece.max(initial=0) + 1)
    # Both sides of an outline have cells.
    kept[possible] = (certain >= 2 * _LEAST_LENGTH * min(rows, columns))[piece]
    return kept


def pieces(cells: Cells, rows: int, columns: int, values: Floats | None = None, jump: float = 0.0) -> Cells:
    """Returns a label for each of the `cells`, ascending flat indices (n,); neighbours, also diagonal ones, share it.

    With `values`, float32 (rows, columns), only neighbours that differ by at most `jump`, a factor - 1, do.
    """
    if not len(cells):
        return cells
    place = cells // columns * (columns + 2) + cells % columns + 1
    flat = None if values is None else values.ravel()[cells]

    def is_one(one: Cells, other: Cells) -> NDArray[np.bool_]:
        """Returns which pairs of cells, by their numbers, belong together."""
        if flat is None:
            return np.ones(len(one), bool)
        first, second = flat[one], flat[other]
        together: NDArray[np.bool_] = np.maximum(first, second) <= np.float32(1 + jump) * np.minimum(first, second)
        return together

    # Cells side by side in a row are a run, of which there are far fewer.
    each = np.arange(len(cells))
    ends = np.diff(place) > 1
    ends |= ~is_one(each[:-1], each[1:])
    run = np.concatenate([[0], np.cumsum(ends)])
    number = np.full((rows + 1) * (columns + 2), -1, np.intp)
    number[place] = each
    pairs = []
    for step in (columns + 1, columns + 2, columns + 3):
        below = number[place + step]
        upper = np.flatnonzero(below >= 0)
        lower = below[upper]
        joined = is_one(upper, lower)
        pair = np.stack([run[upper[joined]], run[lower[joined]]], axis=1)
        pairs.append(pair[np.concatenate([[True], (np.diff(pair, axis=0) != 0).any(axis=1)])] if len(pair) else pair)
    return component_labels(np.concatenate(pairs), int(run[-1]) + 1)[run]


def _smoothed(inverse_depth: Floats, false: NDArray[np.bool_], is_outline: NDArray[np.bool_], jump: float) -> Floats:
    """Returns the map, smoothed around `false` discontinuities but not across outlines; masks are (rows, columns)."""
    result = inverse_depth
    for spread, rounds in _SPREADS:
        zone = windows.widened(false, spread)
        zone[[0, -1]] = zone[:, [0, -1]] = False
        result = _diffused(result, np.flatnonzero(zone), is_outline, jump, rounds)
        false = beside_jumps(result, jump) & ~is_outline
        if not false.any():
            break
    return result


def _diffused(inverse_depth: Floats, cells: Cells, is_outline: NDArray[np.bool_], jump: float, rounds: int) -> Floats:
    """Returns the map with the means of four neighbours at `cells`, taken `rounds` times, but not across outlines."""
    columns = inverse_depth.shape[1]
    result, outline = inverse_depth.ravel().copy(), is_outline.ravel()
    open_to = []
    for step in (1, -1, columns, -columns):
        one, other = result[cells], result[cells + step]
        is_torn = np.maximum(one, other) > np.float32(1 + jump) * np.minimum(one, other)
        open_to.append((step, (~(is_torn & outline[cells] & outline[cells + step])).astype(np.float32)))
    share = 1 / (1 + sum(weight for _, weight in open_to))
    for _ in range(rounds):
        total = result[cells]
        for step, weight in open_to:
            total += result[cells + step] * weight
        result[cells] = total * share
    return result.reshape(inverse_depth.shape)
