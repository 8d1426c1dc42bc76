# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures are of no use for training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT = 1.12
"""Least ratio of the far and the near depth, of the 2nd and the 98th percentile, that is more than a flat wall."""
FEWEST_EDGES = 0.004
"""Least share of pixels at an edge; smooth grounds and walls alone teach little."""
STEP = 0.15
"""The step of the logarithm of the disparity that counts as an edge."""
NEAREST = 0.06
"""Metres; most of a picture nearer than that means that the camera is inside a thing."""


def fault_of_disparity(disparity: NDArray[np.float32]) -> str:
    """Returns why a disparity (h, w), per metre, sky 0, is of no use, or nothing."""
    seen = disparity[disparity > 0]
    if seen.size < 0.25 * disparity.size:
        return "hardly anything but sky"
    near, far = np.percentile(seen, (98, 2))
    if float(np.mean(disparity > 1 / NEAREST)) > 0.3:
        return "inside a thing"
    sky = 1 - seen.size / disparity.size
    if near < far * FLAT and sky < 0.02:
        return "flat"
    if edge_share(disparity) < FEWEST_EDGES:
        return "hardly an edge"
    return ""


def edge_share(disparity: NDArray[np.float32]) -> float:
    """Returns the share of the pixels whose right or lower neighbour is a good deal nearer or farther."""
    floor = 1e-3 * float(disparity.max())
    logarithm = np.log(disparity + floor)
    right = np.abs(np.diff(logarithm, axis=1))[:-1] > STEP
    below = np.abs(np.diff(logarithm, axis=0))[:, :-1] > STEP
    return float(np.mean(right | below))


def fault_of_picture(light: NDArray[np.float32]) -> str:
    """Returns why linear light (h, w, 3) is of no use, or nothing."""
    luminance = light.mean(axis=-1)
    if not np.isfinite(luminance).all():
        return "light without bounds"
    low, middle, high = np.percentile(luminance, (5, 50, 95))
    if high < 1e-3:
        return "black"
    if high < low * 1.25:
        return "one colour"
    if middle < 0.02 * high:
        return "almost black"
    return ""
