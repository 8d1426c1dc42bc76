# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of assets in Blender: one each, of true size, on the origin, with simple materials."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from training.scenes.blender import bpy, mathutils
from training.scenes.furnished.catalogue import Asset

TEXTURE = 256
"""Longest side that a model's texture keeps, in pixels."""
CLEAR = 0.45
"""Opacity below which a material counts as glass."""
LEAST_OPACITY = 0.6
"""Opacity of glass on furniture: its disparity is that of its surface, so it must be seen."""
_UPRIGHT = ((1, 0, 0), (0, 0, -1), (0, 1, 0))
"""From an OBJ file's axes to Blender's."""


class Library:
    """Meshes of assets, read when they are first needed and kept."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._meshes: dict[str, Any] = {}

    def mesh(self, asset: Asset) -> Any:
        """Returns the mesh of an asset, or None if its file cannot be read."""
        if asset.key not in self._meshes:
            self._meshes[asset.key] = self._read(asset)
        return self._meshes[asset.key]

    def _read(self, asset: Asset) -> Any:
        before = set(bpy.data.objects)
        try:
            bpy.ops.wm.obj_import(filepath=str(self._cache / asset.library / asset.model))
        except RuntimeError:
            return None
        read = [one for one in bpy.data.objects if one not in before]
        solid = [one for one in read if one.type == "MESH" and len(one.data.polygons)]
        mesh = _joined(solid) if solid else None
        if mesh is not None:
            mesh.use_fake_user = True
        bpy.data.batch_remove([one for one in bpy.data.objects if one not in before])
        if mesh is None:
            return None
        if asset.is_opening:
            _without_glass(mesh)
        for material in mesh.materials:
            if material is not None:
                _simplify(material)
        _fit(mesh, asset)
        return mesh


def _joined(objects: list[Any]) -> Any:
    for one in bpy.data.objects:
        one.select_set(one in objects)
    bpy.context.view_layer.objects.active = objects[0]
    if len(objects) > 1:
        bpy.ops.object.join()
    joined = bpy.context.view_layer.objects.active
    joined.data.transform(joined.matrix_world)
    return joined.data


def _fit(mesh: Any, asset: Asset) -> None:
    """Turns, scales and moves a mesh to its true size, standing on the origin."""
    if asset.turn:
        upright = mathutils.Matrix(_UPRIGHT)
        rows = (asset.turn[0:3], asset.turn[3:6], asset.turn[6:9])
        mesh.transform((upright @ mathutils.Matrix(rows) @ upright.transposed()).to_4x4())
    stored = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", stored)
    points = stored.reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = np.array((asset.width, asset.depth, asset.height)) / np.maximum(high - low, 1e-9)
    foot = np.array(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]))
    mesh.vertices.foreach_set("co", ((points - foot) * scale).astype(np.float32).ravel())
    mesh.update()


def _without_glass(mesh: Any) -> None:
    """Removes the panes of a window: what is seen through them counts."""
    clear = {
        index for index, material in enumerate(mesh.materials) if material is not None and _opacity(material) < CLEAR
    }
    if not clear or len(clear) == len(mesh.materials):
        return
    bmesh: Any = importlib.import_module("bmesh")
    edited = bmesh.new()
    edited.from_mesh(mesh)
    gone = [face for face in edited.faces if face.material_index in clear]
    bmesh.ops.delete(edited, geom=gone, context="FACES")
    edited.to_mesh(mesh)
    edited.free()


def _shader(material: Any) -> Any:
    if material.node_tree is None:
        return None
    return next((node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)


def _opacity(material: Any) -> float:
    shader = _shader(material)
    return 1.0 if shader is None or shader.inputs["Alpha"].links else float(shader.inputs["Alpha"].default_value)


def _simplify(material: Any) -> None:
    """Has a material take the object's tint, shrinks its textures and removes what Cycles would show as magenta."""
    shader = _shader(material)
    if shader is None or material.get("simple"):
        return
    material["simple"] = True
    tree = material.node_tree
    for node in [one for one in tree.nodes if one.type == "TEX_IMAGE"]:
        _shrink(tree, node)
    for name in ("Normal", "Emission Color"):
        for link in list(shader.inputs[name].links):
            tree.links.remove(link)
    base = shader.inputs["Base Color"]
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.inputs["Factor"].default_value = 1.0
    first, second = (socket for socket in mix.inputs if socket.type == "RGBA")
    if base.links:
        tree.links.new(base.links[0].from_socket, first)
    else:
        first.default_value = base.default_value
    tree.links.new(tree.nodes.new("ShaderNodeObjectInfo").outputs["Color"], second)
    tree.links.new(next(socket for socket in mix.outputs if socket.type == "RGBA"), base)
    alpha = shader.inputs["Alpha"]
    if not alpha.links and alpha.default_value < 1:
        alpha.default_value = max(alpha.default_value, LEAST_OPACITY)


def _shrink(tree: Any, node: Any) -> None:
    image = node.image
    if image is None or min(image.size) == 0:
        for output in node.outputs:
            for link in list(output.links):
                tree.links.remove(link)
    elif max(image.size) > TEXTURE:
        width, height = image.size
        factor = TEXTURE / max(width, height)
        image.scale(max(1, int(width * factor)), max(1, int(height * factor)))
