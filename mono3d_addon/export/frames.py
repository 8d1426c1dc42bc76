# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts from the core frame (x right, y down, z forward) to the axes of file formats, by rotations only."""

from __future__ import annotations

import numpy as np

from ..core.arrays import Floats


def y_up(vectors: Floats) -> Floats:
    """Returns vectors, float32 (n, 3), with y up and z backwards, as in glTF and OBJ: (x, -y, -z)."""
    return np.asarray(vectors, np.float32) * np.array([1, -1, -1], np.float32)


def z_up(vectors: Floats) -> Floats:
    """Returns vectors, float32 (n, 3), with z up and y forward, as in Blender: (x, z, -y)."""
    return np.asarray(vectors, np.float32)[:, [0, 2, 1]] * np.array([1, 1, -1], np.float32)
