# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar. Everything shown is read from properties and the state; drawing computes nothing."""

from typing import Any

import bpy

from . import models, names, progress, properties, setup, state


class _Sidebar(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mono3D"


class MONO3D_PT_main(_Sidebar):
    """From a photo to a mesh."""

    bl_label = "Mono3D"

    def draw(self, context: bpy.types.Context) -> None:
        """Shows what to do next."""
        layout: Any = self.layout
        current = state.current
        if not current.checked:
            return
        if current.setup or current.installation is not None:
            setup.draw(layout)
            _draw_messages(layout)
            return
        scene: Any = context.scene
        values = scene.mono3d
        layout.prop(values, "photo", text="")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(values, "preset")
        column.prop(values, "model")
        if not values.weights:
            models.draw(layout, values.model)
        if current.run is not None:
            progress.draw(layout, current.run.stage, current.run.fraction, "mono3d.cancel")
        else:
            button = layout.row()
            button.scale_y = 1.4
            button.enabled = bool(values.photo)
            button.operator("mono3d.generate", icon="MESH_GRID")
        setup.draw_update(layout)
        _draw_messages(layout)
        if names.is_ours(context.active_object):
            layout.operator("mono3d.look_through_camera", icon="VIEW_CAMERA")


def _draw_messages(layout: bpy.types.UILayout) -> None:
    if state.current.messages:
        box = layout.box().column(align=True)
        box.alert = state.current.failed
        for line in state.current.messages:
            box.label(text=line)


class _Group(_Sidebar):
    """A group of settings, below the main panel."""

    bl_parent_id = "MONO3D_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    names: tuple[str, ...] = ()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Hides settings until they are of use."""
        return state.current.checked and not state.current.setup and state.current.installation is None

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the settings of the group."""
        panel: Any = self
        scene: Any = context.scene
        column = panel.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in self.names:
            column.prop(scene.mono3d, name)


def _group_panel(group: str, names: tuple[str, ...]) -> type:
    name = f"MONO3D_PT_{group.lower()}"
    return type(name, (_Group,), {"__doc__": f"Settings: {group}.", "bl_label": group, "names": names})


_ABOVE = ("model",)
"""Settings that the main panel shows."""

CLASSES = (
    MONO3D_PT_main,
    *(
        _group_panel(group, tuple(item.name for item in items if item.name not in _ABOVE))
        for group, items in properties.groups().items()
    ),
)
