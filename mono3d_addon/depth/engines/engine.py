# SPDX-License-Identifier: GPL-3.0-or-later
"""What every engine offers."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Precision = Literal["float32", "float16", "bfloat16"]
"""The kind of number that a network computes with."""

Pictures = NDArray[np.float32]
"""Normalised pictures of one size, float32 (n, 3, height, width); the sides are multiples of 32."""


class Engine(Protocol):
    """A network ready to run."""

    @property
    def name(self) -> str:
        """What people read in a report: library, kind of number and device."""

    def run(self, pictures: Pictures) -> NDArray[np.float32]:
        """Returns the disparity of each picture, float32 (n, height, width), near = large."""
