# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators and panels share of Blender's interface: poll messages, redrawing, undo steps, timers' interval."""

import contextlib
from typing import Any, Literal

import bpy

from .texts import n_, text

Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
"""What an operator returns."""

INTERVAL = 0.1
"""Seconds between two calls of a timer that polls work in progress."""

BUSY = n_("A photo is being processed; wait for it or cancel it")
"""Why an operator is not available while a job is running."""


def can_change_scene(cls: Any, context: bpy.types.Context) -> bool:
    """Returns whether the scene belongs to this file; sets the poll message of the operator `cls` if not."""
    if context.scene is None or context.scene.library is not None:
        cls.poll_message_set(text("This scene belongs to another file; make it local or switch to another scene"))
        return False
    return True


def failure_of(error: Exception) -> str:
    """Returns what an operator reported, from the error that calling it from Python raises."""
    return str(error).strip().removeprefix("Error: ").strip()


def redraw() -> None:
    """Redraws the 3D views, with their sidebars, and the preferences."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()


def push_undo(words: str) -> None:
    """Adds an undo step called `words`, if undo is available."""
    manager: Any = bpy.context.window_manager
    undo_push: Any = bpy.ops.ed.undo_push
    # A timer has no window of its own.
    with bpy.context.temp_override(window=manager.windows[0]) if manager.windows else contextlib.nullcontext():
        if undo_push.poll():
            undo_push(message=words)
