# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that follow work done elsewhere, in a process or a thread, while Blender stays usable."""

import contextlib
from typing import Any, Literal

import bpy

from ..errors import Mono3DError
from .texts import text

Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]

_INTERVAL = 0.1


def draw(layout: bpy.types.UILayout, stage: str, fraction: float, cancel: str) -> None:
    """Shows a bar with the stage, and the button of the operator `cancel` if there is one."""
    row = layout.row(align=True)
    row.progress(factor=fraction, type="BAR", text=f"{text(stage)} {fraction:.0%}", translate=False)
    if cancel:
        row.operator(cancel, text="", icon="X")


def redraw() -> None:
    """Has the 3D views, with their sidebars, and the preferences drawn anew."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()


def push_undo(words: str) -> None:
    """Makes what was done an undo step, where Blender has any."""
    manager: Any = bpy.context.window_manager
    undo_push: Any = bpy.ops.ed.undo_push
    # A timer has no window of its own.
    with bpy.context.temp_override(window=manager.windows[0]) if manager.windows else contextlib.nullcontext():
        if undo_push.poll():
            undo_push(message=words)


class Follower(bpy.types.Operator):
    """Invoked, it follows its work by a timer until the end or ESC; executed, or without a window, it waits.

    A subclass says how to begin, advance, wait, stop and finish.
    """

    bl_idname = "mono3d.follower"
    bl_label = "Follow"
    _timer: bpy.types.Timer | None = None

    def begin(self, context: bpy.types.Context) -> None:
        """Starts the work. Raises Mono3DError when it cannot."""
        raise NotImplementedError

    def advance(self, context: bpy.types.Context) -> bool:
        """Takes in what happened, without waiting; tells whether the work goes on."""
        raise NotImplementedError

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for the end of the work."""
        raise NotImplementedError

    def fraction(self) -> float:
        """Returns how much is done, 0..1."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stops the work."""
        raise NotImplementedError

    def finish(self, context: bpy.types.Context) -> str:
        """Cleans up; returns a sentence for the user when the work failed."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> Result:
        """Does the work and waits for it."""
        try:
            self.begin(context)
        except Mono3DError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        try:
            self.wait(context)
        finally:
            failure = self.finish(context)
        return self._end(failure)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Starts the work and follows it."""
        manager = context.window_manager
        if bpy.app.background or manager is None or context.window is None:
            return self.execute(context)
        try:
            self.begin(context)
        except Mono3DError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._timer = manager.event_timer_add(_INTERVAL, window=context.window)
        manager.progress_begin(0.0, 1.0)
        manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Looks at the work; leaves all events but ESC to Blender."""
        if event.type == "ESC" and event.value == "PRESS":
            self.stop()
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        going_on = self.advance(context)
        redraw()
        if going_on:
            if context.window_manager:
                context.window_manager.progress_update(self.fraction())
            return {"PASS_THROUGH"}
        self._remove_timer(context)
        return self._end(self.finish(context))

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window closes or another file is opened."""
        self.stop()
        self._remove_timer(context)
        self.finish(context)

    def _remove_timer(self, context: bpy.types.Context) -> None:
        manager: Any = context.window_manager
        if self._timer is not None and manager:
            manager.event_timer_remove(self._timer)
            manager.progress_end()
        self._timer = None

    def _end(self, failure: str) -> Result:
        redraw()
        if failure:
            self.report({"ERROR"}, failure)
            return {"CANCELLED"}
        return {"FINISHED"}
