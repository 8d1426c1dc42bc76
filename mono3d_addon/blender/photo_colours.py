# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers, in a scene of the user's own, that renders show the photo's own colours; see `scene.colours`."""

from __future__ import annotations

from typing import Any

import bpy

from ..settings import Settings
from . import interface
from .scene import colours, reshaped
from .texts import text


def note(scene: bpy.types.Scene, settings: Settings) -> str:
    """Returns what renders of a scene do to the photo as it was lit; empty if they show it as it is."""
    if settings.shading != "emission" or not colours.departs(scene):
        return ""
    view: Any = scene.view_settings
    return text(
        "Renders change the photo's colours ({view}); 'Render Like the Photo' keeps them.", view=view.view_transform
    )


def draw(layout: Any, context: bpy.types.Context, owner: bpy.types.Object, **how: Any) -> None:
    """Shows the button for an object that shows the photo as it was lit, if renders of the scene do not.

    `how` are arguments of `UILayout.operator`.
    """
    scene = context.scene
    if scene is not None and reshaped.stored_settings(owner).shading == "emission" and colours.departs(scene):
        layout.operator("mono3d.render_like_photo", icon="COLOR", **how)


class MONO3D_OT_render_like_photo(bpy.types.Operator):
    """Show and render all colours of this scene as they are in photos: view transform Standard instead of AgX or \
Filmic, without look, exposure, gamma and curves. Other materials look harder then"""

    bl_idname = "mono3d.render_like_photo"
    bl_label = "Render Like the Photo"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the scene changes the photo's colours and is the user's to change."""
        scene = context.scene
        return scene is not None and scene.library is None and colours.departs(scene)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Sets the scene's view."""
        if context.scene is None:
            return {"CANCELLED"}
        try:
            colours.use(context.scene)
        except TypeError:
            self.report(
                {"ERROR"},
                text("The colour configuration of this Blender has no view '{view}'.", view=colours.VIEW),
            )
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (MONO3D_OT_render_like_photo,)
