# SPDX-License-Identifier: GPL-3.0-or-later
"""Bilinear enlargement of maps, as torch does it without aligned corners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.arrays import Floats
from .convolutions import Tools


def enlarged(tools: Tools, x: Floats, size: tuple[int, int]) -> Floats:
    """Returns the map at another `size`, (height, width): float32 (channels, *size) of the workspace."""
    channels, height, width = x.shape
    if (height, width) == size:
        result = tools.space.take(channels, height, width)
        np.copyto(result, x)
        return result
    tall = _along(tools, x, 1, size[0])
    result = _along(tools, tall, 2, size[1])
    tools.space.give(tall)
    return result


def _along(tools: Tools, x: Floats, axis: int, length: int) -> Floats:
    """Returns the map with `length` samples along an axis."""
    first, second, share = _samples(x.shape[axis], length)
    shape = list(x.shape)
    shape[axis] = length
    result, other = tools.space.take(*shape), tools.space.take(*shape)
    # With any other mode numpy would take them into memory of its own first.
    np.take(x, first, axis=axis, out=result, mode="clip")
    np.take(x, second, axis=axis, out=other, mode="clip")
    share = share.reshape([-1 if number == axis else 1 for number in range(3)])
    np.multiply(result, 1 - share, out=result)
    np.multiply(other, share, out=other)
    np.add(result, other, out=result)
    tools.space.give(other)
    return result


def _samples(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Returns for each new sample the old ones around it, and the share of the second, float32 (new,)."""
    centres = np.maximum((np.arange(new) + 0.5) * (old / new) - 0.5, 0)
    first = np.minimum(centres.astype(np.intp), old - 1)
    return first, np.minimum(first + 1, old - 1), (centres - first).astype(np.float32)
