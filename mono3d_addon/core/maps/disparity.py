# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a network's relative disparity to depth along z."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Floats

_LEAST = 0.01
"""Smallest inverse depth, relative to that at far."""
FLAT = 0.5
"""Normalised disparity of a constant map."""


def normalise(disparity: Floats, percentile: float, valid: NDArray[np.bool_] | None = None) -> Floats:
    """Returns `disparity`, float32 of any shape, scaled linearly so that its robust range becomes 0..1.

    The range extends from the `percentile`-th to the (100 - `percentile`)-th percentile of the finite values where
    `valid`, which excludes outliers. Values below it become 0, so nothing lies beyond "far". Values above it stay above
    1, so that the nearest parts keep their relief. A map that is constant except for outliers becomes 0.5.
    """
    usable = np.isfinite(disparity)
    if valid is not None and (usable & valid).any():
        usable &= valid
    if not usable.any():
        return np.full(disparity.shape, FLAT, dtype=np.float32)
    values = disparity[usable]
    low, high = np.percentile(values, [percentile, 100.0 - percentile])
    if not high - low > 1e-6 * float(np.abs(values).max()):
        return np.full(disparity.shape, FLAT, dtype=np.float32)
    normalised = (disparity.astype(np.float64) - low) / (high - low)
    return np.nan_to_num(np.maximum(normalised, 0.0), nan=0.0, posinf=1.0).astype(np.float32)


def to_depth(normalised: Floats, near: float, far: float) -> Floats:
    """Returns depth in metres along z, float32, `z = 1 / (v (1/near - 1/far) + 1/far)`.

    MiDaS estimates inverse depth up to an unknown scale and shift (Ranftl et al. 2022, section 5). Two known
    distances determine both: v = 1 is at `near` metres, v = 0 at `far` metres. A negative v is farther.
    """
    inverse = normalised.astype(np.float64) * (1.0 / near - 1.0 / far) + 1.0 / far
    # Only where a network's metres, some of which are beyond far, get other distances.
    inverse = np.maximum(inverse, _LEAST / far)
    return (1.0 / inverse).astype(np.float32)


def between(inverse: Floats, near: float, far: float) -> Floats:
    """Returns inverse depth in any unit, float32 of any shape, as `to_depth` takes it: 1 at `near` and 0 at `far`."""
    low, high = 1.0 / far, 1.0 / near
    return ((inverse.astype(np.float64) - low) / (high - low)).astype(np.float32)
