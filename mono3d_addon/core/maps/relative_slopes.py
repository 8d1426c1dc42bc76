# SPDX-License-Identifier: GPL-3.0-or-later
"""Normals as slopes of the logarithm of inverse depth, which are the same through any lens and at any scale.

A plane `n . X = d` seen at `X = z (a, b, 1)` has the inverse depth `w = n . (a, b, 1) / d`. So the slopes of `ln w` are
`(n_x, n_y) / n . (a, b, 1)`, whatever d is. Other depths, which follow from the first ones, have other slopes by the
same factor in both directions.

Places in the photo are measured from its middle, across and down, in longer sides; focal lengths are too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

_LEAST_FACING = 0.05
"""Cosine between a normal and the ray towards the camera below which it tells nothing."""


@dataclass(frozen=True)
class GivenNormals:
    """What a network says about the normals of a photo.

    normals  unit vectors in the camera frame, float32 (rows, columns, 3)
    holds    where they hold, bool (rows, columns); None: everywhere
    focal    focal length, in longer sides, of the lens that they are for
    offset   1/metres that the mesh's inverse depth has more than a multiple of the network's
    """

    normals: Floats
    holds: NDArray[np.bool_] | None
    focal: float
    offset: float = 0.0


def places_of(rows: int, columns: int, aspect: float) -> Floats:
    """Returns the places of the centres of cells over a photo of that width / height, float32 (rows, columns, 2)."""
    across = ((np.arange(columns) + 0.5) / columns - 0.5) * min(1.0, aspect)
    down = ((np.arange(rows) + 0.5) / rows - 0.5) * min(1.0, 1.0 / aspect)
    return np.stack(np.meshgrid(across, down), axis=-1).astype(np.float32)


def slopes_of(normals: Floats, places: Floats, focal: float) -> Floats:
    """Returns the slopes, float32 (..., 2), per longer side, of unit normals towards the camera, (..., 3), at places.

    NaN where a normal does not face the camera.
    """
    rays = rays_through(places, focal)
    facing = np.einsum("...i,...i->...", normals, rays)
    clear = facing < -_LEAST_FACING * np.sqrt(np.einsum("...i,...i->...", rays, rays))
    divisor = np.where(clear, facing * np.float32(focal), np.float32(np.nan))
    return np.asarray(normals[..., :2] / divisor[..., None], np.float32)


def normals_of(slopes: Floats, places: Floats, focal: float) -> Floats:
    """Returns the unit normals towards the camera, float32 (..., 3), of slopes, (..., 2), at places. NaN stays NaN."""
    along = slopes * np.float32(focal)
    rays = rays_through(places, focal)
    last = 1.0 - np.einsum("...i,...i->...", along, rays[..., :2])
    found = -np.concatenate((along, last[..., None]), axis=-1)
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True), np.float32)


def rays_through(places: Floats, focal: float) -> Floats:
    """Returns the rays, z forward and 1 long along it, float32 (..., 3), through places, (..., 2)."""
    return np.concatenate((places / np.float32(focal), np.ones_like(places[..., :1])), axis=-1)
