# SPDX-License-Identifier: GPL-3.0-or-later
"""Matrix products, in which a network spends most of its time, by the faster of numpy's two ways."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ...core.arrays import Floats

Product = Callable[[Floats, Floats, Floats], None]
"""Writes the product of two matrices, float32 (m, k) and (k, n), into the third, float32 (m, n)."""

_SHAPE = (32, 144, 256)
"""m, k and n of the product by which the ways are compared: that of a convolution in the decoder."""
_ROUNDS = 3


def by_library(left: Floats, right: Floats, out: Floats) -> None:
    """Writes the product by the library for linear algebra that numpy was built with."""
    np.matmul(left, right, out=out)


def by_einsum(left: Floats, right: Floats, out: Floats) -> None:
    """Writes the product by numpy's own vectorised loops."""
    np.einsum("mk,kn->mn", left, right, out=out)


def fastest() -> Product:
    """Returns the faster way on this computer, found in a few milliseconds.

    Blender's own numpy may be built without a library, and Debian's comes with the reference BLAS: then einsum is three
    to ten times as fast. With OpenBLAS or Accelerate it is a fifth as fast.
    """
    m, k, n = _SHAPE
    left, right, out = np.ones((m, k), np.float32), np.ones((k, n), np.float32), np.empty((m, n), np.float32)
    return min((by_library, by_einsum), key=lambda way: _seconds(way, left, right, out))


def _seconds(way: Product, left: Floats, right: Floats, out: Floats) -> float:
    """Returns the shortest time of some rounds."""
    found = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        way(left, right, out)
        found.append(time.perf_counter() - start)
    return min(found)
