# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers and unregisters the add-on."""

import bpy

from . import (
    events,
    known_distances,
    look_through,
    marks,
    menus,
    panel,
    preferences,
    progress,
    properties,
    readiness,
    reshape_operators,
    reshape_panel,
    state,
)
from .installing import models, setup
from .photos import choose, depth_preview, description, generate, running, thumbnails

_CLASSES = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *setup.CLASSES,
    *models.CLASSES,
    *running.CLASSES,
    *generate.CLASSES,
    *choose.CLASSES,
    *depth_preview.CLASSES,
    *look_through.CLASSES,
    *menus.CLASSES,
    *panel.CLASSES,
    *reshape_operators.CLASSES,
    *reshape_panel.CLASSES,
    *known_distances.CLASSES,
)


def register() -> None:
    """Registers classes, properties, menu entries and handlers; `events` checks the installation a moment later."""
    state.reset()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    properties.register()
    reshape_operators.register()
    reshape_panel.register()
    menus.register()
    events.register()


def unregister() -> None:
    """Unregisters everything and stops the workers."""
    for timer in (readiness.poll_plan, setup.poll_installation, models.poll_download, description.poll):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    progress.remove_timers()
    thumbnails.clear()
    marks.picked.hide()
    state.reset()
    events.unregister()
    menus.unregister()
    reshape_panel.unregister()
    reshape_operators.unregister()
    properties.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
