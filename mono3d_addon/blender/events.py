# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on does after it is enabled, when a file is opened, and when the user switches scenes."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import preference_values, properties, readiness, state
from .photos import description, durations, running

_FIRST_REFRESH = 0.2


def register() -> None:
    """Subscribes to the user's changes and checks the installation a moment later."""
    _subscribe()
    _refresh_soon()


def unregister() -> None:
    """Ends the subscriptions."""
    if bpy.app.timers.is_registered(refresh):
        bpy.app.timers.unregister(refresh)
    bpy.msgbus.clear_by_owner(_OWNER)


def refresh() -> None:
    """Finds out what is installed and chosen; before that, panels show nothing."""
    readiness.refresh()
    readiness.tidy()
    preference_values.start_scenes()
    running.refresh_usual()


def _refresh_soon() -> None:
    if not bpy.app.timers.is_registered(refresh):
        # Blender opens the file it was started with before any timer runs, and drops timers that are not persistent.
        bpy.app.timers.register(refresh, first_interval=_FIRST_REFRESH, persistent=True)


@persistent  # type: ignore[untyped-decorator]
def _in_another_language(*_: object) -> None:
    # Lines that panels only show are kept in the language of their time.
    if state.current.checked:
        readiness.refresh()


_OWNER = object()


def _subscribe() -> None:
    key: Any = (bpy.types.Window, "scene")
    bpy.msgbus.subscribe_rna(key=key, owner=_OWNER, args=(), notify=_another_scene)
    for name in durations.DECISIVE:
        key = (properties.MONO3D_PG_settings, name)
        bpy.msgbus.subscribe_rna(key=key, owner=_OWNER, args=(), notify=_other_settings)


def _other_settings() -> None:
    if state.current.checked:
        running.refresh_usual()


def _another_scene() -> None:
    preference_values.start_scenes()
    _other_settings()
    description.refresh_soon()


@persistent  # type: ignore[untyped-decorator]
def _after_loading(*_: object) -> None:
    # A path relative to the .blend file now means another photo.
    description.forget_all()
    state.current.depth = None
    sentences = []
    for scene in bpy.data.scenes:
        values: Any = scene
        if scene.library is None:
            sentences += [f"{scene.name}: {sentence}" for sentence in properties.put_right(values.mono3d)]
    # Blender may drop subscriptions when a file is opened; clear any that are left and subscribe again.
    bpy.msgbus.clear_by_owner(_OWNER)
    _subscribe()
    if not state.current.checked:
        _refresh_soon()
    _another_scene()
    # What was said about the file before is of no use here.
    state.current.say(*sentences)


HANDLERS = (("load_post", _after_loading), ("translation_update_post", _in_another_language))
