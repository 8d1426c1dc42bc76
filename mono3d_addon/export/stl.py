# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes binary STL, triangles only, for printing and CAD; z up."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.mesh.solid import print_scale
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import z_up

_TRIANGLE = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])


def write_stl(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the mesh's triangles with their unit normals (zero for triangles without area).

    The unit is metres. Solids are scaled to `settings.solid_size` in millimetres, the unit that slicers expect.
    """
    settings = result.settings
    scale, unit = 1.0, "metres"
    if settings.solid != "off":
        scale, unit = print_scale(result.mesh, settings.solid_size), "millimetres"
    mesh = result.scene_whole
    corners = (z_up(mesh.vertices) * np.float32(scale))[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).astype(np.float64)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    table = np.zeros(len(corners), _TRIANGLE)
    table["normal"] = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    table["corners"] = corners
    with staging.path_for(path).open("wb") as file:
        # The header must not start with "solid", which marks ASCII files.
        file.write(f"Mono3D, {unit}, z up".encode("ascii").ljust(80, b" "))
        file.write(np.uint32(len(table)).astype("<u4").tobytes())
        file.write(table.data if len(table) else b"")
