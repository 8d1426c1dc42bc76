# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the user's own, by Blender's preset menu; they set what the product's presets set, and nothing else."""

from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from ..settings import PRESET_SETTINGS


class MONO3D_PT_presets(PresetPanel, bpy.types.Panel):
    """Presets of your own for detail and effort"""

    bl_label = "Presets of Your Own"
    preset_subdir = "mono3d/quality"
    preset_operator = "script.execute_preset"
    preset_add_operator = "mono3d.add_preset"


class MONO3D_OT_add_preset(AddPresetBase, bpy.types.Operator):  # type: ignore[misc]
    """Keep the present detail and effort as a preset of your own, for all files, or remove one"""

    bl_idname = "mono3d.add_preset"
    bl_label = "Add Preset"
    preset_menu = MONO3D_PT_presets.__name__
    preset_subdir = MONO3D_PT_presets.preset_subdir
    preset_defines = ("values = bpy.context.scene.mono3d",)
    preset_values = tuple(f"values.{name}" for name in PRESET_SETTINGS)


def draw(row: Any) -> None:
    """Shows the button that opens the menu."""
    row.popover(panel=MONO3D_PT_presets.__name__, icon="PRESET", text="")


CLASSES = (MONO3D_PT_presets, MONO3D_OT_add_preset)
