# SPDX-License-Identifier: GPL-3.0-or-later
"""Straightens bars, legs and stalks in an estimated depth map, which networks make wavy.

The inverse depth of a straight line is linear along its image, whatever scale and shift a network gives it. So the mean
inverse depth across a thin thing is made linear along it. What the thing is like across stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from ..principal_axes import principal_axes
from .outlines import pieces

_HALF_WIDTH = 0.02
"""Half of the largest width of a thin thing, as a fraction of the map's shorter side."""
_LENGTH = 0.06
"""Its least length, as a fraction of the shorter side."""
_ELONGATION = 3.0
"""Its least length as a multiple of its width."""
_TORN = 0.6
"""Least share of its border at which it stands apart from what is beside it; its ends may be joined to something."""
_ROUNDS = 3
_OFF, _FARTHEST_OFF = 0.5, 1.0
"""Distances from the line, relative to what the thing stands out by, up to which a part of it is straightened, and from
which it is left alone."""
_EVENED = 2
"""Corrections are evened out over this many cells to both sides along a thing."""

Doubles = NDArray[np.float64]
Numbers = NDArray[np.intp]


def with_straight_bars(inverse_depth: Floats, jump: float) -> Floats:
    """Returns `inverse_depth`, float32 (rows, columns), 1/metres, with thin things straight.

    They are long, narrow, in one piece with nothing else, and nearer than both of their sides by more than `jump`,
    far / near - 1. Nothing else changes. Straight lines must be straight in the picture, as those of a pinhole camera.
    """
    rows, columns = inverse_depth.shape
    shorter = min(rows, columns)
    radius = max(2, round(_HALF_WIDTH * shorter))
    behind = windows.maximum(windows.minimum(inverse_depth, radius), radius)
    thin = inverse_depth > behind * np.float32(1 + jump)
    cells = np.flatnonzero(thin)
    if not len(cells):
        return inverse_depth
    piece = pieces(cells, rows, columns, inverse_depth, jump)
    kept = (np.bincount(piece) >= _LENGTH * shorter) & (_torn_shares(inverse_depth, thin, cells, piece, jump) >= _TORN)
    cells, piece = cells[kept[piece]], np.unique(piece[kept[piece]], return_inverse=True)[1]
    if not len(cells):
        return inverse_depth
    along, is_bar = _along(cells, piece, columns, _LENGTH * shorter)
    cells, piece, along = cells[is_bar[piece]], piece[is_bar[piece]], along[is_bar[piece]]
    values, above = inverse_depth.ravel()[cells], behind.ravel()[cells]
    change = _change(values - above, values, along, piece, jump)
    result = inverse_depth.ravel().copy()
    result[cells] = np.minimum(values + change, inverse_depth.max())
    return result.reshape(rows, columns)


def _torn_shares(values: Floats, thin: NDArray[np.bool_], cells: Numbers, piece: Numbers, jump: float) -> Doubles:
    """Returns the share of the border of each piece, float64 (pieces,), at which `values`, (rows, columns), jump.

    A crease or a fold of something larger has hardly any.
    """
    columns = values.shape[1]
    flat, is_thin = values.ravel(), thin.ravel()
    torn, border = np.zeros(int(piece.max()) + 1), np.zeros(int(piece.max()) + 1)
    for step, is_inside in (
        (1, cells % columns < columns - 1),
        (-1, cells % columns > 0),
        (columns, cells < flat.size - columns),
        (-columns, cells >= columns),
    ):
        here, where = cells[is_inside], piece[is_inside]
        there = here + step
        is_border = ~is_thin[there]
        jumps = flat[here] > np.float32(1 + jump) * flat[there]
        border += np.bincount(where, weights=is_border, minlength=len(border))
        torn += np.bincount(where, weights=is_border & jumps, minlength=len(torn))
    return torn / np.maximum(border, 1.0)


