# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that make another object of the active one: by nodes, or as points. The active one is hidden."""

from typing import Any

import bpy

from ..errors import Mono3DError
from . import interface, names, reshape_operators, state, views
from .scene import reshaped
from .texts import filled, text


def draw(layout: Any) -> None:
    """Shows the buttons."""
    row = layout.row(align=True)
    row.operator("mono3d.as_nodes", icon="GEOMETRY_NODES")
    row.operator("mono3d.as_points", icon="POINTCLOUD_DATA")


class MONO3D_OT_as_nodes(reshape_operators.ReshapeOperator):
    """Make the active object's surface by Geometry Nodes, so that it can be animated, and hide the object itself"""

    bl_idname = "mono3d.as_nodes"
    bl_label = "As nodes"
    _original = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the active object can be made by nodes."""
        if reshape_operators.refuse(cls, context):
            return False
        owner: Any = reshaped.target(context)
        problem = ""
        if names.NODES in owner:
            problem = text("Nodes make this object already")
        elif reshaped.is_panorama(owner):
            problem = text("Nodes make ordinary photos, not panoramas")
        if problem:
            cls.poll_message_set(problem)
        return not problem

    def subject(self, owner: bpy.types.Object) -> bpy.types.Object:
        """Returns a new object, which is empty until the worker has made its depth."""
        from .scene import as_nodes

        self._original = owner.name
        return as_nodes.copy_of(owner)

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Requests its depth."""
        try:
            reshape_operators.reshaping().change(owner, {}, makes_undo=False, discard_edits=True)
        except Mono3DError:
            _remove(owner)
            raise

    def finish(self, context: bpy.types.Context) -> str:
        """Shows the new object in place of the original; removes it if it stayed empty. Returns the error message."""
        from .scene import as_nodes

        failure = super().finish(context)
        made = reshaped.with_uid(self._uid)
        if made is None:
            return failure
        if as_nodes.is_empty(made):
            _remove(made)
        else:
            _show_instead(context, self._original, made)
        return failure


class MONO3D_OT_as_points(bpy.types.Operator):
    """Make a cloud of points as large as the photo's pixels of the active object, and hide the object itself"""

    bl_idname = "mono3d.as_points"
    bl_label = "As points"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a mesh made by Mono3D is active."""
        if reshaped.target(context) is None or context.mode != "OBJECT":
            cls.poll_message_set(text("Select a mesh made by Mono3D, in Object Mode"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Makes it."""
        from .scene import points

        owner: Any = reshaped.target(context)
        try:
            made = points.copy_of(owner, context.evaluated_depsgraph_get())
        except Mono3DError as error:
            self.report({"ERROR"}, filled(str(error)))
            return {"CANCELLED"}
        _show_instead(context, owner.name, made)
        return {"FINISHED"}


def _show_instead(context: bpy.types.Context, original: str, made: Any) -> None:
    """Hides the original, in renders too, and makes the new object the active one."""
    layer: Any = context.view_layer
    before = bpy.data.objects.get(original)
    if before is not None:
        before.hide_render = True
        if before.name in layer.objects:
            before.hide_set(True, view_layer=layer)
    if made.name in layer.objects:
        views.select(layer, [made], made)
    scene: Any = context.scene
    view = views.area_of(views.asking(context), scene)
    if view is not None:
        with views.taken_back_with(view, made):
            views.show_colours(view.spaces.active, layer, made)
    state.current.say(
        text("{name} is shown instead of {original}, which is hidden.", name=made.name, original=original)
    )


def _remove(made: Any) -> None:
    for child in tuple(made.children):
        bpy.data.objects.remove(child)
    data = made.data
    bpy.data.objects.remove(made)
    looks = [one for one in data.materials if one is not None]
    bpy.data.meshes.remove(data)
    for one in looks:
        if one.users == 0:
            bpy.data.materials.remove(one)


CLASSES = (MONO3D_OT_as_nodes, MONO3D_OT_as_points)
