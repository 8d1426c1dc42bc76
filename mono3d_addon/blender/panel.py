# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panels. Everything shown is read from properties and the state; drawing computes nothing.

The module of each subject draws its own part; this one decides what is shown when, and in which order.
"""

from typing import Any

import bpy

from ..settings import SettingField
from . import model_lines, names, offers, progress, properties, setting_rows, state
from .photos import choose, chosen, depth_preview, running

_ABOVE = ("model",)
"""Settings that the main panel shows."""


def _is_ready(context: bpy.types.Context) -> bool:
    """Returns whether a photo is chosen; before that, the other panels are hidden."""
    scene: Any = context.scene
    return state.current.checked and chosen.is_any(scene.mono3d)


class _Sidebar(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mono3D"


class MONO3D_PT_main(_Sidebar):
    """The main panel: photo, model, and the button to generate."""

    bl_label = "Mono3D"

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the next step."""
        layout: Any = self.layout
        scene: Any = context.scene
        if not state.current.checked:
            return
        choose.draw(layout, scene.mono3d)
        _draw_generate(layout, scene.mono3d)
        progress.draw_messages(layout)
        if names.is_ours(context.active_object):
            layout.operator("mono3d.look_through_camera", icon="VIEW_CAMERA")
        offers.draw(layout)


def _draw_generate(layout: Any, values: Any) -> None:
    is_chosen = chosen.is_any(values)
    if is_chosen:
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(values, "preset")
        column.prop(values, "model")
        if not values.weights:
            model_lines.draw(layout, values.model)
    if state.current.run is not None:
        running.draw(layout)
    else:
        button = layout.row()
        button.enabled = is_chosen
        button.scale_y = 1.4
        button.operator("mono3d.generate", icon="MESH_GRID")


class _Part(_Sidebar):
    """A panel below the main one, closed at first."""

    bl_parent_id = "MONO3D_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Hides it until a mesh can be generated."""
        return _is_ready(context)


class MONO3D_PT_depth_preview(_Part):
    """The depth of the photo, without a mesh."""

    bl_label = "Depth preview"

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the depth."""
        panel: Any = self
        depth_preview.draw(panel.layout)


class _Group(_Part):
    """A group of settings."""

    rows = setting_rows.Rows(())

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the settings of the group."""
        panel: Any = self
        scene: Any = context.scene
        setting_rows.draw(panel.layout, scene.mono3d, self.rows)


def _group_panel(group: str, items: list[SettingField]) -> type:
    name = f"MONO3D_PT_{group.lower()}"
    rows = setting_rows.rows_of((item for item in items if item.name not in _ABOVE), f"{name}_advanced")
    return type(name, (_Group,), {"__doc__": f"Settings: {group}.", "bl_label": group, "rows": rows})


CLASSES = (
    MONO3D_PT_main,
    MONO3D_PT_depth_preview,
    *(_group_panel(group, items) for group, items in properties.groups().items()),
)
