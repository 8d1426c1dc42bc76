# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds straight edges in a photo: of walls, doors, furniture, pavements; numpy only.

Places where the brightness changes most are linked to lines where they have about the same direction, as by Burns,
Hanson and Riseman (1986), and a line is fitted to each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Bytes, Floats
from ..mesh.islands import component_labels
from ..principal_axes import principal_axes
from .resampling import resize_to

_SIDE = 640
"""Longer side in pixels at which edges are looked for."""
_CONTRAST = 0.012
"""Least slope of the brightness, 0..1, per pixel."""
_SECTORS = 16
"""Directions of the slope, over the whole circle, that are told apart when edges are linked."""
_SHORTEST = 0.03
"""Least length relative to the photo's longer side."""
_WIDEST = 0.55
"""RMS distance in pixels from the line up to which edges lie on it."""
_DENSE = 0.6
"""Least number of edges per pixel of length."""
_MARGIN = 2
"""Pixels along the borders that have no edges."""
_ACROSS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns to the neighbour along the slope, for each eighth of a turn."""
_LINKED = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Rows and columns to one of each two opposite neighbours."""

Doubles = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Segments:
    """Straight edges; arrays are float64 (n,). The unit of length is the photo's longer side.

    x, y    middle, from the middle of the photo, to the right and down
    angle   direction in radians from the rows, clockwise, -pi/2..pi/2
    length  from end to end
    """

    x: Doubles
    y: Doubles
    angle: Doubles
    length: Doubles

    def __len__(self) -> int:
        """Returns the number of edges."""
        return len(self.x)

    def longest(self, count: int) -> Segments:
        """Returns the longest ones, at most `count`."""
        kept = np.argsort(-self.length, kind="stable")[:count]
        return Segments(self.x[kept], self.y[kept], self.angle[kept], self.length[kept])


@dataclass(frozen=True)
class _Edges:
    """Places where the brightness changes most; arrays are (n,).

    row, column  the pixel, intp
    x, y         the place to a part of a pixel, in pixels
    turn         direction of the slope, radians
    """

    row: Numbers
    column: Numbers
    x: Doubles
    y: Doubles
    turn: Doubles


def find_segments(pixels: Bytes) -> Segments:
    """Returns the straight edges of a photo, uint8 (h, w, 3)."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    rows, columns = (max(8, round(side * scale)) for side in (height, width))
    grey = np.ascontiguousarray(resize_to(pixels, columns, rows).mean(axis=2), np.float32)
    edges = _edges(windows.mean(windows.mean(grey, 1), 1))
    line = _lines(edges, (rows, columns))
    return _fitted(edges, line, (rows, columns))


def _edges(grey: Floats) -> _Edges:
    """Returns the places where the slope of the brightness is largest along itself (Canny 1986)."""
    down, across = np.gradient(grey)
    slope, turn = np.hypot(across, down), np.arctan2(down, across)
    eighth = np.round(turn / (math.pi / 4)).astype(np.intp) % 4
    inner = np.zeros(grey.shape, bool)
    inner[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = True
    row, column = np.nonzero(inner & (slope > _CONTRAST))
    down_step, across_step = np.array(_ACROSS)[eighth[row, column]].T
    before, here, after = (slope[row + k * down_step, column + k * across_step] for k in (-1, 0, 1))
    most = (here >= before) & (here > after)
    row, column, down_step, across_step = row[most], column[most], down_step[most], across_step[most]
    before, here, after = before[most], here[most], after[most]
    # The maximum of the parabola through the three slopes.
    shift = np.clip(0.5 * (after - before) / np.maximum(2.0 * here - before - after, 1e-9), -0.5, 0.5).astype(
        np.float64
    )
    return _Edges(
        row,
        column,
        column + 0.5 + shift * across_step,
        row + 0.5 + shift * down_step,
        turn[row, column].astype(np.float64),
    )


def _lines(edges: _Edges, shape: tuple[int, int]) -> Numbers:
    """Returns the number of the line that each edge belongs to, intp (n,).

    Directions are told apart in two ways, shifted by half a sector: an edge belongs to the longer one of its two lines.
    """
    count = len(edges.row)
    index = np.full((shape[0] + 2, shape[1] + 2), -1)
    index[edges.row + 1, edges.column + 1] = np.arange(count)
    pairs = []
    for down, across in _LINKED:
        other = index[edges.row + 1 + down, edges.column + 1 + across]
        one = np.flatnonzero(other >= 0)
        pairs.append(np.stack([one, other[one]], axis=1))
    linked = np.concatenate(pairs)
    line, size = np.zeros(count, np.intp), np.zeros(count, np.intp)
    for number, shift in enumerate((0.0, 0.5)):
        sector = np.floor(edges.turn * (_SECTORS / math.tau) + shift).astype(np.intp) % _SECTORS
        label = component_labels(linked[sector[linked[:, 0]] == sector[linked[:, 1]]], count)
        own = np.bincount(label, minlength=count)[label]
        is_longer = own > size
        line[is_longer], size[is_longer] = label[is_longer] + number * count, own[is_longer]
    return np.unique(line, return_inverse=True)[1]


def _fitted(edges: _Edges, line: Numbers, shape: tuple[int, int]) -> Segments:
    """Returns the lines that are long and straight enough, fitted by least squares across them."""
    longer = max(shape)
    kept = (np.bincount(line) >= _DENSE * _SHORTEST * longer)[line]
    line = np.unique(line[kept], return_inverse=True)[1]
    if not len(line):
        return Segments(*np.zeros((4, 0)))
    count = np.bincount(line)
    axes = principal_axes(edges.x[kept], edges.y[kept], line)
    first, last = np.full(len(count), np.inf), np.full(len(count), -np.inf)
    np.minimum.at(first, line, axes.along)
    np.maximum.at(last, line, axes.along)
    length = last - first
    good = (length >= _SHORTEST * longer) & (np.sqrt(axes.least) < _WIDEST) & (count >= _DENSE * length)
    return Segments(
        (axes.x[good] - shape[1] / 2.0) / longer,
        (axes.y[good] - shape[0] / 2.0) / longer,
        axes.angle[good],
        length[good] / longer,
    )
