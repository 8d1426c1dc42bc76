# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on does when Blender opens a file or the user switches to another scene."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import description, preferences, state


def register() -> None:
    """Has Blender tell of them."""
    bpy.app.handlers.load_post.append(_after_loading)
    _subscribe()


def unregister() -> None:
    """Has Blender tell no more."""
    bpy.app.handlers.load_post.remove(_after_loading)
    bpy.msgbus.clear_by_owner(_OWNER)


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
    state.current.photos.clear()
    state.current.depth = None
    # Subscriptions go with the file, and it may have been opened over itself.
    bpy.msgbus.clear_by_owner(_OWNER)
    _subscribe()
    _another_scene()
