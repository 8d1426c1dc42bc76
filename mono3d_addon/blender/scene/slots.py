# SPDX-License-Identifier: GPL-3.0-or-later
"""The material slots of objects that share one mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bpy


def at(owners: Sequence[bpy.types.Object], index: int) -> list[bpy.types.MaterialSlot]:
    """Returns the slots number `index` of objects that share one mesh: that of the mesh, and each one's own."""
    return list(_at(owners, index))


def _at(owners: Sequence[bpy.types.Object], index: int) -> Iterator[bpy.types.MaterialSlot]:
    is_of_mesh_known = False
    for owner in owners:
        if index >= len(owner.material_slots):
            continue
        slot = owner.material_slots[index]
        if slot.link == "OBJECT" or not is_of_mesh_known:
            is_of_mesh_known |= slot.link == "DATA"
            yield slot


def fill(data: Any, index: int, material: bpy.types.Material) -> None:
    """Puts a material into slot number `index` of a mesh, which gets as many slots as that takes."""
    while len(data.materials) <= index:
        data.materials.append(None)
    data.materials[index] = material
