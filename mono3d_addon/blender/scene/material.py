# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo as a material that renders well and survives an export.

The photo's node is linked straight to a Principled BSDF, because Blender's exporters follow no other path: OBJ, FBX and
USD look for a Principled BSDF that is linked to an output. With emission, the output that renders is another one. It
mixes the emission with itself by "Is Camera Ray", the pattern by which the glTF exporter recognizes an unlit material.

Colours are displayed through the scene's view transform, see `colours`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ...settings import Settings
from .mesh_data import COLOUR_ATTRIBUTE, UV_LAYER
from .nodes import modifier

PHOTO = "Photo"
"""Name of the node with the photo."""
RELIEF = "Relief"
"""Name of the node with the normal map."""
_OTHER_PROGRAMS = "For other programs"


def create(
    name: str, image: bpy.types.Image, settings: Settings, relief: bpy.types.Image | None = None
) -> bpy.types.Material:
    """Returns a new material that shows `image`, as the settings `material` and `shading` ask for.

    `relief` is a normal map in tangent space. It is not seen with emission, which ignores lights.
    """
    material = empty(name)
    rebuild(material, image, settings, relief)
    return material


def empty(name: str) -> bpy.types.Material:
    """Returns a new material without nodes."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):  # from 5.0 on every material has nodes, and setting this causes a warning
        material.use_nodes = True
    tree: Any = material.node_tree
    tree.nodes.clear()
    # Otherwise Cycles samples each of a million triangles as a light and takes seconds to start.
    material.cycles.emission_sampling = "NONE"  # type: ignore[attr-defined]
    return material


def rebuild(
    material: bpy.types.Material, image: bpy.types.Image, settings: Settings, relief: bpy.types.Image | None = None
) -> None:
    """Replaces all nodes of a material by those that `create` makes."""
    tree: Any = material.node_tree
    tree.nodes.clear()
    uv = _add(tree, "ShaderNodeUVMap", -800, 0, "UV Map", uv_map=UV_LAYER)
    photo = _add(tree, "ShaderNodeTexImage", -550, 150, PHOTO, image=image, extension="EXTEND")
    tree.links.new(uv.outputs["UV"], photo.inputs["Vector"])
    colour = photo.outputs["Color"]
    if settings.material == "vertex_colours":
        colour = _add(tree, "ShaderNodeVertexColor", -550, 300, "Colours", layer_name=COLOUR_ATTRIBUTE).outputs["Color"]
    lit = _add(tree, "ShaderNodeBsdfPrincipled", 0, 0, "Lit")
    lit.inputs["Roughness"].default_value = 0.9
    lit.inputs["Specular IOR Level"].default_value = 0.1
    tree.links.new(colour, lit.inputs["Base Color"])
    if relief is not None:
        picture = _add(tree, "ShaderNodeTexImage", -550, -200, RELIEF, image=relief, extension="EXTEND")
        bend = _add(tree, "ShaderNodeNormalMap", -250, -200, "Normal Map", uv_map=UV_LAYER)
        tree.links.new(uv.outputs["UV"], picture.inputs["Vector"])
        tree.links.new(picture.outputs["Color"], bend.inputs["Color"])
        tree.links.new(bend.outputs["Normal"], lit.inputs["Normal"])
    is_lit = settings.shading == "principled"
    shown = _add(tree, "ShaderNodeOutputMaterial", 500, 0, "Output" if is_lit else _OTHER_PROGRAMS)
    tree.links.new(lit.outputs["BSDF"], shown.inputs["Surface"])
    if not is_lit:
        _add_emission(tree, colour)
    # Solid view shows the image of the active node.
    tree.nodes.active = photo


def _add_emission(tree: Any, colour: Any) -> None:
    emission = _add(tree, "ShaderNodeEmission", 0, 250, "Emission")
    ray = _add(tree, "ShaderNodeLightPath", 0, 600, "Light Path")
    same = _add(tree, "ShaderNodeMixShader", 250, 300, "Unlit in glTF")
    output = _add(tree, "ShaderNodeOutputMaterial", 500, 300, "Output")
    tree.links.new(colour, emission.inputs["Color"])
    tree.links.new(ray.outputs["Is Camera Ray"], same.inputs[0])
    for shader in same.inputs[1:]:
        tree.links.new(emission.outputs["Emission"], shader)
    tree.links.new(same.outputs["Shader"], output.inputs["Surface"])
    for one in tree.nodes:
        if one.type == "OUTPUT_MATERIAL":
            one.is_active_output = one == output


def _add(tree: Any, kind: str, x: float, y: float, name: str, **values: Any) -> Any:
    node = tree.nodes.new(kind)
    node.location = (x, y)
    node.name = node.label = name
    for key, value in values.items():
        setattr(node, key, value)
    return node


def image_of(material: bpy.types.Material | None, node: str = PHOTO) -> bpy.types.Image | None:
    """Returns the image in the node named `node` of a material; None if there is none."""
    found = _image_node(material, node)
    return None if found is None else found.image


def exchange(slots: Sequence[bpy.types.MaterialSlot], node: str, image: bpy.types.Image) -> None:
    """Makes `image` the one in the node named `node` of the materials in `slots`; all else in them stays.

    Materials without such a node stay as they are, and so do those of other meshes.
    """
    for slot in slots:
        if _image_node(slot.material, node) is None:
            continue
        found: Any = _image_node(own(slot), node)
        before, found.image = found.image, image
        remove_unused(before)


def remove_unused(image: bpy.types.Image | None) -> None:
    """Removes an image that nothing uses."""
    if image is not None and image.users == 0:
        bpy.data.images.remove(image)


def own(slot: bpy.types.MaterialSlot) -> bpy.types.Material | None:
    """Returns the material of a slot for a change that is not to be seen on other meshes.

    If others use it too, the slot gets a copy, and so do the object's nodes; None if it is empty.
    """
    material: Any = slot.material
    if material is None:
        return None
    inputs = modifier.inputs_with(slot.id_data, material)
    if material.library is not None or material.users - material.use_fake_user - len(inputs) > 1:
        return put(slot, material.copy())
    return material


def put(slot: bpy.types.MaterialSlot, material: bpy.types.Material) -> bpy.types.Material:
    """Puts a material into a slot, and where the object's nodes use the one that was there; returns it."""
    inputs = modifier.inputs_with(slot.id_data, slot.material) if slot.material is not None else []
    slot.material = material
    for one, name in inputs:
        modifier.put(one, name, material)
    return material


