# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells on the far side of a tear whose pixels the photo mixes with the colours of the near side.

From the side they would be a contour of the near thing on the background, so the background fill takes their place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats, folded, rows_where
from .grid import Grid
from .torn_map import TornMap

_RIM = 2
"""Width in cells. A cell is a pixel of the photo or more, and depth follows the photo's edges."""

Bools = NDArray[np.bool_]


def mixed_rims(torn: TornMap) -> Bools:
    """Returns the cells, bool (rows, columns), on the far sides of the tears of a grid, and close to them."""
    found = np.zeros(torn.depth.size, bool)
    if torn.tear <= 0.0:
        return found.reshape(torn.depth.shape)
    found[torn.rims.far] = True
    return beside(found.reshape(torn.depth.shape), torn.inverse, _RIM - 1, torn.tear) & torn.alive


def beside(cells: Bools, inverse: Floats, radius: int, tear: float) -> Bools:
    """Returns `cells`, bool (rows, columns), and those within `radius` that are not nearer by a tear."""
    most = windows.maximum(np.where(cells, inverse, np.float32(0)), radius)
    return np.asarray(cells | (most > 0) & (inverse <= most * np.float32(1 + tear)))


def without(grid: Grid, rims: Bools) -> Grid:
    """Returns the grid without the triangles that touch `rims`, bool (rows, columns)."""
    inner = ~rims.reshape(-1)
    triangles = grid.triangles
    return replace(grid, triangles=rows_where(folded(np.logical_and, inner.take(triangles)), triangles))
