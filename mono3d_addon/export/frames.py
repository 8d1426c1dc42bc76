# SPDX-License-Identifier: GPL-3.0-or-later
"""The axes of the file formats; the core frame has x right, y down, z forward. Both are rotations: nothing mirrors."""

from __future__ import annotations

import numpy as np

from ..core.arrays import Floats


def y_up(vectors: Floats) -> Floats:
    """Returns vectors, float32 (n, 3), with y up and z towards the viewer, as glTF and OBJ have it: (x, -y, -z)."""
    return np.asarray(vectors, np.float32) * np.array([1, -1, -1], np.float32)


def z_up(vectors: Floats) -> Floats:
    """Returns vectors, float32 (n, 3), with z up and y forward, as Blender has it: (x, z, -y)."""
    return np.asarray(vectors, np.float32)[:, [0, 2, 1]] * np.array([1, 1, -1], np.float32)