def is_as_made(material: bpy.types.Material, settings: Settings) -> bool:
    """Returns whether a material is what `create` makes with these settings, whatever its images show."""
    image = image_of(material)
    if image is None:
        return False
    made = create("Mono3D", image, settings, image_of(material, RELIEF))
    try:
        return description(material.node_tree) == description(made.node_tree)
    finally:
        bpy.data.materials.remove(made)


def _image_node(material: bpy.types.Material | None, name: str) -> bpy.types.ShaderNodeTexImage | None:
    if material is None or material.node_tree is None:
        return None
    found = material.node_tree.nodes.get(name)
    return found if isinstance(found, bpy.types.ShaderNodeTexImage) else None


def description(tree: Any) -> Any:
    """Returns all that the nodes and links of a tree say, without positions, labels and images."""
    nodes = {node.name: (node.bl_idname, node.mute, _properties(node), _values(node)) for node in tree.nodes}
    links = {
        (link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier)
        for link in tree.links
    }
    return nodes, links


def _properties(node: Any) -> dict[str, Any]:
    general = bpy.types.ShaderNode.bl_rna.properties
    return {
        item.identifier: getattr(node, item.identifier)
        for item in node.bl_rna.properties
        if item.identifier not in general and item.type in {"BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"}
    }


def _values(node: Any) -> dict[str, Any]:
    found = {}
    for socket in node.inputs:
        value = getattr(socket, "default_value", None)
        if value is not None and not socket.is_linked:
            found[socket.identifier] = value if isinstance(value, (bool, int, float, str)) else tuple(value)
    return found
