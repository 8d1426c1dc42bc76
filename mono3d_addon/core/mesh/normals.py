# SPDX-License-Identifier: GPL-3.0-or-later
"""Normals of depth grids and of indexed meshes, pointing towards the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats, Ints, folded
from ..camera.camera import Camera


def grid_normals(depth: Floats, camera: Camera, tear: float) -> Floats:
    """Returns the normal of each grid point, float32 (h * w, 3), unit length, in the camera frame, towards the camera.

    depth   float32 (h, w), metres along z, covering the whole photo; not finite or not positive where unknown
    camera  the camera of the photo
    tear    threshold of `max(z) / min(z) - 1` above which two neighbours are on different surfaces and do not affect
            each other's normal; 0 for no threshold

    A plane `n . X = d` seen at `X = z (a, b, 1)` has `1/z = n . (a, b, 1) / d`: the inverse depth `w` is linear in
    the picture, so `n ~ -(w_a, w_b, w - a w_a - b w_b)`. This is exact for planes, even at a border with a neighbour
    on one side only, and `n . X = -1` before normalisation, so normals never face away from the camera. Points that are
    unknown, or have no neighbour on their surface, get (0, 0, -1).
    """
    rows, columns = depth.shape
    known = np.isfinite(depth) & (depth > 0)
    inverse = np.divide(np.float32(1), depth, out=np.zeros(depth.shape, np.float32), where=known)
    along_a = _slope(inverse, 1, tear) * np.float32(camera.fx * columns / camera.width)
    along_b = _slope(inverse, 0, tear) * np.float32(camera.fy * rows / camera.height)
    a = (((np.arange(columns) + 0.5) * (camera.width / columns) - camera.cx) / camera.fx).astype(np.float32)
    b = (((np.arange(rows) + 0.5) * (camera.height / rows) - camera.cy) / camera.fy).astype(np.float32)
    normals = np.empty((rows, columns, 3), np.float32)
    normals[..., 0] = -along_a
    normals[..., 1] = -along_b
    normals[..., 2] = a[None, :] * along_a + b[:, None] * along_b - inverse
    normals[~known] = (0, 0, -1)
    return unit(normals.reshape(-1, 3))


def vertex_normals(vertices: Floats, triangles: Ints) -> Floats:
    """Returns the unit normal of each vertex, float32 (n, 3): the mean of its triangles' normals, weighted by area.

    vertices   float32 (n, 3), any frame
    triangles  int32 (m, 3), counter-clockwise seen from the side to which the normals point

    A vertex without triangles of non-zero area gets the direction to the origin, where the camera is.
    """
    count = len(vertices)
    # Scaling by the largest coordinate keeps the products of tiny and huge scenes inside the range of float32.
    scaled = np.asarray(vertices, np.float32) / np.float32(np.abs(vertices).max(initial=0) or 1)
    first, second, third = (scaled[triangles[:, corner]] for corner in range(3))
    doubled_area = np.cross(second - first, third - first)
    normals = np.zeros((count, 3), np.float32)
    for axis in range(3):
        for corner in range(3):
            normals[:, axis] += np.bincount(triangles[:, corner], doubled_area[:, axis], count)
    lost = ~(folded(np.maximum, np.abs(normals)) > np.finfo(np.float32).tiny)
    normals[lost] = -scaled[lost]
    lost &= ~folded(np.logical_or, scaled != 0)
    normals[lost] = (0, 0, -1)
    return unit(normals)


def unit(vectors: Floats) -> Floats:
    """Returns `vectors`, float32 (n, 3), normalised to unit length; none of them may be zero."""
    # Dividing by the largest component first: the squares of small vectors would underflow.
    scaled = vectors / folded(np.maximum, np.abs(vectors))[:, None]
    length = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return np.asarray(scaled / length[:, None], np.float32)


def _slope(inverse: Floats, axis: int, tear: float) -> Floats:
    """Returns the mean change of `inverse`, 1 / m and 0 where unknown, to the connected neighbours along `axis`."""
    left, right = (slice(None, -1), slice(1, None))
    before, after = (inverse[left], inverse[right]) if axis == 0 else (inverse[:, left], inverse[:, right])
    nearer, farther = np.maximum(before, after), np.minimum(before, after)
    connected: NDArray[np.bool_] = farther > 0
    if tear > 0:
        connected &= nearer <= farther * np.float32(1 + tear)
    change = np.where(connected, after - before, np.float32(0))
    total = np.zeros_like(inverse)
    count = np.zeros(inverse.shape, np.uint8)
    for part in (left, right):
        index = (part,) if axis == 0 else (slice(None), part)
        total[index] += change
        count[index] += connected
    return np.asarray(total / np.maximum(count, 1), np.float32)
