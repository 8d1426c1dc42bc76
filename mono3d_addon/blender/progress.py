# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for work in a process or thread, during which Blender stays usable, and how its progress is shown."""

import traceback
from collections.abc import Callable
from typing import Any

import bpy

from ..errors import Mono3DError, unforeseen
from . import state, status_bar
from .interface import INTERVAL, Result, redraw
from .texts import filled, label, text

_LEAST_TO_GUESS = 0.02
"""Completed fraction of work from which on the remaining time is guessed."""


def draw(layout: bpy.types.UILayout, stage: str, fraction: float, cancel: str) -> None:
    """Shows a progress bar with the stage, and a button for the operator `cancel` unless it is empty."""
    row = layout.row(align=True)
    row.progress(factor=fraction, type="BAR", text=f"{filled(stage)} {fraction:.0%}", translate=False)
    if cancel:
        row.operator(cancel, text="", icon="X")


def draw_background(layout: bpy.types.UILayout, work: state.Background, cancel: str, *, width: int = 0) -> None:
    """Shows work in a thread: share and times in a bar, below it the stage in lines of `width` letters; 0: narrow.

    `cancel` is the operator that stops it.
    """
    row = layout.row(align=True)
    elapsed, fraction = work.elapsed, work.fraction
    words = text("{percent}, {elapsed}", percent=f"{fraction:.0%}", elapsed=clock(elapsed))
    if fraction > _LEAST_TO_GUESS:
        left = clock(elapsed * (1.0 - fraction) / fraction)
        words = text("{percent}, {elapsed}, {left} left", percent=f"{fraction:.0%}", elapsed=clock(elapsed), left=left)
    row.progress(factor=fraction, type="BAR", text=words, translate=False)
    if work.can_be_cancelled:
        row.operator(cancel, text="", icon="X")
    column = layout.column(align=True)
    for line in state.wrapped(filled(work.stage), **({"width": width} if width else {})):
        column.label(text=line, translate=False)


