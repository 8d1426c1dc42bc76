# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes PLY, binary little-endian (Turk 1994), for Blender, MeshLab and CloudCompare; z up.

The photo is in the colours of the vertices. There are no texture coordinates: PLY has no texture of its own, and
readers such as trimesh show a mesh with coordinates but without a texture in grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import Bytes, Floats, Ints
from ..core.reconstruction import Reconstruction
from .files import Staging
from .frames import z_up

_WORDS = {"<f4": "float", "|u1": "uchar", "<i4": "int"}


def write_ply(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the mesh: positions and normals (float), colours (uchar, sRGB)."""
    mesh = result.scene_whole
    vertices = _vertices(mesh.vertices, mesh.normals, mesh.colors)
    faces = [_faces(corners) for corners in (mesh.quads, mesh.loose_triangles)]
    count = sum(map(len, faces))
    header = [*_element("vertex", vertices), f"element face {count}", "property list uchar int vertex_indices"]
    _save(staging.path_for(path), header, (vertices, *faces))


def _faces(corners: Ints) -> NDArray[Any]:
    sides = corners.shape[1]
    table = np.empty(len(corners), np.dtype([("count", "u1"), ("corners", "<i4", (sides,))]))
    table["count"] = sides
    table["corners"] = corners
    return table


def write_cloud(result: Reconstruction, path: Path, staging: Staging) -> None:
    """Writes the points with normals and colours; the vertices of the mesh if the result has no point cloud."""
    cloud, mesh = result.scene_cloud, result.scene_whole
    if cloud is not None:
        vertices = _vertices(cloud.points, cloud.normals, cloud.colors)
    else:
        vertices = _vertices(mesh.vertices, mesh.normals, mesh.colors)
    _save(staging.path_for(path), _element("vertex", vertices), (vertices,))


def _vertices(places: Floats, normals: Floats, colors: Bytes) -> NDArray[Any]:
    columns: list[tuple[tuple[str, ...], str, NDArray[Any]]] = [
        (("x", "y", "z"), "<f4", z_up(places)),
        (("nx", "ny", "nz"), "<f4", z_up(normals)),
    ]
    columns.append((("red", "green", "blue"), "u1", np.asarray(colors)))
    table = np.empty(len(places), np.dtype([(name, kind) for names, kind, _ in columns for name in names]))
    for names, _, values in columns:
        for index, name in enumerate(names):
            table[name] = values[:, index]
    return table


def _element(name: str, table: NDArray[Any]) -> list[str]:
    kinds = ((field, table.dtype[field].str) for field in table.dtype.names or ())
    return [f"element {name} {len(table)}", *(f"property {_WORDS[kind]} {field}" for field, kind in kinds)]


def _save(path: Path, elements: Sequence[str], tables: Sequence[NDArray[Any]]) -> None:
    lines = ["ply", "format binary_little_endian 1.0", "comment made by Mono3D, metres, z up", *elements, "end_header"]
    with path.open("wb") as file:
        file.write("".join(line + "\n" for line in lines).encode("ascii"))
        for table in tables:
            file.write(table.data if len(table) else b"")
