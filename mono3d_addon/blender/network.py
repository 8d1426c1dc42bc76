# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the user lets Blender use the network."""

import bpy


def refusal(action: str) -> str:
    """Returns why the network may not be used for `action` ("install the packages"); empty when it may."""
    if bpy.app.online_access:
        return ""
    if bpy.app.online_access_override:
        return f"Blender was started with --offline-mode; start it without to {action}."
    return (
        "Blender may not go online: tick Preferences > System > Network > Allow Online Access, "
        f"or start it with --online-mode; then {action}."
    )
