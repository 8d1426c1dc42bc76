# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on does once it is on, when Blender opens a file, and when the user switches to another scene."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import description, preferences, progress, setup, state

_FIRST_LOOK = 0.2


def register() -> None:
    """Has Blender tell of them, and the installation looked at in a moment."""
    bpy.app.handlers.load_post.append(_after_loading)
    _subscribe()
    _look_soon()


def unregister() -> None:
    """Has Blender tell no more."""
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
    bpy.app.handlers.load_post.remove(_after_loading)
    bpy.msgbus.clear_by_owner(_OWNER)


def look() -> None:
    """Looks at the installation and at what is chosen, after which panels show something."""
    setup.look()
    setup.tidy()
    preferences.start_scenes()
    progress.redraw()


def _look_soon() -> None:
    if not bpy.app.timers.is_registered(look):
        # Blender started with a file opens it before any timer has run, and drops those that are not persistent.
        bpy.app.timers.register(look, first_interval=_FIRST_LOOK, persistent=True)


_OWNER = object()


def _subscribe() -> None:
    key: Any = (bpy.types.Window, "scene")
    bpy.msgbus.subscribe_rna(key=key, owner=_OWNER, args=(), notify=_another_scene)


def _another_scene() -> None:
    preferences.start_scenes()
    description.look_soon()


@persistent  # type: ignore[untyped-decorator]
def _after_loading(*_: object) -> None:
    # A path that is relative to the file is another photo now.
    description.forget_all()
    state.current.depth = None
    # Subscriptions go with the file, and it may have been opened over itself.
    bpy.msgbus.clear_by_owner(_OWNER)
    _subscribe()
    if not state.current.checked:
        _look_soon()
    _another_scene()
