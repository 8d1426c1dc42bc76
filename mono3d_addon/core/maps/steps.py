# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds depth discontinuities (step edges) in a network's blurred inverse depth, and the depth on both sides of each.

Every steep cell is classified by its profile along the gradient. At a discontinuity the profile is a ramp between two
plateaus (see `depth_ramps`). On a floor, however steep, and at a crease it keeps rising.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats
from .depth_ramps import RAMP_REACH, Ramps, gradient, ramps_at
from .sigma_filter import sigma_filter

SURE_STEP = 3.0
"""Discontinuities of more than this many times the jump are certain. The weaker ends of a certain one count too."""
_RUN_OUT = 8
"""Length of these weaker ends in cells of the network's map."""
_NEAR = 5
"""Distance, in cells, from a discontinuity to the cells that may belong to it too."""
_CLEAR_RATIO = 1.5
"""Depth ratio, far / near, of the discontinuities from which the sharpness of a map is measured."""
_MIN_CLEAR, _SHARP_LENGTH = 50, 6.0
"""A map is sharp if it has at least `_MIN_CLEAR` cells on such discontinuities and the upper quartile of their ramp
lengths is at most `_SHARP_LENGTH` cells."""
_LONG, _LONG_RATIO = 1.5, 2.0
"""In a sharp map a ramp longer than `_LONG` times that quartile is a slanted surface, unless its depth ratio is above
`_LONG_RATIO`."""


@dataclass(frozen=True)
class Steps:
    """The depth discontinuities of an inverse depth map, on the grid of the mesh; all arrays are (rows, columns).

    band  bool, cells on a depth ramp
    low   float32, 1/metres, inverse depth of the far side at each cell of the band; 0 elsewhere
    high  the same for the near side
    cut   bool, cells of the band where the two sides are certainly separate surfaces
    is_sharp  whether the map has no long ramps, such as a rendered one
    """

    band: NDArray[np.bool_]
    low: Floats
    high: Floats
    cut: NDArray[np.bool_]
    is_sharp: bool


def find_steps(inverse_depth: Floats, rows: int, columns: int, jump: float) -> Steps:
    """Returns the depth discontinuities of `inverse_depth`, float32 (h, w), 1/metres, on a grid of `rows` x `columns`.

    `jump` is the threshold, far / near - 1, above 0. It is relative, so the scale of the depth does not matter.
    """
    slopes = gradient(inverse_depth)
    steep = np.hypot(*slopes) > inverse_depth * np.float32(jump / (3 * RAMP_REACH))
    row, column, ramps = _ramps_among(steep, inverse_depth, slopes, jump)
    longest = _longest_ramp(ramps)
    found = _are_discontinuities(ramps, jump, longest)
    band, sure = np.zeros(steep.shape, bool), np.zeros(steep.shape, np.float32)
    band[row, column] = found
    sure[row, column] = found & ramps.rises_by(SURE_STEP * jump)
    for _ in range(_RUN_OUT):
        sure = windows.maximum(sure, 1) * band
    wide = windows.enlarge(sure, columns, rows) > 0.05
    return _at_cells(inverse_depth, slopes, wide, jump, longest)


