# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells on the far side of a tear whose pixels the photo mixes with the colours of the near side.

From the side they would be a contour of the near thing on the background, so the background fill takes their place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import windows
from ..arrays import Floats, Ints
from .fill_rims import find_rims
from .grid import Grid, links_of

_RIM = 2
"""Width in cells. A cell is a pixel of the photo or more, and depth follows the photo's edges."""

Bools = NDArray[np.bool_]


def mixed_rims(triangles: Ints, depth: Floats, tear: float, valid: Bools | None = None) -> Bools:
    """Returns the cells, bool (rows, columns), on the far sides of the tears of a grid, and close to them.

    triangles  int32 (m, 3), those of `grid.torn_triangles` for the other arguments
    """
    rows, columns = depth.shape
    found = np.zeros(rows * columns, bool)
    if tear <= 0.0 or len(triangles) == 0:
        return found.reshape(rows, columns)
    inverse = (1.0 / depth).astype(np.float32)
    alive = np.zeros(rows * columns, bool)
    alive[triangles] = True
    alive = alive.reshape(rows, columns)
    usable = np.isfinite(depth) if valid is None else np.isfinite(depth) & valid
    rims = find_rims(inverse, alive, usable & ~alive, *links_of(triangles, rows, columns), tear)
    found[rims.far] = True
    return beside(found.reshape(rows, columns), inverse, _RIM - 1, tear) & alive


def beside(cells: Bools, inverse: Floats, radius: int, tear: float) -> Bools:
    """Returns `cells`, bool (rows, columns), and those within `radius` that are not nearer by a tear."""
    most = windows.maximum(np.where(cells, inverse, np.float32(0)), radius)
    return np.asarray(cells | (most > 0) & (inverse <= most * np.float32(1 + tear)))


def without(grid: Grid, rims: Bools) -> Grid:
    """Returns the grid without the triangles that touch `rims`, bool (rows, columns)."""
    inner = ~rims.reshape(-1)
    return replace(grid, triangles=grid.triangles[inner[grid.triangles].all(axis=1)])
