# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators and panels share of Blender's interface: redrawing, undo steps, the interval of timers."""

import contextlib
from typing import Any, Literal

import bpy

from .texts import n_

Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
"""What an operator returns."""

INTERVAL = 0.1
"""Seconds between two calls of a timer that polls work in progress."""

BUSY = n_("A photo is being processed; wait for it or cancel it")
"""Why an operator is not available while a job is running."""


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
