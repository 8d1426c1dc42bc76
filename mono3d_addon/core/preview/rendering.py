# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders textured meshes without lights, as the photo coloured them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bytes, Floats
from ..mesh.mesh import Mesh
from ..mesh.raster import cover
from .views import View

_SAMPLES = 2
"""Samples along each side of a pixel."""
_NEAREST = 1e-3
"""Triangles with a corner nearer than this fraction of the median distance are not drawn."""


@dataclass(frozen=True)
class Part:
    """A mesh and its texture, uint8 (h, w, 3) sRGB; None: its vertex colours."""

    mesh: Mesh
    texture: Bytes | None


def rendered(
    parts: Sequence[Part], view: View, size: tuple[int, int], background: Floats, *, hides_backs: bool = False
) -> Bytes:
    """Returns the picture of a view, uint8 (height, width, 3) sRGB.

    size         width and height in pixels
    background   colour where there is no part, float32 (3,), sRGB 0..1
    hides_backs  whether triangles are invisible from behind
    """
    width, height = size[0] * _SAMPLES, size[1] * _SAMPLES
    nearest = np.zeros(width * height, np.float32)
    shown = np.empty((width * height, 3), np.float32)
    shown[:] = background * 255.0
    for part in parts:
        _draw(part, view, (width, height), nearest, shown, hides_backs)
    blocks = shown.reshape(size[1], _SAMPLES, size[0], _SAMPLES, 3)
    mixed = sum(blocks[:, down, :, across] for down in range(_SAMPLES) for across in range(_SAMPLES)) / _SAMPLES**2
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _draw(part: Part, view: View, size: tuple[int, int], nearest: Floats, shown: Floats, hides_backs: bool) -> None:
    """Draws a part into `shown`, float32 (h w, 3), where it is nearer (1/m) than `nearest`, float32 (h w,)."""
    width, height = size
    places, ahead = view.places(part.mesh.vertices, width, height)
    if not len(ahead):
        return
    triangles = np.asarray(part.mesh.triangles)
    is_drawn = ahead > _NEAREST * np.median(np.abs(ahead))
    if not is_drawn.all():
        triangles = triangles[is_drawn[triangles].all(axis=1)]
        places = np.where(is_drawn[:, None], places, 0.0)
    if hides_backs:
        triangles = triangles[_faces(places, triangles)]
    nearness = (1.0 / np.where(is_drawn, ahead, 1.0)).astype(np.float32)
    for found in cover(places, triangles, height, width):
        corners = triangles[found.triangle]
        shares = found.weights.astype(np.float32) * nearness[corners]
        near = shares[:, 0] + shares[:, 1] + shares[:, 2]
        np.maximum.at(nearest, found.cell, near)
        seen = near >= nearest[found.cell]
        shares = shares[seen] / near[seen, None]
        shown[found.cell[seen]] = _colours(part, corners[seen], shares)


def _faces(places: NDArray[np.float64], triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Returns which triangles, bool (m,), are counter-clockwise in the picture."""
    first, second, third = (places[triangles[:, corner]] for corner in range(3))
    one, other = second - first, third - first
    facing: NDArray[np.bool_] = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] < 0.0
    return facing


def _colours(part: Part, corners: NDArray[np.int32], shares: Floats) -> Floats:
    """Returns the colours, float32 (k, 3) 0..255, of points given by the corners of their triangles and shares."""
    if part.texture is None:
        return np.einsum("ij,ijk->ik", shares, part.mesh.colors[corners].astype(np.float32))
    uv = np.einsum("ij,ijk->ik", shares, part.mesh.uv[corners])
    return sampled(part.texture, uv)


def sampled(texture: Bytes, uv: Floats) -> Floats:
    """Returns a texture, uint8 (h, w, 3), at places, float32 (k, 2) 0..1 from its lower left, as float32 (k, 3).

    Bilinear; places outside take the colour of the nearest edge.
    """
    height, width, _ = texture.shape
    column = np.clip(uv[:, 0] * width - 0.5, 0.0, width - 1.0)
    row = np.clip((1.0 - uv[:, 1]) * height - 0.5, 0.0, height - 1.0)
    left = np.minimum(column.astype(np.int32), max(0, width - 2))
    top = np.minimum(row.astype(np.int32), max(0, height - 2))
    across, down = (column - left)[:, None], (row - top)[:, None]
    flat = texture.reshape(-1, 3)
    right, below = min(1, width - 1), min(1, height - 1) * width
    start = top * width + left
    upper = flat[start] * (1.0 - across) + flat[start + right] * across
    lower = flat[start + below] * (1.0 - across) + flat[start + below + right] * across
    return np.asarray(upper * (1.0 - down) + lower * down, np.float32)
