# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies arrays into a Blender mesh in bulk."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.arrays import Bytes, Floats, Ints
from ...core.mesh.mesh import Mesh
from ...core.mesh.triangle_edges import edges_of_faces
from . import frame

UV_LAYER = "UVMap"
COLOUR_ATTRIBUTE = "Color"


def create(name: str, mesh: Mesh, *, trusted: bool, background_triangles: int = 0) -> bpy.types.Mesh:
    """Returns a new Blender mesh with the geometry of `mesh`; see `fill`."""
    target = bpy.data.meshes.new(name)
    fill(target, mesh, trusted=trusted, background_triangles=background_triangles)
    return target


def fill(
    target: bpy.types.Mesh,
    mesh: Mesh,
    *,
    trusted: bool,
    edges: tuple[Ints, Ints] | None = None,
    background_triangles: int = 0,
) -> None:
    """Replaces the geometry of `target` by `mesh`, converted to Blender's frame; materials stay.

    Faces are smooth, UV is the active layer, colours are the active and the rendered attribute `Color`
    (one byte per channel and vertex, sRGB, so that a pixel value of 128 stays 128). `trusted` states that the
    triangles come from the grid, which has no repeated corners or faces; others are validated by Blender.
    `edges` are those of the faces (see `edges_of_faces`) if already known; used only for trusted triangles.
    The last `background_triangles` triangles take the second material.
    """
    triangles = np.ascontiguousarray(mesh.loose_triangles, dtype=np.int32)
    slots = np.zeros(len(mesh.quads) + len(triangles), np.int32)
    slots[len(slots) - background_triangles :] = 1
    if not trusted:
        proper, edges = _is_proper(triangles), None
        triangles, slots = (
            triangles[proper],
            np.concatenate([slots[: len(mesh.quads)], slots[len(mesh.quads) :][proper]]),
        )
    faces = (np.ascontiguousarray(mesh.quads, dtype=np.int32), triangles)
    target.clear_geometry()
    if len(mesh.vertices):
        _set_topology(
            target, frame.to_blender(mesh.vertices), faces, edges or edges_of_faces(faces, len(mesh.vertices))
        )
        _set_uv(target, mesh.uv, np.concatenate([some.reshape(-1) for some in faces]))
        set_colours(target, mesh.colors)
        if background_triangles:
            # `polygons.foreach_set("material_index")` takes a third of a second for a million faces.
            target.attributes.new("material_index", "INT", "FACE")
            _copy(target, "material_index", "value", slots)
    if not trusted:
        target.validate()
    target.update()


def set_normals(target: bpy.types.Mesh, normals: Floats) -> None:
    """Sets custom vertex normals of `target`, float32 (n, 3) in the core frame."""
    target.normals_split_custom_set_from_vertices(frame.to_blender(normals).tolist())


def _is_proper(triangles: Ints) -> NDArray[np.bool_]:
    a, b, c = triangles.T
    proper: NDArray[np.bool_] = (a != b) & (b != c) & (c != a)
    return proper


def _set_topology(target: bpy.types.Mesh, vertices: Floats, faces: tuple[Ints, Ints], edges: tuple[Ints, Ints]) -> None:
    quads, triangles = faces
    corners = np.concatenate([some.reshape(-1) for some in faces])
    pairs, corner_edges = edges
    target.vertices.add(len(vertices))
    target.edges.add(len(pairs))
    target.loops.add(len(corners))
    target.polygons.add(len(quads) + len(triangles))
    # As attributes these arrays are copied as a whole; `loops.foreach_set("vertex_index")` takes seconds.
    _copy(target, "position", "vector", vertices)
    if len(corners):
        _copy(target, ".edge_verts", "value", pairs)
        _copy(target, ".corner_vert", "value", corners)
        _copy(target, ".corner_edge", "value", corner_edges)
        starts = (np.arange(0, quads.size, 4), np.arange(quads.size, len(corners), 3))
        target.polygons.foreach_set("loop_start", np.concatenate(starts).astype(np.int32))


def _copy(target: bpy.types.Mesh, attribute: str, part: str, values: Floats | Ints) -> None:
    data = target.attributes[attribute].data  # type: ignore[attr-defined]
    data.foreach_set(part, values.reshape(-1))


def _set_uv(target: bpy.types.Mesh, uv: Floats, corners: Ints) -> None:
    layer: Any = target.uv_layers.new(name=UV_LAYER, do_init=False)
    # Index both coordinates as one 8-byte value: indexing rows of two floats is several times slower.
    pairs = np.ascontiguousarray(uv, dtype=np.float32).view(np.int64).reshape(-1)
    layer.uv.foreach_set("vector", pairs[corners].view(np.float32))


def set_colours(target: Any, colours: Bytes) -> None:
    """Sets the colours of the vertices of a mesh, or of the points of a point cloud, uint8 (n, 3), sRGB."""
    attribute = target.attributes.new(COLOUR_ATTRIBUTE, "BYTE_COLOR", "POINT")
    rgba = np.ones((len(colours), 4), dtype=np.float32)
    np.multiply(colours, np.float32(1.0 / 255.0), out=rgba[:, :3])
    attribute.data.foreach_set("color_srgb", rgba.reshape(-1))
    if isinstance(target, bpy.types.Mesh):
        target.color_attributes.active_color = target.color_attributes[COLOUR_ATTRIBUTE]
        target.color_attributes.render_color_index = 0
