# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of all engines, and the arrays that they return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "float16", "bfloat16"]
"""The number format of the computation."""

Pictures = NDArray[np.float32]
"""Pictures of one size as `resize.picture` makes them, float32 (n, channels, height, width)."""


DISPARITY: Final = "disparity"
"""Name of relative inverse depth, float32 (n, height, width), near = large: the only array of the MiDaS networks."""

SKY: Final = "sky"
"""Name of the probability of sky, float32 (n, height / stride, width / stride)."""

SCENE: Final = "scene"
"""Name of what the network says about the scene, float32 (n, LENGTH of `scene_vector`)."""

DEPTH: Final = "depth"
"""Name of the depth along z, float32 (n, height, width), up to a factor, in which `Model.depth_unit` tells it."""

POINTS: Final = "points"
"""Name of points in space, float32 (n, height, width, 3): x right, y down, z forward and positive.

All are up to a factor, and z is up to a shift, for which they become a view through a lens (see `affine_points`).
"""

MASK: Final = "mask"
"""Name of the probability that there is something at a finite distance, float32 (n, height, width)."""

NORMALS: Final = "normals"
"""Name of unit normals, float32 (n, height, width, 3), in the axes of the points."""

SCALE: Final = "scale"
"""Name of the factor that turns the points to metres, float32 (n, 1)."""

ARRAY_NAMES: Final = (DISPARITY, SKY, SCENE, DEPTH, POINTS, MASK, NORMALS, SCALE)
"""The names of all arrays that some network gives."""

Arrays = Mapping[str, NDArray[np.float32]]
"""What a network gives for n pictures, by name: float32 (n, ...) each."""


class Engine(Protocol):
    """A network ready to run."""

    @property
    def name(self) -> str:
        """Library, precision and device, for reports."""

    @property
    def device(self) -> str:
        """'cpu' or one of `devices.ACCELERATORS`."""

    def run(self, pictures: Pictures) -> Arrays:
        """Returns the network's arrays of all pictures."""


def is_finite(arrays: Arrays) -> NDArray[np.bool_]:
    """Returns for each picture, bool (n,), whether all its numbers are finite."""
    found = [np.isfinite(array).reshape(len(array), -1).all(axis=1) for array in arrays.values()]
    return np.logical_and.reduce(found)


def joined(first: Arrays, second: Arrays) -> Arrays:
    """Returns the arrays of the pictures of both, in their order."""
    return {name: np.concatenate((array, second[name])) for name, array in first.items()}