def clock(seconds: float) -> str:
    """Returns a duration as minutes and seconds, such as "1:05"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def draw_messages(layout: Any, section: str = "") -> None:
    """Shows the messages about the last job, those after the first one folded if a name for that section is given.

    A failure is never folded. `layout` must be that of a panel then: Blender allows no section elsewhere.
    """
    current = state.current
    if not current.messages:
        return
    shown = current.headline if section and not current.failed else len(current.messages)
    box = layout.box().column(align=True)
    box.alert = current.failed
    for line in current.messages[:shown]:
        box.label(text=line, translate=False)
    if current.messages[shown:]:
        header, body = layout.panel(section, default_closed=True)
        label(header, "Details")
        if body is not None:
            column = body.column(align=True)
            for line in current.messages[shown:]:
                column.label(text=line, translate=False)


def draw_sentences(layout: Any, width: int) -> None:
    """Shows the messages about the last job in lines of `width` letters."""
    if state.current.sentences:
        box = layout.box().column(align=True)
        box.alert = state.current.failed
        for line in state.wrapped(*state.current.sentences, width=width):
            box.label(text=line, translate=False)


def poll_background(work: state.Work | None, on_finished: Callable[[], object]) -> float | None:
    """Polls work in a thread for a timer and calls `on_finished` at its end.

    Returns the seconds until the timer's next call, None once the work is over.
    """
    if work is None:
        return None
    if work.running:
        redraw()
        return INTERVAL
    on_finished()
    redraw()
    return None


def remove_timers() -> None:
    """Removes the timers of running operators: disabling the add-on ends the operators, but not these."""
    for timer in tuple(state.current.timers):
        _remove_timer(timer)


def _remove_timer(timer: bpy.types.Timer) -> None:
    manager: Any = bpy.context.window_manager
    state.current.timers.remove(timer)
    manager.event_timer_remove(timer)
    manager.progress_end()
    status_bar.clear()


class Starter(bpy.types.Operator):
    """Starts work that outlives windows and files. Invoked, it returns at once and a timer polls the work; executed, or
    in background mode, it waits for the end.

    A subclass implements `begin`, `wait` and `finish`.
    """

    bl_idname = "mono3d.starter"
    bl_label = "Start"
    poll_work: Callable[[], float | None]
    """The timer that polls the work: a module's function, because the operator no longer exists by then."""

    def begin(self, context: bpy.types.Context) -> None:
        """Starts the work. Raises Mono3DError if it cannot be started."""
        raise NotImplementedError

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for the end."""
        raise NotImplementedError

    def finish(self, context: bpy.types.Context) -> str:
        """Cleans up; returns the error message, empty if there is none."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> Result:
        """Does the work and waits for it."""
        if not self._has_begun(context):
            return {"CANCELLED"}
        try:
            self.wait(context)
        finally:
            failure = self.finish(context)
        return self._end(failure)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Starts the work; waits for it only in background mode."""
        return self.execute(context) if bpy.app.background else self.start(context)

    def start(self, context: bpy.types.Context) -> Result:
        """Starts the work and the timer that polls it."""
        if not self._has_begun(context):
            return {"CANCELLED"}
        poll_work = type(self).poll_work
        if not bpy.app.timers.is_registered(poll_work):
            bpy.app.timers.register(poll_work, first_interval=INTERVAL, persistent=True)
        redraw()
        return {"FINISHED"}

    def _has_begun(self, context: bpy.types.Context) -> bool:
        try:
            self.begin(context)
        except Mono3DError as error:
            self.report({"ERROR"}, filled(str(error)))
            return False
        except OSError as error:
            traceback.print_exc()
            self.report({"ERROR"}, unforeseen(error))
            return False
        return True

    def _end(self, failure: str) -> Result:
        redraw()
        if failure:
            self.report({"ERROR"}, filled(failure))
            return {"CANCELLED"}
        return {"FINISHED"}


class Follower(Starter):
    """Invoked, it follows its work as a modal operator until the end or ESC, or until its window or file is closed.

    A subclass also implements `advance`, `fraction` and `stop`.
    """

    bl_idname = "mono3d.follower"
    bl_label = "Follow"
    _timer: bpy.types.Timer | None = None

    def advance(self, context: bpy.types.Context) -> bool:
        """Advances the work without waiting; returns whether it goes on."""
        raise NotImplementedError

    def fraction(self) -> float:
        """Returns the completed fraction, 0..1."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stops the work."""
        raise NotImplementedError

    def stage(self) -> str:
        """Returns the stage of the work, in words that are not translated yet."""
        raise NotImplementedError

    def has_changed(self) -> bool:
        """Returns, after the end, whether anything was changed that needs an undo step."""
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Starts the work and follows it."""
        manager = context.window_manager
        if bpy.app.background or manager is None or context.window is None:
            return self.execute(context)
        if not self._has_begun(context):
            return {"CANCELLED"}
        self._timer = manager.event_timer_add(INTERVAL, window=context.window)
        state.current.timers.append(self._timer)
        manager.progress_begin(0.0, 1.0)
        manager.modal_handler_add(self)
        self._show_progress(context)
        redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Advances the work; passes on all events but ESC."""
        is_stopped = event.type == "ESC" and event.value == "PRESS"
        if not is_stopped and event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if is_stopped:
                self.stop()
            going_on = self.advance(context)
        except Exception as error:
            # Otherwise Blender would end the operator but not its work, and no other could be started.
            traceback.print_exc()
            return self._abort(context, unforeseen(error))
        redraw()
        if going_on:
            self._show_progress(context)
            return {"PASS_THROUGH"}
        self._remove_timer()
        result = self._end(self.finish(context))
        return result if self.has_changed() else {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window closes or another file is opened."""
        self.stop()
        self._remove_timer()
        self.finish(context)

    def _show_progress(self, context: bpy.types.Context) -> None:
        """Shows the progress at the mouse and in the status bar."""
        if context.window_manager:
            context.window_manager.progress_update(self.fraction())
            status_bar.show(f"Mono3D: {filled(self.stage())} {self.fraction():.0%}")

    def _abort(self, context: bpy.types.Context, failure: str) -> Result:
        self._remove_timer()
        self.stop()
        self.finish(context)
        state.current.say(failure, failed=True)
        return self._end(failure)

    def _remove_timer(self) -> None:
        timer, self._timer = self._timer, None
        # When the add-on is disabled, the timer is removed before the operator is cancelled.
        if timer is not None and timer in state.current.timers:
            _remove_timer(timer)
