# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture coordinates for patterns: each face is projected along the axis closest to its normal."""

from __future__ import annotations

import numpy as np

from training.scenes.shapes import Array, Faces

_ACROSS = np.array([(1, 2), (0, 2), (0, 1)])


def unwrapped(corners: Array, faces: Faces) -> Array:
    """Returns coordinates in metres, (m * k, 2), for the corners of m faces with k corners each."""
    points = corners[faces]
    edges = points[:, 1:] - points[:, :1]
    normals = np.cross(edges[:, :-1], edges[:, 1:]).sum(axis=1)
    across = _ACROSS[np.abs(normals).argmax(axis=1)]
    return np.take_along_axis(points, across[:, None, :], axis=2).reshape(-1, 2)
