# SPDX-License-Identifier: GPL-3.0-or-later
"""How flat planes are in a predicted disparity, and how well surfaces face where they should; numpy only.

The prediction is first fitted to the true inverse depth by least-squares scale and shift.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .scores import Doubles, Floats, aligned, least_disparity

WINDOW = 0.2
"""Side of the windows in which planes are measured, as a share of the picture's shorter side."""
FLAT = 0.005
"""Largest departure of the truth from a plane, relative to inverse depth."""
REACH = 4
"""Pixels on either side over which a surface's direction is measured."""
_SMOOTH = 0.01
_UPRIGHT, _FLOOR, _FRONTAL = 0.3, 0.9, 0.95
_FEWEST = 50
_NEAREST = 1e-6


class Directions(NamedTuple):
    """Median angles in degrees between true and predicted directions of surfaces; NaN where there are none."""

    floor: float
    frontal: float
    oblique: float


def bends(prediction: Floats, truth: Floats) -> Doubles:
    """Returns how much each plane of a picture is bent in a prediction, float64 (n,), as a share of inverse depth.

    Planes are windows in which the truth is one: there, a perspective picture's inverse depth is linear in the pixels.
    A prediction's bend is the root of the mean square of what a least-squares plane leaves of it, over the window's
    mean true inverse depth. Windows beyond `scores.FARTHEST` times the nearest depth are left out.
    """
    least = least_disparity(truth)
    size = max(8, round(WINDOW * min(truth.shape)))
    if not least > 0.0 or min(truth.shape) < size:
        return np.zeros(0)
    step = size // 2
    seen, known = (
        sliding_window_view(values, (size, size))[::step, ::step].reshape(-1, size * size)
        for values in (aligned(prediction, truth), truth.astype(np.float64))
    )
    seen, known = (values[known.min(axis=1) > least] for values in (seen, known))
    level = known.mean(axis=1)
    departure, bend = (_departure(values, size) / level for values in (known, seen))
    return np.asarray(bend[departure < FLAT])


def directions(prediction: Floats, truth: Floats, focal: float) -> Directions:
    """Returns the errors of the directions of floors, frontal and oblique walls; `focal` is in pixels.

    A floor faces up, a frontal wall the camera, an oblique one neither; all are taken from the truth where it is smooth
    over REACH pixels.
    """
    least = least_disparity(truth)
    if not least > 0.0 or min(truth.shape) <= 2 * REACH:
        return Directions(math.nan, math.nan, math.nan)
    known = truth.astype(np.float64)
    true, found = _normals(known, focal), _normals(np.maximum(aligned(prediction, truth), least), focal)
    inside = known[REACH:-REACH, REACH:-REACH]
    rough = np.abs(known[REACH:-REACH, 2 * REACH :] - 2 * inside + known[REACH:-REACH, : -2 * REACH])
    rough += np.abs(known[2 * REACH :, REACH:-REACH] - 2 * inside + known[: -2 * REACH, REACH:-REACH])
    smooth = (rough < _SMOOTH * inside) & (inside > least)
    angle = np.degrees(np.arccos(np.clip((true * found).sum(axis=-1), -1.0, 1.0)))
    _, y, z = np.moveaxis(true, -1, 0)
    is_wall = smooth & (np.abs(y) < _UPRIGHT)
    groups = smooth & (np.abs(y) > _FLOOR), is_wall & (np.abs(z) > _FRONTAL), is_wall & (np.abs(z) <= _FRONTAL)
    return Directions(*(float(np.median(angle[one])) if one.sum() >= _FEWEST else math.nan for one in groups))


def _departure(windows: Doubles, size: int) -> Doubles:
    """Returns the root mean square of what a plane leaves of windows, float64 (n, size * size)."""
    rows, columns = np.mgrid[:size, :size].reshape(2, -1) - (size - 1) / 2.0
    basis = np.stack([np.ones(size * size), rows, columns])
    basis = basis / np.linalg.norm(basis, axis=1, keepdims=True)
    left = windows - (windows @ basis.T) @ basis
    return np.asarray(np.sqrt((left * left).mean(axis=1)))


def _normals(inverse_depth: Doubles, focal: float) -> NDArray[np.float64]:
    """Returns unit vectors, float64 (h - 2 REACH, w - 2 REACH, 3), that face away from the camera.

    A plane a X + b Y + c Z = 1 has the inverse depth a x + b y + c at x = X / Z, y = Y / Z.
    """
    height, width = inverse_depth.shape
    x = (np.arange(width) - (width - 1) / 2.0) / focal
    y = (np.arange(height) - (height - 1) / 2.0)[:, None] / focal
    inner = slice(REACH, -REACH)
    across = (inverse_depth[inner, 2 * REACH :] - inverse_depth[inner, : -2 * REACH]) * (focal / (2 * REACH))
    down = (inverse_depth[2 * REACH :, inner] - inverse_depth[: -2 * REACH, inner]) * (focal / (2 * REACH))
    along = inverse_depth[inner, inner] - x[inner] * across - y[inner] * down
    normal = np.stack([across, down, along], axis=-1)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), _NEAREST))
