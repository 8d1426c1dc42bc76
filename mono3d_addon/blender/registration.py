# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender is told when the add-on is switched on and off."""

from typing import Any

import bpy

from . import generate, known_distances, look_through, models, panel, preferences, properties, setup, shape_panel, state

_CLASSES = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *setup.CLASSES,
    *models.CLASSES,
    *generate.CLASSES,
    *look_through.CLASSES,
    *panel.CLASSES,
    *shape_panel.CLASSES,
    *known_distances.CLASSES,
)

_FIRST_LOOK = 0.2


def register() -> None:
    """Registers classes, properties and the menu entry; looks at the installation a moment later."""
    state.reset()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    properties.register()
    shape_panel.register()
    bpy.types.TOPBAR_MT_file_import.append(_menu)  # type: ignore[arg-type]
    bpy.app.timers.register(_look, first_interval=_FIRST_LOOK)


def unregister() -> None:
    """Takes everything back and ends the worker."""
    for timer in (_look, setup.take_plan):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    state.reset()
    bpy.types.TOPBAR_MT_file_import.remove(_menu)  # type: ignore[arg-type]
    shape_panel.unregister()
    properties.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)


def _menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout: Any = menu.layout
    layout.operator("mono3d.import_photo", text="Photo as 3D mesh (Mono3D)")


def _look() -> None:
    setup.look()
    setup.tidy()
    from . import progress

    progress.redraw()
