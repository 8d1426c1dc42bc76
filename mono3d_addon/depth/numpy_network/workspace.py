# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory for the maps of a network, used again and again: fresh memory costs more time than the work on small maps."""

from __future__ import annotations

import math

import numpy as np

from ...core.arrays import Floats


class Workspace:
    """Lends arrays and takes them back.

    Networks of one input size ask for the same arrays in the same order, so that from the second picture on nothing is
    allocated.
    """

    def __init__(self) -> None:
        self._free: list[Floats] = []

    def take(self, *shape: int) -> Floats:
        """Returns a contiguous float32 array of this shape with any content; nothing else uses its memory."""
        size = math.prod(shape)
        fitting = [number for number, block in enumerate(self._free) if block.size >= size]
        if fitting:
            block = self._free.pop(min(fitting, key=lambda number: self._free[number].size))
        else:
            block = np.empty(size, dtype=np.float32)
        return block[:size].reshape(shape)

    def give(self, *arrays: Floats) -> None:
        """Takes back arrays that `take` returned, which must not be used any more."""
        for array in arrays:
            block = array.base
            assert block is not None and not any(block is other for other in self._free)
            self._free.append(block)

    @property
    def free_bytes(self) -> int:
        """Size of the memory that is not lent at present."""
        return sum(block.nbytes for block in self._free)
