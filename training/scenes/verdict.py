# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejecting pictures that are not usable for training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT = 1.12
"""Smallest ratio of the 98th to the 2nd percentile of the disparity in a scene that is not just a flat wall."""
FEWEST_EDGES = 0.004
"""Smallest share of pixels at an edge; smooth ground and walls alone are of little use."""
STEP = 0.15
"""Smallest step of the logarithm of the disparity at an edge."""
NEAREST = 0.06
"""Metres; if a large part of the picture is nearer, the camera is inside an object."""


def fault_of_disparity(disparity: NDArray[np.float32]) -> str:
    """Returns why a disparity (h, w), per metre, sky 0, is not usable, or ''."""
    seen = disparity[disparity > 0]
    if seen.size < 0.25 * disparity.size:
        return "almost only sky"
    near, far = np.percentile(seen, (98, 2))
    if float(np.mean(disparity > 1 / NEAREST)) > 0.3:
        return "inside an object"
    sky = 1 - seen.size / disparity.size
    if near < far * FLAT and sky < 0.02:
        return "flat"
    if edge_share(disparity) < FEWEST_EDGES:
        return "hardly any edges"
    return ""


def edge_share(disparity: NDArray[np.float32]) -> float:
    """Returns the share of the pixels at an edge towards their right or lower neighbour."""
    floor = 1e-3 * float(disparity.max())
    logarithm = np.log(disparity + floor)
    right = np.abs(np.diff(logarithm, axis=1))[:-1] > STEP
    below = np.abs(np.diff(logarithm, axis=0))[:, :-1] > STEP
    return float(np.mean(right | below))


def fault_of_picture(light: NDArray[np.float32]) -> str:
    """Returns why linear light (h, w, 3) is not usable, or ''."""
    luminance = light.mean(axis=-1)
    if not np.isfinite(luminance).all():
        return "infinite light"
    low, middle, high = np.percentile(luminance, (5, 50, 95))
    if high < 1e-3:
        return "black"
    if high < low * 1.25:
        return "one colour"
    if middle < 0.02 * high:
        return "almost black"
    return ""
