# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows results in a 3D view: after *Generate*, and through the photo's camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..errors import Mono3DError
from . import interface, preference_values, views
from .scene import reshaped
from .texts import filled, text

if TYPE_CHECKING:
    from ..core.reconstruction import Reconstruction
    from .scene import first_view
    from .scene.build import Built


def present(result: Reconstruction, built: Built, target: bpy.types.Scene, view: int) -> None:
    """Shows a new result in the 3D view `view` (see `views.asking`), as the preferences say.

    All that this changes in the view goes with the result when it is undone.
    """
    from .scene import camera, first_view

    area = views.area_of(view, target)
    layer = bpy.context.view_layer
    show = preference_values.habits().show
    if show == "camera":
        camera.use(target, built.camera)
    if area is None or layer is None:
        return
    space = area.spaces.active
    with views.taken_back_with(area, built.mesh):
        views.show_colours(space, layer, built.mesh)
        if show == "camera":
            space.region_3d.view_perspective = "CAMERA"
        elif show == "frame":
            first_view.set_background(space.shading, result)
            layer.update()
            first_view.look(space, pane_of(area), result, built.mesh.matrix_world)


def present_all(made: list[bpy.types.Object], places: list[Any], target: bpy.types.Scene, view: int) -> None:
    """Shows all results of a job, whose corners are `places`, in its 3D view if the preferences say so."""
    from .scene import first_view

    area = views.area_of(view, target)
    if len(made) < 2 or area is None or preference_values.habits().show != "frame":
        return
    with views.taken_back_with(area, made[-1]):
        first_view.look_at_all(area.spaces.active, pane_of(area), places)


def pane_of(area: Any) -> first_view.Pane:
    """Returns the size of an area's 3D view, and how much of it the sidebar and the tools cover.

    They do with *Region Overlap* in Blender's preferences, which is on at first.
    """
    from .scene import first_view

    main = next(one for one in area.regions if one.type == "WINDOW")
    end = main.x + main.width
    left = right = 0
    for one in area.regions:
        if one.type not in {"UI", "TOOLS"} or min(one.width, one.height) <= 1:
            continue
        if 2 * one.x + one.width < main.x + end:
            left = max(left, one.x + one.width - main.x)
        else:
            right = max(right, end - one.x)
    return first_view.Pane(max(1, main.width), max(1, main.height), left, right)


def draw(row: Any) -> None:
    """Shows, in a row, the buttons to look through the camera of the active result."""
    row.operator("mono3d.look_through_camera", icon="VIEW_CAMERA")
    row.operator("mono3d.look_through_camera", text="", icon="HIDE_OFF").only_look = True


class MONO3D_OT_look_through_camera(bpy.types.Operator):
    """Look through the photo's camera: make it the scene's camera and set the render size to the photo's"""

    bl_idname = "mono3d.look_through_camera"
    bl_label = "Look through camera"
    bl_options = {"REGISTER", "UNDO"}

    only_look: BoolProperty(  # type: ignore[valid-type]
        name="Only look",
        description="Only turn the view to what the photo's camera sees; scene and render size stay",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """Returns the tooltip."""
        return str(cls.bl_rna.properties["only_look"].description if properties.only_look else cls.__doc__)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a mesh or camera made by Mono3D is active."""
        return reshaped.target(context) is not None or reshaped.camera_of(context.active_object) is not None

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Sets camera and render size, and the view if called in a 3D view. Makes a camera that is gone again."""
        from .scene import camera, first_view

        target = context.scene
        if target is None:
            return {"CANCELLED"}
        try:
            eye = reshaped.camera_of(context.active_object) or self._made_again(context)
            photo = camera.stored(eye)
            if not self.only_look:
                camera.use(target, eye)
        except Mono3DError as error:
            self.report({"ERROR"}, filled(str(error)))
            return {"CANCELLED"}
        space: Any = context.space_data
        if space is not None and space.type == "VIEW_3D":
            views.show_colours(space, context.view_layer, context.active_object)
            if self.only_look:
                first_view.look_from(space, pane_of(context.area), photo, eye)
            else:
                space.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}

    def _made_again(self, context: bpy.types.Context) -> bpy.types.Object:
        """Returns a new camera for the active mesh, made from what that stores. Raises Mono3DError if it cannot be."""
        from .scene import camera

        owner: Any = reshaped.target(context)
        eye = camera.make_again(owner)
        context.view_layer.update()  # type: ignore[union-attr]
        self.report({"INFO"}, text("The camera of '{name}' was gone and has been made again.", name=owner.name))
        return eye


CLASSES = (MONO3D_OT_look_through_camera,)
