# SPDX-License-Identifier: GPL-3.0-or-later
"""Building a furnished scene in Blender, and clearing it."""

from __future__ import annotations

from typing import Any

from training.scenes import build
from training.scenes.blender import bpy
from training.scenes.furnished.library import Library
from training.scenes.furnished.scene import Furnished, Panel, Placed, Shot

_CLOSE = "close by"
FARTHEST_PICTURE = 512
"""Longest side in pixels of a picture on a wall."""


def clear() -> None:
    """Empties the scene, but for what a library keeps.

    All at once: Blender looks through the whole file for users at each single removal.
    """
    data = bpy.data
    blocks = (data.objects, data.lights, data.cameras, data.worlds, data.collections, data.node_groups)
    data.batch_remove([one for block in blocks for one in block])
    for block in (data.meshes, data.hair_curves, data.materials, data.images):
        data.batch_remove([one for one in block if one.users == 0])


def assemble(made: Furnished, library: Library) -> None:
    """Builds a scene in an empty Blender scene."""
    if made.light is None:
        raise ValueError(f"The scene {made.name} has no light.")
    build.content(made.stage)
    for placed in made.placed:
        _put(placed, library, "asset")
    for panel in made.panels:
        _panel(panel)
    build.light(made.light)


def aim(shot: Shot, library: Library) -> None:
    """Replaces the scene's camera, and what is held before it, by those of a photo."""
    old = bpy.context.scene.camera
    if old is not None:
        bpy.data.batch_remove([old, old.data])
    bpy.data.batch_remove([one for one in bpy.data.objects if one.name.startswith(_CLOSE)])
    for placed in shot.close:
        _put(placed, library, _CLOSE)
    build.camera(shot.view)


def _put(placed: Placed, library: Library, name: str) -> None:
    mesh = library.mesh(placed.asset)
    if mesh is None:
        return
    one = build.link(bpy.data.objects.new(name, mesh))
    one.location, one.rotation_euler, one.scale = placed.at, (0, 0, placed.turn), (placed.scale,) * 3
    one.color = (*placed.tint, 1)


def _panel(panel: Panel) -> None:
    mesh = bpy.data.meshes.new("panel")
    mesh.from_pydata(panel.corners, [], [(0, 1, 2, 3)])
    left, bottom, right, top = panel.part
    layer = mesh.uv_layers.new()
    for index, place in enumerate(((left, bottom), (right, bottom), (right, top), (left, top))):
        layer.data[index].uv = place
    mesh.materials.append(_printed(panel))
    build.link(bpy.data.objects.new("panel", mesh))


def _printed(panel: Panel) -> Any:
    """Returns a material that shows the picture of a panel."""
    made = bpy.data.materials.new("picture")
    if made.node_tree is None:
        made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    image = bpy.data.images.load(str(panel.picture), check_existing=True)
    if max(image.size) > FARTHEST_PICTURE:
        factor = FARTHEST_PICTURE / max(image.size)
        image.scale(*(max(1, int(side * factor)) for side in image.size))
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.extension = "EXTEND"
    if panel.glow > 0:
        surface = nodes.new("ShaderNodeEmission")
        surface.inputs["Strength"].default_value = panel.glow
    else:
        surface = nodes.new("ShaderNodeBsdfDiffuse")
    links.new(texture.outputs["Color"], surface.inputs["Color"])
    output = nodes.new("ShaderNodeOutputMaterial")
    if panel.gloss > 0:
        shine, both = nodes.new("ShaderNodeBsdfGlossy"), nodes.new("ShaderNodeMixShader")
        shine.inputs["Roughness"].default_value = 0.08
        both.inputs[0].default_value = panel.gloss
        links.new(surface.outputs[0], both.inputs[1])
        links.new(shine.outputs[0], both.inputs[2])
        surface = both
    links.new(surface.outputs[0], output.inputs["Surface"])
    return made
