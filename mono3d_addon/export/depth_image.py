# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the depth map as a NumPy array (NPY), a 16-bit picture (PNG) or a floating-point picture (OpenEXR)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.arrays import Floats
from ..core.photo import openexr_writer
from ..core.photo.png_writer import encoded
from ..core.reconstruction import Reconstruction
from ..errors import Mono3DError
from .files import Staging

_LARGEST = 65535


def write_npy(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the depth as an NPY file: float32 (rows, columns), metres along z."""
    with staging.path_for(path).open("wb") as file:
        np.save(file, np.asarray(result.depth, np.float32), allow_pickle=False)


def write_png16(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the depth as a 16-bit greyscale PNG, near is white; the depth range is stored in the PNG metadata.

    The grey value v, 0..1, is the normalised disparity: `z = 1 / (v (1 / near - 1 / far) + 1 / far)`. MiDaS and
    programs that use it have the same convention. The 65536 values are evenly spaced in disparity: rounding moves a
    point by at most (far / near - 1) / 131070 of its distance, at any scale. Millimetres would end at 65.5 m and show
    small objects as black.
    `near` and `far` are the smallest and the largest depth of this map. Unknown depths are black.
    """
    values, near, far = encode(result.depth)
    texts = {
        "Software": "Mono3D",
        "Description": "Depth as normalised disparity, near white; z = 1 / (v (1/near - 1/far) + 1/far)",
        "near": f"{near:.9g}",
        "far": f"{far:.9g}",
        "scale": str(_LARGEST),
        "unit": "metre",
    }
    staging.path_for(path).write_bytes(encoded(values, texts=texts))


def encode(depth: Floats) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.uint16]], float, float]:
    """Returns the normalised disparity of `depth`, uint16 (rows, columns), and near and far in metres.

    Raises Mono3DError if no depth is known.
    """
    metres = np.asarray(depth, np.float64)
    known = np.isfinite(metres) & (metres > 0)
    if not known.any():
        raise Mono3DError("The depth map holds no distances; try another photo or model.")
    near, far = float(metres[known].min()), float(metres[known].max())
    inverse = np.divide(1.0, metres, out=np.full(metres.shape, 1 / far), where=known)
    span = 1 / near - 1 / far
    share = (inverse - 1 / far) / span if span > 0 else np.zeros_like(inverse)
    return np.rint(np.clip(share, 0, 1) * _LARGEST).astype(np.uint16), near, far


def write_exr(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the depth as OpenEXR with one 32-bit float channel, metres along z, losslessly compressed.

    The channel is `Y`, the standard name of a greyscale channel, which every program displays. `Z` would mean depth,
    but Blender reads pictures with only that channel as noise.
    """
    texts = {"comments": "Mono3D: depth in metres along the optical axis"}
    staging.path_for(path).write_bytes(openexr_writer.encoded({"Y": result.depth}, texts))
