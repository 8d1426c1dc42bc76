# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers and unregisters the add-on."""

import bpy

from . import (
    events,
    export_panel,
    known_distances,
    languages,
    look_through,
    marks,
    material_panel,
    menus,
    mesh_export,
    model_lines,
    names,
    nodes_panel,
    offers,
    own_presets,
    panel,
    photo_colours,
    preferences,
    progress,
    properties,
    reports,
    reshape_operators,
    reshape_panel,
    state,
    version_operators,
    views,
)
from .photos import choose, depth_preview, description, found_here, generate, running, thumbnails

_HANDLERS = (*reshape_operators.HANDLERS, *views.HANDLERS, *events.HANDLERS)
"""Names of Blender's lists of handlers, and the functions that they call."""

_WITH_LABELS = (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu)


def classes() -> tuple[type, ...]:
    """Returns the classes to register, in their order."""
    return (
        *properties.CLASSES,
        *preferences.CLASSES,
        *offers.classes(),
        *model_lines.CLASSES,
        *reports.CLASSES,
        *running.CLASSES,
        *generate.CLASSES,
        *choose.CLASSES,
        *found_here.CLASSES,
        *depth_preview.CLASSES,
        *look_through.CLASSES,
        *photo_colours.CLASSES,
        *mesh_export.CLASSES,
        *export_panel.CLASSES,
        *menus.CLASSES,
        *own_presets.CLASSES,
        *panel.CLASSES,
        *reshape_operators.CLASSES,
        *version_operators.CLASSES,
        *reshape_panel.CLASSES,
        *nodes_panel.CLASSES,
        *material_panel.CLASSES,
        *known_distances.CLASSES,
    )


def register() -> None:
    """Registers classes, properties, menu entries and handlers; `events` checks the installation a moment later."""
    state.reset()
    languages.register(names.PACKAGE)
    for cls in classes():
        if issubclass(cls, _WITH_LABELS):
            cls.bl_translation_context = languages.CONTEXT
        bpy.utils.register_class(cls)
    properties.register()
    reshape_panel.register()
    menus.register()
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    events.register()


def unregister() -> None:
    """Unregisters everything and stops the workers."""
    for timer in (*offers.timers(), description.poll, reshape_operators.advance):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    progress.remove_timers()
    thumbnails.clear()
    marks.picked.hide()
    state.reset()
    events.unregister()
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    menus.unregister()
    reshape_panel.unregister()
    properties.unregister()
    for cls in reversed(classes()):
        bpy.utils.unregister_class(cls)
    languages.unregister(names.PACKAGE)
