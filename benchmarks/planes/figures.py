# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a depth map against the truth. Scale and shift of the inverse depth are fitted first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.planes.truth import Doubles, Floats, Patch, Sort, Truth, plane_of, points_of, size_of
from mono3d_addon.core import windows
from training.scores import aligned, least_disparity, spearman

_STEP, _TOLERANCE = 1.1, 2
"""Ratio of neighbouring depths that makes an outline, and the pixels by which it may be off."""
_REACH = 2
"""Pixels to either side over which local normals are taken."""


@dataclass(frozen=True)
class PatchFigures:
    """Of one flat patch: percentage of the RMS off its own plane to its size; median angle, degrees, of the local
    normals from that plane's; angle, degrees, of that plane from the true one; share of the picture."""

    sort: Sort
    bend: float
    normals: float
    tilt: float
    share: float


@dataclass(frozen=True)
class Figures:
    """Of one picture: rank correlation, outlines (F, precision, recall), mean relative error of the depth, those of its
    flat patches, and how far off far/near and near are (factors), and the field of view (degrees)."""

    rank: float
    outlines: float
    precision: float
    recall: float
    error: float
    patches: tuple[PatchFigures, ...]
    distances: tuple[float, float, float] = (math.nan, math.nan, math.nan)


def figures(depth: Floats, truth: Truth, patches: list[Patch]) -> Figures:
    """Returns the figures of a depth map, float32 (rows, columns) as the truth's, any scale."""
    known = truth.inverse > 0.0
    seen = 1.0 / depth.astype(np.float64)
    fitted = np.zeros_like(seen)
    fitted[known] = aligned(seen[known], truth.inverse[known])
    least = max(0.5 * float(truth.inverse[known].min()), least_disparity(truth.inverse[known]))
    inverse: Floats = np.maximum(fitted, least).astype(np.float32)
    points = points_of(inverse, truth.focal)
    local = _normals(points)
    found = []
    for patch in patches:
        normal, off = plane_of(points[patch.where])
        angles = _angle(local[patch.where], normal)
        true_size = size_of(points[patch.where])
        share = float(patch.where.mean())
        found.append(
            PatchFigures(
                patch.sort,
                100.0 * off / true_size,
                float(np.median(angles)),
                float(_angle(patch.normal[None], normal)[0]),
                share,
            )
        )
    ours, true = outlines(inverse), outlines(np.maximum(truth.inverse, least))
    precision = float(ours[_near(true)].sum() / max(int(ours.sum()), 1))
    recall = float(true[_near(ours)].sum() / max(int(true.sum()), 1))
    f_score = 2.0 * precision * recall / max(precision + recall, 1e-9)
    error = float(np.mean(np.abs(truth.inverse[known] / inverse[known] - 1.0)))
    return Figures(spearman(seen, truth.inverse), f_score, precision, recall, error, tuple(found))


def outlines(inverse: Floats) -> NDArray[np.bool_]:
    """Returns the pixels (rows, columns) beside which another one is nearer or farther by `_STEP`."""
    logarithm = np.log(inverse)
    found = np.zeros(inverse.shape, bool)
    found[:, :-1] |= np.abs(np.diff(logarithm, axis=1)) > np.log(_STEP)
    found[:-1] |= np.abs(np.diff(logarithm, axis=0)) > np.log(_STEP)
    return found


def _near(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = windows.maximum(found.astype(np.float32), _TOLERANCE) > 0.0
    return near


def _normals(points: Doubles) -> Doubles:
    """Returns local unit normals, float64 (rows, columns, 3), from central differences."""
    padded = np.pad(points, [(_REACH, _REACH), (_REACH, _REACH), (0, 0)], mode="edge")
    rows, columns = points.shape[:2]
    across = padded[_REACH : _REACH + rows, 2 * _REACH :] - padded[_REACH : _REACH + rows, :columns]
    down = padded[2 * _REACH :, _REACH : _REACH + columns] - padded[:rows, _REACH : _REACH + columns]
    normals = np.cross(down, across)
    normals *= np.where((normals * points).sum(-1) > 0.0, -1.0, 1.0)[..., None]
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-30))


def _angle(normals: Doubles, normal: Doubles) -> Doubles:
    return np.degrees(np.arccos(np.clip(normals @ normal, -1.0, 1.0)))
