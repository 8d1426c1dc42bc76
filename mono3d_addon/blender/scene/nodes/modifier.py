# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of a Geometry Nodes modifier by their names: values, keyframes, fields in panels.

Blender 4.2 to 5.1 store them as custom properties of the modifier, 5.2 has properties of its own for them.
"""

from __future__ import annotations

from typing import Any

import bpy

from ...names import NODES

DEPTH = "Mono3D Depth"
"""Name of the group that makes the surface of a depth image."""
_BLOCKS = {"NodeSocketImage", "NodeSocketMaterial"}
"""Kinds of inputs whose values are images or materials."""


def find(owner: Any, name: str) -> Any:
    """Returns an object's modifier with the group called `name` of any version or file; None if there is none."""
    for modifier in owner.modifiers:
        group = modifier.node_group if modifier.type == "NODES" else None
        if group is not None and str(group.get(NODES, "")).rpartition(" ")[0] == name:
            return modifier
    return None


def identifier(modifier: Any, name: str) -> str:
    """Returns Blender's identifier of the input called `name`. Raises KeyError if there is none."""
    for item in modifier.node_group.interface.items_tree:
        if item.item_type == "SOCKET" and item.in_out == "INPUT" and item.name == name:
            return str(item.identifier)
    raise KeyError(name)


def get(modifier: Any, name: str) -> Any:
    """Returns the value of an input."""
    owner, key = _place(modifier, name)
    return owner[key] if owner is modifier else owner.value


def put(modifier: Any, name: str, value: Any) -> None:
    """Sets an input."""
    owner, key = _place(modifier, name)
    if owner is modifier:
        owner[key] = value
    else:
        owner.value = value
    modifier.id_data.update_tag()


def inputs_with(owner: Any, block: Any) -> list[tuple[Any, str]]:
    """Returns the inputs, as modifier and name, that have a data-block, of all objects that share `owner`'s data."""
    objects = [owner] if owner.data.users < 2 else [one for one in bpy.data.objects if one.data == owner.data]
    found = []
    for one in objects:
        modifiers: Any = one.modifiers
        for modifier in modifiers:
            group = modifier.node_group if modifier.type == "NODES" else None
            for item in group.interface.items_tree if group is not None else ():
                is_block = item.item_type == "SOCKET" and item.in_out == "INPUT" and item.socket_type in _BLOCKS
                if is_block and get(modifier, item.name) == block:
                    found.append((modifier, item.name))
    return found


def keyframe(modifier: Any, name: str, frame: float) -> bool:
    """Inserts a keyframe of an input's present value; returns whether that was possible."""
    owner, key = _place(modifier, name)
    return bool(owner.keyframe_insert(f'["{key}"]' if owner is modifier else "value", frame=frame))


def draw(layout: Any, modifier: Any, name: str) -> None:
    """Shows the field of an input."""
    owner, key = _place(modifier, name)
    layout.prop(owner, f'["{key}"]' if owner is modifier else "value", text=name)


def _place(modifier: Any, name: str) -> tuple[Any, str]:
    key = identifier(modifier, name)
    return (getattr(modifier.properties.inputs, key), "value") if hasattr(modifier, "properties") else (modifier, key)
