# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel with the active object's settings, which reshape it."""

from collections.abc import Callable
from typing import Any

import bpy
from bpy.props import PointerProperty

from ..errors import Mono3DError
from ..settings import SettingField
from . import look_through, names, photo_colours, progress, properties, setting_rows, state, version_operators
from .enum_numbers import NUMBERS
from .reshape_operators import LIVE, pending, reshaping, start
from .scene import reshaped
from .texts import filled, label, text

_ROWS = setting_rows.rows_of(item for item in LIVE.values() if not item.choice.look)


def _shown(item: SettingField) -> Any:
    """Returns the value of a slider: requested or stored; for a field of view of 0 the camera's actual angle."""
    owner = reshaped.target(bpy.context)
    if owner is None:
        return properties.to_blender(item.name, item.default, None)
    under_way = pending(owner)
    settings = under_way.wanted if under_way else reshaped.stored_settings(owner)
    value = getattr(settings, item.name)
    if item.name == "field_of_view" and not value:
        from .scene import camera

        try:
            return camera.stored(owner).field_of_view
        except Mono3DError:
            return 0.0
    return properties.to_blender(item.name, value, bpy.context.scene)


def _change(item: SettingField, value: Any) -> None:
    """Requests a value that the user set. In background mode, where timers do not run, waits for the mesh."""
    owner = reshaped.target(bpy.context)
    if owner is None:
        return
    try:
        work = reshaping()
        work.change(owner, {item.name: properties.from_blender(item.name, value, bpy.context.scene)})
        if bpy.app.background:
            work.finish(owner)
        else:
            start()
    except Mono3DError as error:
        state.current.say(str(error), failed=True)


def _accessors(item: SettingField) -> dict[str, Callable[..., Any]]:
    if item.choice.options:
        numbers = NUMBERS[item.name]
        words = {number: word for word, number in numbers.items()}
        return {
            "get": lambda group: numbers[_shown(item)],
            "set": lambda group, number: _change(item, words[number]),
        }
    return {"get": lambda group: _shown(item), "set": lambda group, value: _change(item, value)}


MONO3D_PG_reshape = type(
    "MONO3D_PG_reshape",
    (bpy.types.PropertyGroup,),
    {
        "__doc__": "The active object's settings, kept out of undo on the window manager: an undo step is the mesh.",
        "__annotations__": {name: properties.property_of(item, **_accessors(item)) for name, item in LIVE.items()},
    },
)


class Sidebar(bpy.types.Panel):
    """A sidebar panel for the active object."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mono3D"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shows it for meshes made by Mono3D and their cameras."""
        return state.current.checked and reshaped.target(context) is not None


class MONO3D_PT_active(Sidebar):
    """Settings of the active object; those above are for the next photo."""

    bl_label = "Shape"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the object's name, its pending change and its basic settings."""
        layout: Any = self.layout
        owner: Any = reshaped.target(context)
        layout.label(text=owner.name, icon="MESH_GRID", translate=False)
        draw_state(layout, owner)
        row = layout.row(align=True)
        look_through.draw(row)
        photo_colours.draw(row, context, owner, text="")
        if words := reshaped.guess_words(owner):
            column = layout.column(align=True)
            for line in state.wrapped(text("Distances: {words}", words=filled(words))):
                column.label(text=line, translate=False)
        manager: Any = context.window_manager
        setting_rows.draw(layout, manager.mono3d_shape, _ROWS.shown)


def draw_state(layout: Any, owner: bpy.types.Object) -> None:
    """Shows the pending change of an object and the buttons to continue or drop it."""
    for problem in reshaped.stored_problems(owner):
        box = layout.box().column(align=True)
        box.alert = True
        for line in state.wrapped(problem):
            box.label(text=line, translate=False)
    under_way = pending(owner)
    if under_way is not None and under_way.is_blocked:
        box = layout.box().column(align=True)
        for line in state.wrapped(reshaped.edited_message(owner)):
            box.label(text=line, translate=False)
        row = box.row(align=True)
        row.operator("mono3d.remesh", icon="FILE_REFRESH")
        row.operator("mono3d.keep_shape", icon="X")
    elif under_way is not None and under_way.waits:
        row = layout.row(align=True)
        label(row, under_way.stage, icon="PAUSE")
        row.operator("mono3d.keep_shape", text="", icon="X")
    elif under_way is not None:
        share = under_way.request.job.fraction if under_way.request else 0.0
        progress.draw(layout, under_way.stage, share, "mono3d.keep_shape")
    elif owner.get(names.DRAFT):
        layout.operator("mono3d.remesh", icon="FILE_REFRESH", text="Draft: Reshape")
    else:
        layout.operator("mono3d.remesh", icon="FILE_REFRESH")


class MONO3D_PT_active_more(Sidebar):
    """The advanced settings of the active object."""

    bl_label = "More"
    bl_parent_id = "MONO3D_PT_active"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 9

    def draw(self, context: bpy.types.Context) -> None:
        """Shows what else can be made of the object, and the settings by group."""
        version_operators.draw(self.layout)
        manager: Any = context.window_manager
        setting_rows.draw_groups(self.layout, manager.mono3d_shape, _ROWS.more)


CLASSES = (MONO3D_PG_reshape, MONO3D_PT_active, MONO3D_PT_active_more)


def register() -> None:
    """Registers the active object's settings."""
    bpy.types.WindowManager.mono3d_shape = PointerProperty(type=MONO3D_PG_reshape)  # type: ignore[attr-defined]


def unregister() -> None:
    """Unregisters them."""
    del bpy.types.WindowManager.mono3d_shape  # type: ignore[attr-defined]
