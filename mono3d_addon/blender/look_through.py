# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that looks through the photo's camera."""

from typing import Any

import bpy

from ..errors import Mono3DError
from . import interface
from .scene import reshaped


def show_colours(space: Any) -> None:
    """Makes a 3D view with default solid shading show the photo's colours instead of grey."""
    shading = space.shading
    if shading.type == "SOLID" and shading.color_type == "MATERIAL":
        shading.color_type = "TEXTURE"
        shading.light = "FLAT"


def show_colours_everywhere() -> None:
    """Does so in all open 3D views."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                show_colours(area.spaces.active)


class MONO3D_OT_look_through_camera(bpy.types.Operator):
    """Look through the photo's camera: make it the scene's camera and set the render size to the photo's"""

    bl_idname = "mono3d.look_through_camera"
    bl_label = "Look through camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a mesh or camera made by Mono3D is active."""
        return reshaped.camera_of(context.active_object) is not None

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Sets camera and render size, and the view if called in a 3D view."""
        eye = reshaped.camera_of(context.active_object)
        if eye is None or context.scene is None:
            return {"CANCELLED"}
        from .scene import camera

        try:
            camera.use(context.scene, eye)
        except Mono3DError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        space: Any = context.space_data
        if space is not None and space.type == "VIEW_3D":
            space.region_3d.view_perspective = "CAMERA"
            show_colours(space)
        return {"FINISHED"}


CLASSES = (MONO3D_OT_look_through_camera,)
