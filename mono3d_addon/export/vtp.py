# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes VTK PolyData (.vtp) for ParaView, with PyVista; z up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.mesh.mesh import Mesh
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import z_up


def write_vtp(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the mesh as `polydata` gives it."""
    polydata(result.scene_whole).save(staging.path_for(path))


def polydata(mesh: Mesh) -> Any:
    """Returns a mesh in the scene frame as a `pyvista.PolyData`, z up.

    Its point arrays are `RGB` (uint8), `Normals` and `Texture Coordinates` (float32).
    """
    import pyvista

    data = pyvista.PolyData.from_regular_faces(z_up(mesh.vertices), np.asarray(mesh.triangles))
    data.point_data["RGB"] = np.asarray(mesh.colors)
    data.point_data.active_normals = z_up(mesh.normals)
    data.point_data.active_texture_coordinates = np.asarray(mesh.uv)
    return data
