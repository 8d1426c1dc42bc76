# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo as a material.

Colours are displayed through the scene's view transform. AgX, Blender's default, softens them; "Standard" shows them as
photographed. Files written by Mono3D use Standard, the user's own scenes are not changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy

from ...core.files import atomic_write
from .mesh_data import COLOUR_ATTRIBUTE, UV_LAYER

PHOTO = "Photo"
"""Name of the node with the photo."""
RELIEF = "Relief"
"""Name of the node with the normal map."""
SWITCH = "Vertex colours"
"""Name of the node whose value selects the photo (0) or the vertex colours (1)."""


def load_image(name: str, path: Path, copy: Path | None = None, colours: str = "sRGB") -> bpy.types.Image:
    """Returns the file `path` as a new image, packed into the .blend file.

    With `copy`, a path beside the .blend file, the file is copied there instead of packed. `colours` is the name of
    Blender's colour space: "Non-Color" for data that is no colour. Raises RuntimeError, from Blender, if the file
    cannot be read, and OSError if it cannot be copied.
    """
    if copy is not None:
        with atomic_write(copy) as whole:
            shutil.copyfile(path, whole)
        path = copy
    image = bpy.data.images.load(str(path), check_existing=False)
    image.name = name
    colour_space: Any = image.colorspace_settings
    colour_space.name = colours
    if copy is None:
        image.pack()
        # "Unpack" should write it beside the .blend file, not into the job's temporary folder.
        place = f"//{name}{path.suffix}"
        # Blender's fixed-size path field keeps the end of a longer earlier path, which would be saved in the file.
        for shown in ("/" * 1000, place):
            image.filepath_raw = shown
            for packed in image.packed_files:
                packed.filepath = shown
    elif bpy.data.filepath:
        image.filepath_raw = bpy.path.relpath(str(path))
    return image


def create(
    name: str, image: bpy.types.Image, colours_from: str, shading: str, relief: bpy.types.Image | None = None
) -> bpy.types.Material:
    """Returns a new material; `colours_from` and `shading` are values of the settings `material` and `shading`.

    `relief` is a normal map in tangent space; it is not used with emission, which ignores lights.
    """
    material = bpy.data.materials.new(name)
    tree = node_tree(material)
    colour = add_colour_nodes(tree, image, colours_from)
    if shading == "emission":
        shader = add_node(tree, "ShaderNodeEmission", 200, 0)
        tree.links.new(colour, shader.inputs["Color"])
    else:
        shader = add_node(tree, "ShaderNodeBsdfPrincipled", 200, 0)
        shader.inputs["Roughness"].default_value = 0.9
        shader.inputs["Specular IOR Level"].default_value = 0.1
        tree.links.new(colour, shader.inputs["Base Color"])
        if relief is not None:
            tree.links.new(_add_normal_nodes(tree, relief), shader.inputs["Normal"])
    output = add_node(tree, "ShaderNodeOutputMaterial", 500, 0)
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    # Otherwise Cycles samples each of a million triangles as a light and takes seconds to start.
    material.cycles.emission_sampling = "NONE"  # type: ignore[attr-defined]
    return material


def _add_normal_nodes(tree: Any, relief: bpy.types.Image) -> Any:
    picture = add_node(tree, "ShaderNodeTexImage", -550, -400, RELIEF)
    picture.image = relief
    picture.extension = "EXTEND"
    bend = add_node(tree, "ShaderNodeNormalMap", -50, -250)
    bend.uv_map = UV_LAYER
    uv = next(node for node in tree.nodes if node.type == "UVMAP")
    tree.links.new(uv.outputs["UV"], picture.inputs["Vector"])
    tree.links.new(picture.outputs["Color"], bend.inputs["Color"])
    return bend.outputs["Normal"]


def exchange(
    material: bpy.types.Material | None,
    node: str,
    name: str,
    path: Path,
    colours: str = "sRGB",
    copy: Path | None = None,
) -> bool:
    """Replaces the image in the node named `node` of a material by the file `path`; all else in it stays.

    Returns whether there is such a node. `colours`, `copy` and the errors raised are those of `load_image`.
    """
    found = material.node_tree.nodes.get(node) if material is not None and material.node_tree is not None else None
    if not isinstance(found, bpy.types.ShaderNodeTexImage):
        return False
    before, found.image = found.image, load_image(name, path, copy, colours)
    if before is not None and before.users == 0:
        bpy.data.images.remove(before)
    return True


def node_tree(material: bpy.types.Material) -> Any:
    """Returns the empty node tree of a new material."""
    if bpy.app.version < (5, 0, 0):  # from 5.0 on every material has nodes, and setting this causes a warning
        material.use_nodes = True
    tree = material.node_tree
    assert tree is not None
    tree.nodes.clear()
    return tree


def add_node(tree: Any, kind: str, x: float, y: float, label: str = "") -> Any:
    """Returns a new node of `kind` at (x, y) in the node editor's units."""
    node = tree.nodes.new(kind)
    node.location = (x, y)
    if label:
        node.name = node.label = label
    return node


def add_colour_nodes(tree: Any, image: bpy.types.Image, colours_from: str) -> Any:
    """Adds the nodes for the colour of a point and returns their output socket.

    The image node becomes the active one, which solid view shows as texture colour.
    """
    uv = add_node(tree, "ShaderNodeUVMap", -800, 100)
    uv.uv_map = UV_LAYER
    photo = add_node(tree, "ShaderNodeTexImage", -550, 150, PHOTO)
    photo.image = image
    photo.extension = "EXTEND"
    vertex_colours = add_node(tree, "ShaderNodeVertexColor", -550, -200)
    vertex_colours.layer_name = COLOUR_ATTRIBUTE
    switch = add_node(tree, "ShaderNodeValue", -300, 250, SWITCH)
    switch.outputs[0].default_value = float(colours_from == "vertex_colours")
    mix = add_node(tree, "ShaderNodeMix", -50, 100)
    mix.data_type = "RGBA"
    inputs = {socket.identifier: socket for socket in mix.inputs}
    tree.links.new(uv.outputs["UV"], photo.inputs["Vector"])
    tree.links.new(switch.outputs[0], inputs["Factor_Float"])
    tree.links.new(photo.outputs["Color"], inputs["A_Color"])
    tree.links.new(vertex_colours.outputs["Color"], inputs["B_Color"])
    tree.nodes.active = photo
    return next(socket for socket in mix.outputs if socket.identifier == "Result_Color")
