# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the normals as a picture: those that a network gives, else those of the depth map.

PNG has 16 bits, OpenEXR floating point.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core import resampling
from ..core.arrays import Floats
from ..core.photo import openexr_writer
from ..core.photo.png_writer import encoded
from ..core.reconstruction import Reconstruction
from .files import Staging

_LARGEST = 65535
_TO_VIEWER = np.array([1.0, -1.0, -1.0], np.float32)
"""From the camera frame (y down, z forward) to that of the picture (y up, z towards the camera)."""


_AXES = "red right, green up, blue towards the camera"


def write_normals(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the normals in the camera frame as a 16-bit RGB PNG, of the size of the depth map.

    Red is to the right, green up, blue towards the camera, each as (n + 1) / 2. Where no depth is known it is black.
    """
    normals, source = _normals(result)
    shares = np.where(normals.any(axis=-1, keepdims=True), (normals + 1.0) / 2.0, 0.0)
    values = np.rint(np.clip(shares, 0.0, 1.0) * _LARGEST)
    texts = {
        "Software": "Mono3D",
        "Description": f"Normals in the camera frame as (n + 1) / 2: {_AXES}",
        "source": source,
    }
    staging.path_for(path).write_bytes(encoded(values.astype(np.uint16), texts=texts))


def write_normals_exr(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the normals in the camera frame as OpenEXR with the 32-bit float channels R, G and B, -1..1.

    R is to the right, G up, B towards the camera, as Blender's camera has X, Y and Z. Where no depth is known, all are
    0.
    """
    normals, source = _normals(result)
    texts = {"comments": f"Mono3D: normals in the camera frame, {_AXES}; source: {source}"}
    channels = {name: normals[..., axis] for axis, name in enumerate("RGB")}
    staging.path_for(path).write_bytes(openexr_writer.encoded(channels, texts))


def _normals(result: Reconstruction) -> tuple[Floats, str]:
    """Returns unit normals, float32 (rows, columns, 3), 0 where no depth is known, and where they come from.

    They are in the frame of the files: x right, y up, z towards the camera.
    """
    depth = np.asarray(result.depth, np.float32)
    given = result.normals
    if given is None:
        normals = of_depth(result.camera.back_project(depth).reshape(*depth.shape, 3))
    else:
        normals = _resized(given, *depth.shape)
    known = np.isfinite(depth) & np.isfinite(normals).all(axis=-1)
    found = np.where(known[..., None], normals * _TO_VIEWER, np.float32(0.0))
    return found, "depth map" if given is None else "network"


def of_depth(points: Floats) -> Floats:
    """Returns unit normals towards the camera of a map of points, float32 (rows, columns, 3); NaN where unknown.

    On each axis the neighbour counts that is nearer to a cell, so that the two sides of an edge do not mix.
    """
    across, down = _step(points, 1), _step(points, 0)
    normals = np.cross(down, across)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        faces_away = np.einsum("ijk,ijk->ij", normals, points) > 0.0
    return np.where(faces_away[..., None], -normals, normals).astype(np.float32)


def _step(points: Floats, axis: int) -> Floats:
    """Returns the way from each cell to the next along an axis, or from the one before if that is shorter."""
    ahead = np.diff(points, axis=axis, append=np.float32(np.nan))
    behind = np.diff(points, axis=axis, prepend=np.float32(np.nan))
    sizes: list[NDArray[np.float32]] = [np.linalg.norm(one, axis=-1) for one in (ahead, behind)]
    longer = np.nan_to_num(sizes[0], nan=np.inf) > np.nan_to_num(sizes[1], nan=np.inf)
    return np.where(longer[..., None], behind, ahead)


def _resized(normals: Floats, rows: int, columns: int) -> Floats:
    channels = [
        resampling.resize(np.ascontiguousarray(normals[..., one]), columns, rows, "bilinear") for one in range(3)
    ]
    found = np.stack(channels, axis=-1)
    return found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), np.float32(1e-6))
