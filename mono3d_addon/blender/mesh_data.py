# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays into a Blender mesh, in bulk."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.mesh import Bytes, Floats, Ints, Mesh
from ..core.triangle_edges import edges_of
from . import frame

UV_LAYER = "UVMap"
COLOUR_ATTRIBUTE = "Color"


def create(name: str, mesh: Mesh, *, trusted: bool, behind: int = 0) -> bpy.types.Mesh:
    """Returns a new Blender mesh that holds `mesh`; see `fill`."""
    target = bpy.data.meshes.new(name)
    fill(target, mesh, trusted=trusted, behind=behind)
    return target


def fill(
    target: bpy.types.Mesh, mesh: Mesh, *, trusted: bool, edges: tuple[Ints, Ints] | None = None, behind: int = 0
) -> None:
    """Replaces the geometry of `target` by `mesh`, turned into Blender's frame; materials stay.

    Faces are smooth, UV is the active layer, colours are the active and the rendered attribute `Color`
    (one byte per channel and vertex, sRGB, so that a pixel of 128 stays 128). `trusted` tells that the
    triangles come from the grid, which has no repeated corners or faces; others are validated by Blender.
    `edges` are those of the triangles, see `edges_of`, where they are known already and the triangles are trusted.
    The last `behind` triangles take the second material.
    """
    triangles = np.ascontiguousarray(mesh.triangles, dtype=np.int32)
    slots = np.zeros(len(triangles), np.int32)
    slots[len(triangles) - behind :] = 1
    if not trusted:
        proper, edges = _is_proper(triangles), None
        triangles, slots = triangles[proper], slots[proper]
    target.clear_geometry()
    if len(mesh.vertices):
        _set_topology(
            target, frame.to_blender(mesh.vertices), triangles, edges or edges_of(triangles, len(mesh.vertices))
        )
        _set_uv(target, mesh.uv, triangles)
        _set_colours(target, mesh.colors)
        if behind:
            target.polygons.foreach_set("material_index", slots)
    if not trusted:
        target.validate()
    target.update()


def _is_proper(triangles: Ints) -> NDArray[np.bool_]:
    a, b, c = triangles.T
    proper: NDArray[np.bool_] = (a != b) & (b != c) & (c != a)
    return proper


def _set_topology(target: bpy.types.Mesh, vertices: Floats, triangles: Ints, edges: tuple[Ints, Ints]) -> None:
    pairs, corner_edges = edges
    target.vertices.add(len(vertices))
    target.edges.add(len(pairs))
    target.loops.add(triangles.size)
    target.polygons.add(len(triangles))
    # As attributes these arrays are copied in one piece; `loops.foreach_set("vertex_index")` takes seconds.
    _copy(target, "position", "vector", vertices)
    if len(triangles):
        _copy(target, ".edge_verts", "value", pairs)
        _copy(target, ".corner_vert", "value", triangles)
        _copy(target, ".corner_edge", "value", corner_edges)
        target.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))


def _copy(target: bpy.types.Mesh, attribute: str, part: str, values: Floats | Ints) -> None:
    data = target.attributes[attribute].data  # type: ignore[attr-defined]
    data.foreach_set(part, values.reshape(-1))


def _set_uv(target: bpy.types.Mesh, uv: Floats, triangles: Ints) -> None:
    layer: Any = target.uv_layers.new(name=UV_LAYER, do_init=False)
    # Both coordinates as one 8-byte value: picking rows of two floats takes several times as long.
    pairs = np.ascontiguousarray(uv, dtype=np.float32).view(np.int64).reshape(-1)
    layer.uv.foreach_set("vector", pairs[triangles.reshape(-1)].view(np.float32))


def _set_colours(target: bpy.types.Mesh, colours: Bytes) -> None:
    attribute = target.color_attributes.new(COLOUR_ATTRIBUTE, "BYTE_COLOR", "POINT")
    rgba = np.ones((len(colours), 4), dtype=np.float32)
    np.multiply(colours, np.float32(1.0 / 255.0), out=rgba[:, :3])
    attribute.data.foreach_set("color_srgb", rgba.reshape(-1))  # type: ignore[attr-defined]
    target.color_attributes.active_color = attribute
    target.color_attributes.render_color_index = 0
