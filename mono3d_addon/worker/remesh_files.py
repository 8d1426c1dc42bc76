# SPDX-License-Identifier: GPL-3.0-or-later
"""What client and task "remesh" leave for each other in a job's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.mesh import Mesh

_MESH = ("vertices", "triangles", "uv", "colors")


@dataclass(frozen=True)
class Source:
    """Files in a job's folder from which the task "remesh" learns of a photo.

    name       the photo's file name, for messages
    texture    its upright picture
    disparity  float32 (h, w) as .npy
    mask       bool (height, width) as .npy; empty without transparency
    lens       the fields of `core.lens.Lens`
    """

    name: str
    texture: str
    disparity: str
    mask: str
    lens: Mapping[str, Any]


def save(mesh: Mesh, folder: Path) -> None:
    """Leaves a mesh without its normals, which Blender makes itself."""
    for name in _MESH:
        np.save(folder / f"{name}.npy", getattr(mesh, name), allow_pickle=False)


def load(folder: Path) -> Mesh:
    """Returns the mesh that `save` left, memory-mapped, its normals empty."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _MESH}
    return Mesh(**arrays, normals=np.empty((0, 3), np.float32))
