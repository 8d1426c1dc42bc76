# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel with the inputs of an object that nodes make: what can be animated."""

from typing import Any

import bpy

from . import names, reshape_panel
from .scene import reshaped
from .scene.nodes import modifier as modifiers

_INPUTS = (
    "Near",
    "Far",
    "Strength",
    "Tear",
    "Thickness",
    "Cut nearer",
    "Cut farther",
    "Mask",
)
"""Those that are shown; the modifier has all."""


class MONO3D_PT_nodes(reshape_panel.Sidebar):
    """Inputs of the nodes."""

    bl_label = "Animate"
    bl_parent_id = "MONO3D_PT_active"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shows it for objects that nodes make."""
        return super().poll(context) and _modifier(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the inputs; the dots beside them set keyframes."""
        layout: Any = self.layout
        layout.use_property_split = True
        for name in _INPUTS:
            modifiers.draw(layout, _modifier(context), name)


def _modifier(context: bpy.types.Context) -> Any:
    owner = reshaped.target(context)
    return modifiers.find(owner, modifiers.DEPTH) if owner is not None and owner.get(names.NODES) else None


CLASSES = (MONO3D_PT_nodes,)
