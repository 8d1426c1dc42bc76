# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of renders.

Blender shows every colour through the scene's view transform. AgX, its default, is made for light that a camera has yet
to record: it softens colours that a camera has recorded already. "Standard" shows them as they are in the photo. Scenes
that Mono3D makes use it. A scene of the user's own is never changed unasked.
"""

from __future__ import annotations

from typing import Any

import bpy

VIEW = "Standard"
_PLAIN: dict[str, Any] = {
    "look": "None",
    "exposure": 0.0,
    "gamma": 1.0,
    "use_curve_mapping": False,
    "use_white_balance": False,  # unknown before Blender 4.3
}


def departs(scene: bpy.types.Scene) -> bool:
    """Returns whether renders of a scene have other colours than emission materials."""
    view: Any = scene.view_settings
    if view.view_transform != VIEW:
        return True
    return any(getattr(view, name, value) != value for name, value in _PLAIN.items())


def use(scene: bpy.types.Scene) -> None:
    """Makes renders of a scene have the colours of emission materials.

    Raises TypeError, from Blender, if its colour configuration has no such view.
    """
    view: Any = scene.view_settings
    view.view_transform = VIEW
    for name, value in _PLAIN.items():
        if hasattr(view, name):
            setattr(view, name, value)
