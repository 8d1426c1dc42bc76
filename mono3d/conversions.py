# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as objects of other libraries, which are imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.errors import Mono3DError
from mono3d_addon.export.frames import y_up, z_up
from mono3d_addon.export.vtp import polydata


def to_open3d(mesh: Mesh) -> Any:
    """Returns the mesh, in the scene frame, as an `open3d.geometry.TriangleMesh`, z up; colours are 0..1.

    Raises Mono3DError if Open3D cannot be imported.
    """
    open3d = _library("open3d")
    vectors = open3d.utility.Vector3dVector
    made = open3d.geometry.TriangleMesh(
        vectors(z_up(mesh.vertices).astype(np.float64)), open3d.utility.Vector3iVector(np.asarray(mesh.triangles))
    )
    made.vertex_normals = vectors(z_up(mesh.normals).astype(np.float64))
    made.vertex_colors = vectors(np.asarray(mesh.colors) / 255.0)
    return made


def to_trimesh(mesh: Mesh) -> Any:
    """Returns the mesh, in the scene frame, as a `trimesh.Trimesh`, y up; its vertices are not merged.

    Raises Mono3DError if trimesh cannot be imported.
    """
    return _library("trimesh").Trimesh(
        vertices=y_up(mesh.vertices),
        faces=np.asarray(mesh.triangles),
        vertex_normals=y_up(mesh.normals),
        vertex_colors=np.asarray(mesh.colors),
        process=False,
    )


def to_pyvista(mesh: Mesh) -> Any:
    """Returns the mesh, in the scene frame, as a `pyvista.PolyData`, z up.

    Raises Mono3DError if PyVista cannot be imported.
    """
    _library("pyvista")
    return polydata(mesh)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Mono3DError(
            f"This conversion needs {name}, which this Python cannot import ({error}): "
            f"install it with 'python3 -m pip install {name}'."
        ) from error
