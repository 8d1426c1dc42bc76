# SPDX-License-Identifier: GPL-3.0-or-later
"""Shades a mesh by the normals that a network gives, where they are those of the mesh but for its ripples.

The normals of a depth map have every ripple of the depth; a network's own normals do not. Neither is known to be the
more accurate one over larger parts. So the detail is the network's, and the rest the mean of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...settings import Settings
from .. import windows
from ..arrays import Floats
from ..camera.camera import Camera
from ..maps.relative_slopes import GivenNormals, normals_of, slopes_of
from ..scene_guess import SceneGuess

_SAME, _OTHER = np.cos(np.radians(35.0)), np.cos(np.radians(55.0))
"""Cosines of the angle to the mesh's normal up to which a given one counts wholly, and from which not at all: beside
an edge a network mixes two surfaces, of which the mesh knows which one it is on."""
_REACH = 0.03
"""Half width, in longer sides, of the windows over which the mean counts."""
_TRUST = 0.5
"""Share of the mesh's normals in that mean."""


@dataclass(frozen=True)
class Shading:
    """Normals by which meshes of one grid are shaded.

    normals  unit vectors towards the camera, in its frame, float32 (rows, columns, 3)
    share    how much they count, float32 (rows, columns), 0..1
    """

    normals: Floats
    share: Floats


def are_used(normals: Floats | None, scene: SceneGuess | None, settings: Settings) -> bool:
    """Returns whether a mesh is shaded by the normals that a network gives: not if it has detail that they lack, and
    not without the lens that they are for."""
    has_lens = scene is not None and scene.measures is not None and scene.measures.focal > 0.0
    return normals is not None and has_lens and settings.photo_detail <= 0.0


def shading_of(
    points: Floats,
    normals: Floats,
    used: NDArray[np.bool_],
    shape: tuple[int, ...],
    given: GivenNormals,
    camera: Camera,
) -> Shading:
    """Returns the shading of the meshes of a grid.

    points, normals  of the grid, float32 (rows * columns, 3), in the camera frame
    used             which of them belong to a surface, bool (rows * columns,)
    shape            rows and columns
    """
    rows, columns = shape[:2]
    pixels = camera.project(points)
    usable = used & np.isfinite(pixels).all(axis=1) & (points[:, 2] > 0.0)
    longer = max(camera.width, camera.height)
    size = np.array([camera.width, camera.height], np.float32)
    pixels = np.where(usable[:, None], pixels, size / 2).astype(np.float32)
    sampled, holds = _sampled(given.normals, given.holds, pixels / size)
    places = ((pixels - size / 2) / longer).astype(np.float32)
    slopes = slopes_of(sampled, places, given.focal)
    slopes *= (1.0 - np.float32(given.offset) * points[:, 2:]).astype(np.float32)
    centre = np.array([camera.cx, camera.cy], np.float32)
    found = normals_of(slopes, ((pixels - centre) / longer).astype(np.float32), camera.fx / longer)
    share = np.where(usable & holds, _agreement(found, normals), np.float32(0.0)).reshape(rows, columns)
    found = np.where(share.reshape(-1, 1) > 0.0, found, normals)
    reach = max(1, round(_REACH * max(rows, columns)))
    apart = (normals - found).reshape(rows, columns, 3) * share[..., None]
    mean = windows.total(apart, reach) / np.maximum(windows.total(share, reach), np.float32(1e-6))[..., None]
    mixed = (found + np.float32(_TRUST) * mean.reshape(-1, 3)).astype(np.float32)
    return Shading(_unit(mixed).reshape(rows, columns, 3), share)


def shaded(points: Floats, normals: Floats, shading: Shading, camera: Camera) -> Floats:
    """Returns the normals, float32 (n, 3), by which a mesh with these points and normals is shaded.

    Both are float32 (n, 3), in the camera frame. Its own normals are kept where it shows another surface.
    """
    size = np.array([camera.width, camera.height], np.float32)
    pixels = camera.project(points)
    inside = np.isfinite(pixels).all(axis=1) & (points[:, 2] > 0.0)
    places = np.where(inside[:, None], pixels / size, np.float32(0.5)).astype(np.float32)
    found, holds = _sampled(shading.normals, shading.share > 0.0, places)
    rows, columns = shading.share.shape
    cells = (places * (columns, rows)).astype(np.intp)
    share = shading.share[np.clip(cells[:, 1], 0, rows - 1), np.clip(cells[:, 0], 0, columns - 1)]
    share = np.where(inside & holds, share * _agreement(found, normals), np.float32(0.0))[:, None]
    return np.where(share > 0.0, _unit(share * found + (1.0 - share) * normals), normals)


def _agreement(found: Floats, normals: Floats) -> Floats:
    """Returns how much given normals count beside those of a mesh, float32 (n,)."""
    alike = np.nan_to_num(np.einsum("ij,ij->i", found, normals), nan=-1.0)
    return np.clip((alike - _OTHER) / (_SAME - _OTHER), 0.0, 1.0).astype(np.float32)


def _sampled(normals: Floats, holds: NDArray[np.bool_] | None, shares: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Returns the unit normals at places 0..1 of the photo, float32 (n, 3), and whether all around each hold."""
    rows, columns = normals.shape[:2]
    column, row = (np.clip(shares[:, axis] * size - 0.5, 0.0, size - 1.0) for axis, size in ((0, columns), (1, rows)))
    left, top = np.minimum(column.astype(np.intp), columns - 2), np.minimum(row.astype(np.intp), rows - 2)
    x, y = (column - left).astype(np.float32)[:, None], (row - top).astype(np.float32)[:, None]
    total = np.zeros((len(shares), 3), np.float32)
    all_hold = np.ones(len(shares), bool)
    for down, right, weight in ((0, 0, (1 - x) * (1 - y)), (0, 1, x * (1 - y)), (1, 0, (1 - x) * y), (1, 1, x * y)):
        total += weight * normals[top + down, left + right]
        if holds is not None:
            all_hold &= holds[top + down, left + right]
    return _unit(total), all_hold


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, np.float32(1e-6)), np.float32)
