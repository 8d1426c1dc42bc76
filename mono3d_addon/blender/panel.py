# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's panels. Everything shown is read from properties and the state; drawing computes nothing.

The module of each subject draws its own part; this one decides what is shown when, and in which order.
"""

from typing import Any

import bpy

from ..settings import PRESETS
from . import look_through, model_lines, names, offers, own_presets, progress, properties, setting_rows, state
from .photos import choose, chosen, depth_preview, running, size_warning
from .scene import reshaped
from .texts import label

_ABOVE = ("model",)
"""Settings that the main panel shows."""

_ROWS = setting_rows.rows_of(item for name, item in properties.FIELDS.items() if name not in _ABOVE)


def _is_ready(context: bpy.types.Context) -> bool:
    """Returns whether a photo is chosen; before that, the other panels are hidden."""
    scene: Any = context.scene
    return state.current.checked and chosen.is_any(scene.mono3d)


class _Sidebar(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mono3D"


class MONO3D_PT_main(_Sidebar):
    """The main panel: photo, quality, and the button to generate."""

    bl_label = "Mono3D"

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the next step."""
        layout: Any = self.layout
        scene: Any = context.scene
        if not state.current.checked:
            return
        shown = reshaped.target(context)
        choose.draw(layout, scene.mono3d, shown)
        if chosen.is_any(scene.mono3d):
            _draw_quality(layout, scene.mono3d, is_short=shown is not None)
        _draw_generate(layout, scene.mono3d)
        progress.draw_messages(layout, "MONO3D_PT_main_details")
        gets_packages = model_lines.draw_next_step(layout)
        if names.is_ours(context.active_object) and reshaped.target(context) is None:
            look_through.draw(layout.row(align=True))
        if not gets_packages:
            offers.draw(layout)


def _draw_quality(layout: Any, values: Any, *, is_short: bool) -> None:
    """Shows the presets and the models."""
    row = layout.row(align=True)
    for name in PRESETS:
        row.prop_enum(values, "preset", name)
    own_presets.draw(row)
    model_lines.draw(layout, values, is_short=is_short)


def _draw_generate(layout: Any, values: Any) -> None:
    if state.current.run is not None:
        running.draw(layout)
    else:
        if chosen.is_any(values):
            size_warning.draw(layout, values)
        button = layout.row()
        button.enabled = chosen.is_any(values)
        button.scale_y = 1.4
        model_lines.draw_generate(button, values)
        model_lines.draw_switch(layout, values)


class _Part(_Sidebar):
    """A panel below the main one, closed at first."""

    bl_parent_id = "MONO3D_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Hides it until a mesh can be generated."""
        return _is_ready(context)


class _Settings(_Part):
    """The settings of the next photo, the advanced ones folded."""

    has_active = False
    section = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Shows one of the two panels: so the settings are folded away once an object is active."""
        return _is_ready(context) and (reshaped.target(context) is not None) == cls.has_active

    def draw(self, context: bpy.types.Context) -> None:
        """Shows them."""
        layout: Any = self.layout
        scene: Any = context.scene
        setting_rows.draw(layout, scene.mono3d, _ROWS.shown)
        header, body = layout.panel(self.section, default_closed=True)
        label(header, "More")
        if body is not None:
            setting_rows.draw_groups(body, scene.mono3d, _ROWS.more)


class MONO3D_PT_settings(_Settings):
    """The settings while no object of Mono3D is active."""

    bl_label = "Settings"
    section = "MONO3D_PT_settings_more"


class MONO3D_PT_next_photo(_Settings):
    """The settings while an object of Mono3D is active, whose own are in the panel Shape."""

    bl_label = "Settings of the Next Photo"
    has_active = True
    section = "MONO3D_PT_next_photo_more"


class MONO3D_PT_depth_preview(_Part):
    """The depth of the photo, without a mesh."""

    bl_label = "Depth Preview"

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the depth."""
        panel: Any = self
        depth_preview.draw(panel.layout)


CLASSES = (MONO3D_PT_main, MONO3D_PT_settings, MONO3D_PT_next_photo, MONO3D_PT_depth_preview)
