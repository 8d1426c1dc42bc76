# SPDX-License-Identifier: GPL-3.0-or-later
"""A depth map with the torn grid over it, and what several steps derive from both, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats, Ints, folded, marked, rows_where
from ..maps.sky import except_sky
from .fill_rims import Rims, find_rims
from .grid import links_of

Cells = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TornMap:
    """A depth map and its torn grid.

    triangles  int32 (m, 3), those of `grid.torn_triangles` for the other fields, before trimming
    depth      float32 (rows, columns), metres along z
    tear       threshold of a tear, far / near - 1
    valid      bool (rows, columns), cells that may be used; None: all
    """

    triangles: Ints
    depth: Floats
    tear: float
    valid: Cells | None = None

    @cached_property
    def inverse(self) -> Floats:
        """Inverse depth, float32 (rows, columns), 1/m."""
        return (1.0 / self.depth).astype(np.float32)

    @cached_property
    def alive(self) -> Cells:
        """The cells, bool (rows, columns), that a triangle uses."""
        return marked(self.triangles, self.depth.size).reshape(self.depth.shape)

    @property
    def usable(self) -> Cells:
        """The cells, bool (rows, columns), that have a depth."""
        is_finite = np.isfinite(self.depth)
        return is_finite if self.valid is None else is_finite & self.valid

    @cached_property
    def dropped(self) -> Cells:
        """The usable cells, bool (rows, columns), without a triangle, such as loose pieces."""
        return self.usable & ~self.alive

    @cached_property
    def rims(self) -> Rims:
        """The far cells beside tears; none without triangles."""
        links = links_of(self.triangles, *self.depth.shape)
        return find_rims(self.inverse, self.alive, self.dropped, *links, self.tear)

    def without_sky(self, sky: Cells) -> TornMap:
        """Returns the map of the things before the sky, bool (rows, columns); the sky is as far as the farthest."""
        rest = except_sky(self.valid, sky)
        is_sky = folded(np.logical_or, sky.reshape(-1).take(self.triangles))
        triangles = rows_where(~is_sky, self.triangles)
        depth = np.where(sky, np.float32(self.depth[rest].max()) if rest.any() else self.depth, self.depth)
        return TornMap(triangles, depth, self.tear, rest)