def whole_ramps(inverse_depth: Floats, jump: float) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Returns the certain discontinuities of `inverse_depth`, float32 (h, w), on a grid of half its size.

    They are band, low and high as in `Steps`; both sides of these ramps are inside the picture.
    """
    high_jump = SURE_STEP * jump
    slopes = gradient(inverse_depth)
    rows, columns = (size // 2 for size in inverse_depth.shape)
    some = slice(0, 2 * rows, 2), slice(0, 2 * columns, 2)
    steep = np.hypot(*(part[some] for part in slopes)) > inverse_depth[some] * np.float32(high_jump / (3 * RAMP_REACH))
    row, column, ramps = _ramps_through(steep, inverse_depth, slopes, high_jump)
    found = ramps.is_whole & ramps.rises_by(high_jump)
    where = row[found], column[found]
    middle = ((ramps.low + ramps.high) / 2)[found]
    band, low, high = np.zeros(steep.shape, bool), np.zeros(steep.shape, np.float32), np.zeros(steep.shape, np.float32)
    band[where] = True
    low[where] = np.clip(ramps.far[found], inverse_depth.min(), middle)
    high[where] = np.maximum(ramps.near[found], middle)
    return band, low, high


def _ramps_among(
    steep: NDArray[np.bool_], inverse_depth: Floats, slopes: tuple[Floats, Floats], jump: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Ramps]:
    """Returns rows and columns, (n,) each, of the `steep` cells that may be on a discontinuity, and their ramps.

    Discontinuities are bands, and most steep cells are floors: every second cell of every second row is examined first,
    then those near a discontinuity.
    """
    sparse = np.zeros_like(steep)
    sparse[::2, ::2] = steep[::2, ::2]
    row, column, ramps = _ramps_through(sparse, inverse_depth, slopes, jump)
    near = np.zeros(steep.shape, np.float32)
    found = _are_discontinuities(ramps, jump, np.inf)
    near[row[found], column[found]] = 1
    near = windows.maximum(near, _NEAR)
    return _ramps_through(steep & (near > 0), inverse_depth, slopes, jump)


def _longest_ramp(ramps: Ramps) -> float:
    """Returns the largest ramp length of a discontinuity in cells; infinite for maps that are not sharp.

    In a sharp map, such as a rendered one, no discontinuity is a long ramp. Networks trained on photos blur them over
    any length.
    """
    clear = ramps.length[ramps.is_crest & ramps.rises_by(_CLEAR_RATIO - 1.0)]
    usual = float(np.quantile(clear, 0.75)) if len(clear) >= _MIN_CLEAR else np.inf
    return _LONG * usual if usual <= _SHARP_LENGTH else np.inf


def _are_discontinuities(ramps: Ramps, jump: float, longest: float) -> NDArray[np.bool_]:
    return ramps.found & ramps.rises_by(jump) & ((ramps.length <= longest) | ramps.rises_by(_LONG_RATIO - 1.0))


def _at_cells(
    inverse_depth: Floats, slopes: tuple[Floats, Floats], wide: NDArray[np.bool_], jump: float, longest: float
) -> Steps:
    """Returns the discontinuities at the cells of the mesh selected by `wide`, bool (rows, columns)."""
    row, column, ramps = _ramps_through(wide, inverse_depth, slopes, jump)
    found = _are_discontinuities(ramps, jump, longest)
    middle = (ramps.low + ramps.high) / 2
    band, cut = np.zeros(wide.shape, bool), np.zeros(wide.shape, bool)
    band[row[found], column[found]] = True
    is_sure = ramps.rises_by(SURE_STEP * jump) | (ramps.is_isolated & (ramps.length <= longest))
    cut[row[found], column[found]] = is_sure[found]
    least = inverse_depth.min()

    def smoothed(values: Floats) -> Floats:
        """Returns the values on the grid, smoothed: neighbouring profiles find their plateaus at different cells."""
        side = np.zeros(wide.shape, np.float32)
        side[row[found], column[found]] = values[found]
        return sigma_filter(side, band, SURE_STEP * jump, 1)

    low, high = smoothed(np.clip(ramps.far, least, middle)), smoothed(np.maximum(ramps.near, middle))
    return Steps(band, low, high, cut, is_sharp=bool(np.isfinite(longest)))


def _ramps_through(
    cells: NDArray[np.bool_], inverse_depth: Floats, slopes: tuple[Floats, Floats], jump: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Ramps]:
    """Returns rows and columns, (n,) each, of the `cells` of a grid of any size, bool, and the ramps through them."""
    row, column = np.nonzero(cells)
    down, across = (
        _network_cells(places, size, network_size)
        for places, size, network_size in zip((row, column), cells.shape, inverse_depth.shape, strict=True)
    )
    return row, column, ramps_at(inverse_depth, slopes, down, across, jump)


def _network_cells(cells: NDArray[np.intp], size: int, network_size: int) -> Floats:
    """Returns the positions of a grid's `cells`, (n,), along an axis of the network's map, float32 (n,), in its cells.

    `size` and `network_size` are the numbers of cells along the axis. Positions are clamped to the centres of the
    network's outermost cells.
    """
    places = (cells + 0.5) * (network_size / size) - 0.5
    return np.clip(places, 0, network_size - 1).astype(np.float32)
