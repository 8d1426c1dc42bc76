# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar as its panels draw it, without a window."""

from __future__ import annotations

import types
from typing import Any

from mono3d_addon.blender import registration
from tests.blender import stand_in
from tests.blender.made import bpy


def panels() -> list[Any]:
    """Returns the panels that are shown now, in their order."""
    shown: list[Any] = [cls for cls in registration.classes() if issubclass(cls, bpy.types.Panel)]
    shown = [cls for cls in shown if cls.bl_space_type == "VIEW_3D"]
    return [cls for cls in shown if getattr(cls, "poll", lambda context: True)(bpy.context)]


def draw(cls: Any, layout: Any) -> None:
    """Draws one panel."""
    cls.draw(types.SimpleNamespace(layout=layout, section=getattr(cls, "section", "")), bpy.context)


def draw_all(*, opens_parts: bool = True, **options: bool) -> stand_in.Layout:
    """Draws the panels that are shown; without `opens_parts` only the headers of those that are closed at first."""
    layout = stand_in.Layout(**options)
    for cls in panels():
        layout.heights.append(1.0)
        if opens_parts or "DEFAULT_CLOSED" not in getattr(cls, "bl_options", ()):
            draw(cls, layout)
    return layout


def rows() -> float:
    """Returns the height of the sidebar, in rows, before the user has opened anything."""
    return sum(draw_all(opens_parts=False, opens_sections=False).heights)
