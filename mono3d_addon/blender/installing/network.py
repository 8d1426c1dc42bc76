# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Blender may use the network."""

from typing import Any

import bpy

from ..texts import label, text


def forbidden() -> bool:
    """Returns whether Blender was started in offline mode."""
    return bool(bpy.app.online_access_override and not bpy.app.online_access)


def refusal(action: str) -> str:
    """Returns why the network may not be used for `action` ("install the packages"); empty if it may."""
    if bpy.app.online_access:
        return ""
    if forbidden():
        return (
            "Blender was started with --offline-mode, which overrides Preferences > System > Network > Allow Online "
            f"Access; start it without to {action}."
        )
    return (
        "Blender may not go online: tick Preferences > System > Network > Allow Online Access, "
        f"or start it with --online-mode; then {action}."
    )


def draw_switch(layout: Any) -> None:
    """Shows the way to Blender's own switch, if that is in the way."""
    if bpy.app.online_access:
        return
    if forbidden():
        note = layout.column(align=True)
        note.active = False
        label(note, "Blender is in offline mode")
    else:
        button = layout.operator(
            "screen.userpref_show", icon="PREFERENCES", text=text("Allow Online Access …"), translate=False
        )
        button.section = "SYSTEM"
