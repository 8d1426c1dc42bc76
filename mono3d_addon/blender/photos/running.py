# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by all operators that process photos in the worker: starting, following, cancelling, showing progress."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...errors import Mono3DError
from ...settings import Settings
from .. import interface, preference_values, progress, properties, readiness, state, workers
from ..texts import filled, label, n_, text
from . import chosen

# Modules that import numpy are imported with the first job, to keep Blender's start fast.
if TYPE_CHECKING:
    from ...worker.runner import Runner

_BUSY_WITH = ("TRANSFORM_OT_", "SCULPT_OT_", "PAINT_OT_", "VIEW3D_OT_select", "VIEW3D_OT_edit_mesh", "MESH_OT_")
"""Name prefixes of modal operators during which the scene must not change."""


class PhotoJob(progress.Follower):
    """Processes photos in the worker. A subclass sets `task` and implements `build`."""

    bl_idname = "mono3d.photo_job"
    bl_label = "Work on photos"
    task = "reconstruct"
    _scene = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether no other job is running and the scene can be changed."""
        if state.current.run is not None:
            cls.poll_message_set(text(interface.BUSY))
            return False
        return interface.can_change_scene(cls, context)

    def wanted(self, values: Any) -> list[Path]:
        """Returns the photos to process. Raises Mono3DError if there is none."""
        return chosen.files(values)

    def build(self, folder: Path, target: bpy.types.Scene) -> None:
        """Builds the result stored in `folder`."""
        raise NotImplementedError

    def note_start(self, context: bpy.types.Context) -> None:
        """Notes what `build` needs to know of the moment at which the job was started."""

    def show_results(self) -> list[str]:
        """Shows all results at the end of the job; returns the sentences about them."""
        return []

    def begin(self, context: bpy.types.Context) -> None:
        """Submits the photos to the worker. Raises Mono3DError if something is missing."""
        from . import durations, pixels
        from .jobs import Run

        target: Any = context.scene
        photos = self.wanted(target.mono3d)
        for sentence in properties.put_right(target.mono3d):
            self.report({"WARNING"}, filled(sentence))
        settings = wished(target.mono3d)
        self._scene = target.session_uid
        self.note_start(context)
        state.current.say()
        runner = worker()
        if lack := readiness.lack(settings):
            raise Mono3DError(lack)
        if state.current.reshaping is not None:
            state.current.reshaping.release_worker()
        run = Run(runner, photos, settings, self.task, pixels.for_job if state.current.is_bare else None)
        usual = durations.expected(state.current.data_folder, settings) if self.task == "reconstruct" else None
        state.current.start(run, usual * len(photos) if usual is not None else None)

    def advance(self, context: bpy.types.Context) -> bool:
        """Builds a finished result, unless the user is busy; returns whether the job goes on."""
        run = state.current.run
        if run is None:
            return False
        state.current.waiting = hindrance(context) if run.has_result else ""
        if not state.current.waiting:
            run.advance(self._build)
        return run.running

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for all photos and builds their results."""
        if state.current.run is not None:
            state.current.run.finish(self._build)

    def fraction(self) -> float:
        """Returns the completed fraction of all photos, 0..1."""
        return state.current.run.fraction if state.current.run else 1.0

    def stage(self) -> str:
        """Returns the stage of the current photo."""
        run = state.current.run
        return state.current.waiting or (run.stage if run is not None else "")

    def stop(self) -> None:
        """Cancels the job."""
        if state.current.run is not None:
            state.current.run.cancel()

    def finish(self, context: bpy.types.Context) -> str:
        """Reports the result; returns the error message, empty if there is none."""
        run, state.current.run = state.current.run, None
        refresh_usual()
        state.current.waiting = ""
        if run is None:
            return ""
        told = self.show_results()
        if run.cancelled:
            state.current.say(text("Cancelled."), *told)
        elif run.failures:
            state.current.say(*run.failures, *told, failed=True)
        elif state.current.sentences:
            # For those who have closed the sidebar.
            self.report({"INFO"}, state.current.sentences[0])
        return " ".join(run.failures)

    def target(self) -> bpy.types.Scene | None:
        """Returns the scene where the job was started; the present one if that is gone."""
        # The session_uid of a scene survives renaming, and undo, which replaces all data.
        return next((one for one in bpy.data.scenes if one.session_uid == self._scene), bpy.context.scene)

    def _build(self, folder: Path) -> None:
        target = self.target()
        if target is None:
            raise Mono3DError("The scene for the result is gone; generate it again.")
        self.build(folder, target)


def hindrance(context: bpy.types.Context) -> str:
    """Returns the message for a result that has to wait; empty if it can be built now.

    Outside Object Mode an undo step contains only the edited mesh and no new object; during a drag it would contain
    an unfinished movement.
    """
    if bpy.app.background:
        return ""
    if is_rendering():
        return n_("Ready: it appears after the render")
    windows = context.window_manager.windows if context.window_manager else ()
    names = [operator.bl_idname for window in windows for operator in window.modal_operators]
    is_busy = context.mode != "OBJECT" or any(name.startswith(_BUSY_WITH) for name in names)
    return n_("Ready: it appears in Object Mode") if is_busy else ""


def is_rendering() -> bool:
    """Returns whether Blender is rendering, during which the file must not change."""
    return bool(bpy.app.is_job_running("RENDER"))


def wished(values: Any) -> Settings:
    """Returns a scene's settings, with the user's default device for `auto`. Raises Mono3DError if they are invalid."""
    settings = properties.read(values)
    if settings.device == "auto":
        settings = dataclasses.replace(settings, device=preference_values.habits().device)
    return settings


def refresh_usual() -> None:
    """Looks up how long a photo of the present scene usually takes, for the panel to show."""
    from . import durations

    scene: Any = bpy.context.scene
    try:
        settings = wished(scene.mono3d)
    except Mono3DError:  # settings that contradict each other are told when the job starts
        state.current.usual = None
    else:
        state.current.usual = durations.expected(state.current.data_folder, settings)
    interface.redraw()


def worker() -> Runner:
    """Returns the worker for photos, with the packages that are installed now."""
    readiness.refresh()
    return workers.worker(preference_values.habits())


def draw(layout: bpy.types.UILayout) -> None:
    """Shows the running job: stage, progress bar, time, and the button to cancel it."""
    run = state.current.run
    if run is None:
        return
    stage = state.current.waiting or run.stage
    progress.draw(layout, stage, run.fraction, "mono3d.cancel")
    elapsed, expected = state.current.elapsed, state.current.expected
    if expected is None:
        label(layout, "{elapsed}, ESC cancels", elapsed=progress.clock(elapsed))
    else:
        label(
            layout,
            "{elapsed} of about {expected}, ESC cancels",
            elapsed=progress.clock(elapsed),
            expected=progress.clock(max(expected, elapsed)),
        )


class MONO3D_OT_cancel(bpy.types.Operator):
    """Stop the job at once; results already built stay"""

    bl_idname = "mono3d.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a job is running."""
        return state.current.run is not None

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Cancels the job; the operator that started it cleans up."""
        if state.current.run is not None:
            state.current.run.cancel()
        return {"FINISHED"}


CLASSES = (MONO3D_OT_cancel,)
