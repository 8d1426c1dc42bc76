# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel for the active object's materials, and the operator that makes them anew."""

from typing import Any

import bpy

from ..errors import Mono3DError
from . import interface, photo_colours, setting_rows
from .reshape_operators import LIVE, refuse
from .reshape_panel import Sidebar
from .scene import reshaped
from .texts import filled

_ROWS = tuple(name for name, item in LIVE.items() if item.choice.look)


class MONO3D_OT_rebuild_material(bpy.types.Operator):
    """Make the nodes of the photo's materials anew from the settings; own changes of these nodes are lost, \
images stay"""

    bl_idname = "mono3d.rebuild_material"
    bl_label = "Rebuild Material"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the active object can be changed."""
        return context.mode == "OBJECT" and not refuse(cls, context)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Makes the materials."""
        from .scene import restyle

        owner = reshaped.target(context)
        if owner is None:
            return {"CANCELLED"}
        try:
            restyle.rebuild(reshaped.sharing(owner), reshaped.stored_settings(owner))
        except Mono3DError as error:
            self.report({"ERROR"}, filled(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}


class MONO3D_PT_active_material(Sidebar):
    """The materials of the active object, which change at once."""

    bl_label = "Material"
    bl_parent_id = "MONO3D_PT_active"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Shows its settings."""
        layout: Any = self.layout
        manager: Any = context.window_manager
        setting_rows.draw(layout, manager.mono3d_shape, _ROWS)
        layout.operator("mono3d.rebuild_material", icon="MATERIAL")
        owner = reshaped.target(context)
        if owner is not None:
            photo_colours.draw(layout, context, owner)


CLASSES = (MONO3D_OT_rebuild_material, MONO3D_PT_active_material)