def _along(cells: Numbers, piece: Numbers, columns: int, least: float) -> tuple[Doubles, NDArray[np.bool_]]:
    """Returns how far each cell is along its piece, float64 (n,), and which pieces are long enough, bool (pieces,)."""
    row, column = (values.astype(np.float64) for values in np.divmod(cells, columns))
    axes = principal_axes(column, row, piece)
    # A row of cells is spread by length / sqrt 12, and one cell by 1 / sqrt 12.
    long = np.sqrt(12.0 * axes.most)
    is_bar = (long >= least) & (long >= _ELONGATION * np.sqrt(12.0 * axes.least + 1.0))
    return axes.along, is_bar


@dataclass(frozen=True)
class _Sections:
    """The cross-sections of all pieces, one cell long; arrays are (sections,).

    piece   number of its piece
    place   how far it lies along the piece
    value   mean inverse depth, 1/metres
    height  by how much it is nearer than what is behind it, 1/metres
    count   cells
    """

    piece: Numbers
    place: Doubles
    value: Doubles
    height: Doubles
    count: Doubles


def _change(height: Floats, values: Floats, along: Doubles, piece: Numbers, jump: float) -> Floats:
    """Returns what to add to the `values`, float32 (n,), so that their means across each piece are linear along it.

    A piece that would be cut into several stays as it is.
    """
    if not len(values):
        return values
    section = np.rint(along).astype(np.intp)
    key = piece * (int(np.ptp(section)) + 1) + section - section.min()
    _, first, where = np.unique(key, return_index=True, return_inverse=True)
    count = np.bincount(where).astype(np.float64)
    means = [np.bincount(where, weights=part) / count for part in (along, values, height)]
    sections = _Sections(piece[first], means[0], means[1], np.maximum(means[2], 1e-12), count)
    # At its end on the floor, a leg is hardly nearer than what is behind it, but not farther.
    line = np.maximum(_lines(sections), (sections.value - sections.height) * (1.0 + jump / 2.0))
    off = np.abs(sections.value - line) / sections.height
    share = np.clip((_FARTHEST_OFF - off) / (_FARTHEST_OFF - _OFF), 0.0, 1.0)
    change = share * (line - sections.value)
    # Neighbours along a piece are neighbours in the list.
    total, weight = change.copy(), np.ones(len(change))
    for step in range(1, _EVENED + 1):
        same = sections.piece[step:] == sections.piece[:-step]
        total[step:] += same * change[:-step]
        total[:-step] += same * change[step:]
        weight[step:] += same
        weight[:-step] += same
    change = total / weight
    return np.asarray(np.where(_cut(sections, change, jump)[sections.piece], 0.0, change)[where], np.float32)


def _cut(sections: _Sections, change: Doubles, jump: float) -> NDArray[np.bool_]:
    """Returns the pieces, bool (pieces,), that a `change` of their sections, float64 (sections,), would tear."""
    same = sections.piece[1:] == sections.piece[:-1]
    steps = [np.abs(np.diff(np.log(values))) for values in (sections.value, sections.value + change)]
    is_new = same & (steps[1] > np.maximum(np.log1p(jump / 2.0), steps[0]))
    cut = np.zeros(int(sections.piece.max()) + 1, bool)
    cut[sections.piece[1:][is_new]] = True
    return cut


def _lines(sections: _Sections) -> Doubles:
    """Returns the value of the line through each piece at its sections, float64 (sections,): iterated least squares."""
    weight, line = sections.count, sections.value
    for _ in range(_ROUNDS):
        total = np.maximum(np.bincount(sections.piece, weights=weight), 1e-12)

        def mean(values: Doubles, weight: Doubles = weight, total: Doubles = total) -> Doubles:
            return (np.bincount(sections.piece, weights=weight * values) / total)[sections.piece]

        place, value = sections.place - mean(sections.place), sections.value - mean(sections.value)
        slope = mean(place * value) / np.maximum(mean(place * place), 1e-12)
        line = sections.value - value + slope * place
        weight = sections.count / (1.0 + np.square((sections.value - line) / (_OFF * sections.height)))
    return line
