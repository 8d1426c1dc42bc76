# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures with exact depth, and the flat patches in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.mesh.islands import label_components

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Sort = Literal["frontal", "oblique", "level"]

SMALLEST = 0.01
"""Smallest share of the picture that a patch has."""
_BEND = 0.005
"""Largest RMS distance of a flat patch from its plane, relative to its size."""
_CREASE = 3e-4
"""Largest second difference of the inverse depth inside a surface, relative to it."""
_FRONTAL, _LEVEL = np.cos(np.radians(30.0)), np.cos(np.radians(35.0))


@dataclass(frozen=True)
class Truth:
    """A picture with its true depth.

    photo    its file
    kind     kind of scene
    inverse  true inverse depth up to a scale, float32 (rows, columns); 0 is sky
    focal    focal length relative to the longer side; the principal point is in the middle
    scale    1/metres that 1.0 of `inverse` stands for; None where it is not known
    """

    name: str
    photo: Path
    kind: str
    inverse: Floats
    focal: float
    scale: float | None


@dataclass(frozen=True)
class Patch:
    """A flat part of the true surface: where, bool (rows, columns), its unit normal, and what it is like.

    `sort` is 'frontal' within 30 degrees of the image plane, 'level' (floors, tables, ceilings) within 35 degrees of
    the picture's vertical, else 'oblique'.
    """

    where: NDArray[np.bool_]
    normal: Doubles
    sort: Sort


def truths(folder: Path) -> Iterator[Truth]:
    """Yields what lies in a folder of `benchmarks.views.scenes` (folders) or `training.scenes` (NAME.json)."""
    for path in sorted(folder.glob("*/scene.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        depth = np.load(path.parent / "depth.npy")
        inverse = np.where(np.isfinite(depth), 1.0 / depth, 0.0).astype(np.float32)
        focal = 0.5 / np.tan(np.radians(facts["field_of_view"]) / 2.0)
        yield Truth(path.parent.name, path.parent / "photo.png", facts["kind"], inverse, float(focal), 1.0)
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        values = np.asarray(Image.open(path.with_suffix(".disp.png")), np.float32) / np.float32(65535.0)
        yield Truth(path.stem, path.with_suffix(".jpg"), facts["kind"], values, facts["focal"], facts["inverse_metres"])


def points_of(inverse: Floats, focal: float) -> Doubles:
    """Returns the points, float64 (rows, columns, 3), x right, y down, z forward, of a positive inverse depth."""
    rows, columns = inverse.shape
    pixels = focal * max(rows, columns)
    x = (np.arange(columns) + 0.5 - columns / 2) / pixels
    y = (np.arange(rows) + 0.5 - rows / 2) / pixels
    rays = np.stack([*np.meshgrid(x, y), np.ones((rows, columns))], -1)
    return rays / inverse[..., None].astype(np.float64)


def plane_of(points: Doubles) -> tuple[Doubles, float]:
    """Returns the unit normal, towards the camera, of the least-squares plane of points (n, 3), and the RMS from it."""
    middle = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - middle).T))
    normal = axes[:, 0] * (-1.0 if axes[:, 0] @ middle > 0.0 else 1.0)
    return normal, float(np.sqrt(np.mean(((points - middle) @ normal) ** 2)))


def size_of(points: Doubles) -> float:
    """Returns the size of a patch, points (n, 3): the side of a square with the same spread along its plane."""
    return float(np.sqrt(12.0 * np.linalg.eigvalsh(np.cov(points.T))[1:].mean()))


def patches(truth: Truth) -> list[Patch]:
    """Returns the flat patches of a picture, none smaller than `SMALLEST`, without a rim of three pixels."""
    inverse = truth.inverse.astype(np.float64)
    along, down = _smooth(inverse, 1), _smooth(inverse, 0)
    labels = label_components(along[:, :-1] & along[:, 1:], down[:-1] & down[1:])
    sizes = np.bincount(labels.ravel())
    found = []
    for label in np.flatnonzero(sizes >= SMALLEST * labels.size):
        where = _eroded((labels == label) & (truth.inverse > 0.0))
        if where.sum() < SMALLEST * labels.size:
            continue
        points = points_of(np.maximum(truth.inverse, 1e-9), truth.focal)[where]
        normal, off = plane_of(points)
        if off <= _BEND * size_of(points):
            found.append(Patch(where, normal, _sort(normal)))
    return found


def _smooth(inverse: Doubles, axis: int) -> NDArray[np.bool_]:
    """Returns where the inverse depth has no crease or step along an axis, bool (rows, columns)."""
    bend = np.abs(np.diff(inverse, 2, axis=axis))
    steps = 2.0 / 65535.0 if inverse.max() <= 1.0 else 0.0
    middle = np.delete(np.delete(inverse, -1, axis), 0, axis)
    pad = [(0, 0), (0, 0)]
    pad[axis] = (1, 1)
    result: NDArray[np.bool_] = np.pad(bend <= _CREASE * middle + steps, pad, constant_values=True)
    return result & (inverse > 0.0)


def _eroded(where: NDArray[np.bool_], rim: int = 3) -> NDArray[np.bool_]:
    for axis in (0, 1):
        padded = np.pad(where, [(rim, rim) if a == axis else (0, 0) for a in (0, 1)], constant_values=True)
        length = where.shape[axis]
        where = np.logical_and.reduce([padded.take(range(k, k + length), axis) for k in range(2 * rim + 1)])
    return where


def _sort(normal: Doubles) -> Sort:
    if abs(normal[2]) > _FRONTAL:
        return "frontal"
    return "level" if abs(normal[1]) > _LEVEL else "oblique"
