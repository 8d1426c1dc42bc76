# SPDX-License-Identifier: GPL-3.0-or-later
"""The material of what lies behind near things: the second slot of a mesh, with a picture of its own."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import Mono3DError
from ..settings import Settings
from . import material


def show(data: bpy.types.Mesh, name: str, texture: Path, settings: Settings) -> None:
    """Has the second material of `data` show the picture at `texture`; makes the material where there is none yet.

    Other users' changes to the material stay: only its picture is exchanged. Raises Mono3DError, and changes nothing,
    when the picture cannot be read.
    """
    try:
        painted = material.load_image(f"{name} behind", texture)
    except RuntimeError as error:
        raise Mono3DError(f"The texture behind {name} cannot be read: {error}.") from error
    old = _photo_node(data.materials[1]) if len(data.materials) > 1 else None
    if old is not None:
        before, old.image = old.image, painted
        if before is not None and before.users == 0:
            bpy.data.images.remove(before)
        return
    while len(data.materials) < 1:
        data.materials.append(None)
    made = material.create(painted.name, painted, settings.material, settings.shading)
    if len(data.materials) < 2:
        data.materials.append(made)
    elif data.materials[1] is None:
        data.materials[1] = made


def _photo_node(made: bpy.types.Material | None) -> bpy.types.ShaderNodeTexImage | None:
    """Returns the node of a material of ours that holds the photo; None where there is none."""
    if made is None or made.node_tree is None:
        return None
    node = made.node_tree.nodes.get(material.PHOTO)
    return node if isinstance(node, bpy.types.ShaderNodeTexImage) else None
