# SPDX-License-Identifier: GPL-3.0-or-later
"""Point clouds as objects: Blender's own type where Python can fill it (since 5.2), else vertices that nodes turn into
points."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from ...core.arrays import Bytes, Floats
from ...core.mesh.footprint import footprints
from ...core.photo.resampling import grid_size
from ...core.reconstruction import Reconstruction
from ...errors import Mono3DError
from .. import names
from . import camera, frame, material, mesh_data, reshaped, versions
from .nodes import modifier as modifiers
from .nodes import point_group

_COVERING = np.float32(math.sqrt(0.5))
"""Radius of a point, relative to its cell of the grid, with which points seen from the photo's camera leave no gap."""
RADIUS = "radius"
"""Blender's name of the attribute with the radius of each point."""


def of(result: Reconstruction) -> bpy.types.Object:
    """Returns a new object, not yet in a collection, of the points of a result: the cleaned ones of a surface that is
    made of them, else the vertices of its mesh. Each has the size of its cell of the grid."""
    seen_by, settings = result.camera, result.settings
    if result.cloud is not None and result.scene_cloud is not None:
        seen, places, colours = result.cloud.points, result.scene_cloud.points, result.cloud.colors
        spacing = max(1.0, settings.voxel)
    else:
        seen, places, colours = result.mesh.vertices, result.scene_mesh.vertices, result.mesh.colors
        spacing = 1.0
    distance = np.linalg.norm(seen, axis=1) if seen_by.is_panorama else seen[:, 2]
    radii = np.float32(spacing) * _COVERING * footprints(distance, result.depth.size, seen_by)
    return create(result.name, frame.to_blender(places), colours, radii, settings.shading)


def copy_of(owner: bpy.types.Object, graph: bpy.types.Depsgraph) -> bpy.types.Object:
    """Returns a new object of the vertices that a Mono3D object shows, in its place and with a camera of its own.

    Raises Mono3DError if it shows none, or none with colours.
    """
    shown: Any = owner.evaluated_get(graph)
    data = shown.to_mesh()
    try:
        places = np.empty((len(data.vertices), 3), np.float32)
        colours = data.attributes.get(mesh_data.COLOUR_ATTRIBUTE)
        if not len(places) or colours is None or len(colours.data) != len(places):
            raise Mono3DError(f"'{owner.name}' has no vertices with colours to make points of.")
        data.attributes["position"].data.foreach_get("vector", places.reshape(-1))
        values = np.empty((len(places), 4), np.float32)
        colours.data.foreach_get("color_srgb", values.reshape(-1))
    finally:
        shown.to_mesh_clear()
    seen_by, settings = camera.stored(owner), reshaped.stored_settings(owner)
    columns, rows = grid_size(seen_by.width, seen_by.height, settings.detail)
    inverse = np.linalg.inv(np.array(frame.pose(seen_by)))
    own = places @ inverse[:3, :3].T + inverse[:3, 3]
    distance = np.linalg.norm(own, axis=1) if seen_by.is_panorama else np.maximum(own[:, 1], 0.0)
    radii = _COVERING * footprints(distance.astype(np.float32), columns * rows, seen_by)
    name = f"{owner.name} points"
    bytes_of = np.rint(values[:, :3] * 255.0).astype(np.uint8)
    made = create(name, places, bytes_of, radii, settings.shading)
    versions.adopt(owner, made)
    made[names.SETTINGS] = replace(settings, build_as=names.POINTS).to_json()
    return made


def create(name: str, points: Floats, colours: Bytes, radii: Floats, shading: str) -> bpy.types.Object:
    """Returns a new object, not yet in a collection, of points in Blender's frame.

    points   float32 (n, 3), metres
    colours  uint8 (n, 3), sRGB
    radii    float32 (n,), metres
    shading  value of the setting `shading`
    """
    data = _data(name, points)
    radius = data.attributes.get(RADIUS) or data.attributes.new(RADIUS, "FLOAT", "POINT")
    radius.data.foreach_set("value", np.ascontiguousarray(radii, np.float32))
    mesh_data.set_colours(data, colours)
    look = _look(name, shading)
    data.materials.append(look)
    made = bpy.data.objects.new(name, data)
    made[names.NODES] = names.POINTS
    modifier: Any = made.modifiers.new(point_group.NAME, "NODES")
    modifier.node_group = point_group.group()
    modifiers.put(modifier, "Material", look)
    return made


def _look(name: str, shading: str) -> bpy.types.Material:
    """Returns a new material of the points' own colours."""
    made = material.empty(name)
    tree: Any = made.node_tree
    is_emission = shading == "emission"
    kinds = ("Attribute", "Emission" if is_emission else "BsdfPrincipled", "OutputMaterial")
    colour, shader, output = (tree.nodes.new(f"ShaderNode{kind}") for kind in kinds)
    colour.attribute_name = mesh_data.COLOUR_ATTRIBUTE
    tree.links.new(colour.outputs["Color"], shader.inputs["Color" if is_emission else "Base Color"])
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    for number, node in enumerate((colour, shader, output)):
        node.location = (250 * number, 0)
    return made


def _data(name: str, points: Floats) -> Any:
    clouds: Any = bpy.data.pointclouds
    if _can_be_filled():
        data = clouds.new(name)
        data.resize(len(points))
    else:
        data = bpy.data.meshes.new(name)
        data.vertices.add(len(points))
    data.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(points, np.float32).reshape(-1))
    return data


def _can_be_filled() -> bool:
    kind: Any = bpy.types.PointCloud.bl_rna
    return "resize" in kind.functions
