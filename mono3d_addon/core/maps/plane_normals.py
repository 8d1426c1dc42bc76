# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network's normals say about planes: that a region is flat, however its depth bends, and how it leans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import resampling
from ..arrays import Floats
from ..photo.resampling import resize_nearest
from .plane_regions import Doubles
from .relative_slopes import GivenNormals, places_of, rays_through, slopes_of

_FLAT, _CURVED = 4.0, 8.0
"""RMS angles, degrees, of the normals over a region from their mean, up to which it is flat and from which they say
nothing: errors over larger parts of the picture are as large."""
_FEWEST = 20
"""Fewest cells whose normals count."""
_TRUST = 0.15
"""Square of the error of the depth over a region, relative to it, divided by that of the slopes that the normals give:
2 % against about 5 degrees."""


@dataclass(frozen=True)
class PlaneNormals:
    """A network's normals on the cells of a disparity map that is scaled to a range of 1.

    normals  unit vectors in the camera frame, float32 (rows, columns, 3)
    slopes   those of the logarithm of the inverse depth that they give, float32 (rows, columns, 2), in the directions
             of `plane_regions.positions`; NaN where they give none
    facing   cosine between them and the ray towards the camera, float32 (rows, columns)
    base     inverse depth where the map is 0, relative to its range
    """

    normals: Floats
    slopes: Floats
    facing: Floats
    base: float

    def flatness(self, cells: NDArray[np.bool_]) -> float:
        """Returns how sure it is that a region is flat, 0..1, from how much its normals differ."""
        found = self.normals[cells & np.isfinite(self.slopes[..., 0])].astype(np.float64)
        if len(found) < _FEWEST:
            return 0.0
        mean = found.mean(axis=0)
        angles = np.arccos(np.clip(found @ (mean / np.linalg.norm(mean)), -1.0, 1.0))
        spread = float(np.degrees(np.sqrt(np.square(angles).mean())))
        return float(np.clip((_CURVED - spread) / (_CURVED - _FLAT), 0.0, 1.0))

    def steepness(self, disparity: Floats, slopes: Floats) -> Floats:
        """Returns the slopes of the map that the normals give, float32 (rows, columns, 2).

        `slopes` are its own, which are returned where the normals give none.
        """
        given = self.slopes * (disparity + np.float32(self.base))[..., None]
        return np.where(np.isfinite(given), given, slopes)

    def lean(self, cells: NDArray[np.bool_], basis: Doubles, weight: Doubles) -> tuple[Doubles, Doubles]:
        """Returns what a region's normals add to the normal equations of its plane: float64 (3, 3) and (3,).

        basis   x, y and 1 of each cell, float64 (rows, columns, 3)
        weight  of the cells' disparity, float64 (rows, columns)

        The slope of a plane is the inverse depth at any of its cells times the slope of its logarithm there. The mean
        of that over the region has the weight of all its cells: the smaller the region, the less its depth says about
        its slope.
        """
        cells = cells & np.isfinite(self.slopes[..., 0]) & (weight > 0.0)
        matrix, wanted = np.zeros((3, 3)), np.zeros(3)
        total = float(weight[cells].sum())
        if cells.sum() < _FEWEST:
            return matrix, wanted
        share = weight[cells] / total
        # The error of a slope grows as the surface is seen from the side.
        trust = _TRUST * total * float(share @ self.facing[cells]) ** 4
        for axis in (0, 1):
            slope = share * self.slopes[cells][:, axis]
            row = -(slope @ basis[cells])
            row[axis] += 1.0
            matrix += trust * np.outer(row, row)
            wanted += trust * self.base * slope.sum() * row
        return matrix, wanted


def on_cells(given: GivenNormals, rows: int, columns: int, aspect: float, base: float) -> PlaneNormals:
    """Returns a network's normals on the cells of a map; `aspect` is the photo's width / height, `base` that of
    `PlaneNormals`."""
    parts = [
        resampling.resize(np.ascontiguousarray(given.normals[..., axis]), columns, rows, "box") for axis in range(3)
    ]
    normals = np.stack(parts, axis=-1)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), np.float32(1e-6))
    places = places_of(rows, columns, aspect)
    # Positions are in halves of the longer side.
    slopes = slopes_of(normals, places, given.focal) / np.float32(2.0)
    if given.holds is not None:
        slopes[~resize_nearest(given.holds, columns, rows)] = np.nan
    rays = rays_through(places, given.focal)
    facing = -np.einsum("...i,...i->...", normals, rays) / np.linalg.norm(rays, axis=-1)
    return PlaneNormals(normals, slopes, facing.astype(np.float32), base)
