# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators around the main job: photos become meshes in the scene."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import CollectionProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..errors import Mono3DError
from ..photos import SUFFIXES
from . import preferences, progress, properties, setup, state

# What brings numpy is imported with the first job: Blender's start waits for this module.
if TYPE_CHECKING:
    from ..core.reconstruction import Reconstruction
    from ..worker.client import Worker

_IDLE_SECONDS = 600.0
"""After this time without a job the worker ends and gives its memory back; the next job starts it again."""


class MONO3D_OT_generate(progress.Follower):
    """Turn the photo into a coloured mesh with a camera that matches it. ESC cancels"""

    bl_idname = "mono3d.generate"
    bl_label = "Generate"

    photos: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Paths of photos, one a line; empty: the photo of the scene",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    _scene = ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it while nothing else runs."""
        if state.current.run is not None:
            cls.poll_message_set("A photo is being worked on; wait for it or cancel it")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> None:
        """Hands the photos to the worker. Raises Mono3DError when something is missing."""
        from .jobs import Run

        target: Any = context.scene
        values = target.mono3d
        photos = [Path(line) for line in self.photos.splitlines() if line] or [_chosen_photo(values.photo)]
        settings = properties.read(values)
        self._scene = target.name
        state.current.say()
        if state.current.shaping is not None:
            state.current.shaping.release_worker()
        state.current.run = Run(worker(), photos, settings)

    def advance(self, context: bpy.types.Context) -> bool:
        """Builds what is done; tells whether more is to come."""
        run = state.current.run
        if run is None:
            return False
        run.advance(self._build)
        return run.running

    def wait(self, context: bpy.types.Context) -> None:
        """Builds all photos."""
        if state.current.run is not None:
            state.current.run.finish(self._build)

    def fraction(self) -> float:
        """Returns how much of all photos is done."""
        return state.current.run.fraction if state.current.run else 1.0

    def stop(self) -> None:
        """Cancels the job."""
        if state.current.run is not None:
            state.current.run.cancel()

    def finish(self, context: bpy.types.Context) -> str:
        """Tells how it went; returns the sentence of a failure."""
        run, state.current.run = state.current.run, None
        if run is None:
            return ""
        if run.cancelled:
            state.current.say("Cancelled.")
        elif run.failures:
            state.current.say(*run.failures, failed=True)
        return " ".join(run.failures)

    def _build(self, result: "Reconstruction") -> None:
        from . import scene

        target = bpy.data.scenes.get(self._scene) or bpy.context.scene
        assert target is not None
        built = scene.build(result, target, Path(bpy.data.filepath) if bpy.data.filepath else None)
        _make_active(target, built.mesh)
        counts = result.counts()
        seconds = sum(result.seconds.values())
        state.current.say(
            f"{result.name}: {counts['vertices']:,} vertices, {counts['triangles']:,} triangles in {seconds:.1f} s.",
            f"Depth: {result.settings.depth_by}, {result.engine}.",
            f"Camera: {result.camera.source}.",
            *result.notes,
        )
        undo_push: Any = bpy.ops.ed.undo_push
        if undo_push.poll():
            undo_push(message="Photo as 3D mesh")


def _chosen_photo(photo: str) -> Path:
    if not photo:
        raise Mono3DError("Choose a photo first.")
    return Path(bpy.path.abspath(photo)).absolute()


def worker() -> "Worker":
    """Returns the worker, a new one where there is none. Raises Mono3DError when packages are missing."""
    from .. import environment
    from ..worker.client import Worker

    setup.look()
    current = state.current
    if current.worker is None:
        packages = environment.require("worker", current.data_folder)
        log = preferences.log_file(current.data_folder)
        folder = current.data_folder
        current.worker = Worker("reconstruct", [packages], log, folder, idle_seconds=_IDLE_SECONDS)
    return current.worker


def _make_active(target: bpy.types.Scene, made: bpy.types.Object) -> None:
    """Selects the new mesh, unless the user is in the middle of editing something else."""
    context = bpy.context
    layer = context.view_layer
    if layer is None or context.scene != target or context.mode != "OBJECT" or made.name not in layer.objects:
        return
    for other in layer.objects.selected:
        other.select_set(False)
    made.select_set(True)
    layer.objects.active = made


class MONO3D_OT_cancel(bpy.types.Operator):
    """Stop the job at once; Blender and everything already built stay as they are"""

    bl_idname = "mono3d.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it while a job runs."""
        return state.current.run is not None

    def execute(self, context: bpy.types.Context) -> progress.Result:
        """Cancels; the operator that follows the job cleans up."""
        if state.current.run is not None:
            state.current.run.cancel()
        return {"FINISHED"}


class MONO3D_OT_import_photo(bpy.types.Operator, ImportHelper):  # type: ignore[misc]
    """Turn photos into coloured meshes with cameras that match them"""

    bl_idname = "mono3d.import_photo"
    bl_label = "Photo as 3D mesh"

    filter_glob: StringProperty(  # type: ignore[valid-type]
        default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"HIDDEN"}
    )
    files: CollectionProperty(type=bpy.types.OperatorFileListElement)  # type: ignore[valid-type]
    directory: StringProperty(subtype="DIR_PATH")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> progress.Result:
        """Hands the chosen files to the operator that does the work."""
        paths = [os.path.join(self.directory, item.name) for item in self.files if item.name]  # noqa: PTH118
        paths = paths or [self.filepath]  # type: ignore[attr-defined]
        target: Any = context.scene
        target.mono3d.photo = paths[0]
        operators: Any = bpy.ops.mono3d  # type: ignore[attr-defined]
        try:
            operators.generate("INVOKE_DEFAULT", photos="\n".join(paths))
        except RuntimeError as error:
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (MONO3D_OT_generate, MONO3D_OT_cancel, MONO3D_OT_import_photo)
