# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that looks through the photo's camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..errors import Mono3DError
from . import interface
from .scene import reshaped

if TYPE_CHECKING:
    from ..core.reconstruction import Reconstruction


def show_colours(space: Any) -> None:
    """Makes a 3D view with default solid shading show the photo's colours instead of grey."""
    shading = space.shading
    if shading.type == "SOLID" and shading.color_type == "MATERIAL":
        shading.color_type = "TEXTURE"
        shading.light = "FLAT"


def present(result: Reconstruction, target: bpy.types.Scene, *, is_first: bool) -> None:
    """Shows the photo's colours in all open 3D views.

    In the views of a scene for which this is the first result, it also frames the mesh and sets the background.
    """
    from .scene import first_view

    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type != "VIEW_3D":
                continue
            space: Any = area.spaces.active
            show_colours(space)
            if is_first and window.scene == target:
                first_view.set_background(space.shading, result)
                first_view.look(space, (max(1, area.width), max(1, area.height)), result)


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
