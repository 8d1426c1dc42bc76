# SPDX-License-Identifier: GPL-3.0-or-later
"""The main operator: generates meshes from photos."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from .. import interface, look_through, photo_colours, preference_values, readiness, state, views
from ..scene import reshaped
from ..texts import filled, text
from . import running

# Modules that import numpy are imported with the first result, to keep Blender's start fast.
if TYPE_CHECKING:
    from ...core.reconstruction import Reconstruction
    from ..scene.build import Built


class MONO3D_OT_generate(running.PhotoJob):
    """Turn the photo into a coloured mesh with a camera that matches it. ESC cancels"""

    bl_idname = "mono3d.generate"
    bl_label = "Generate"

    photos: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Paths of photos, one per line; empty: the photos of the scene",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def wanted(self, values: Any) -> list[Path]:
        """Returns the photos given to the operator, else those of the scene."""
        given = [Path(bpy.path.abspath(line)).absolute() for line in self.photos.splitlines() if line]
        return given or super().wanted(values)

    def note_start(self, context: bpy.types.Context) -> None:
        """Notes where the results are to be shown and what they may replace."""
        self._view = views.asking(context)
        active = reshaped.target(context)
        self._replaced = active.session_uid if active is not None else 0
        self._made: list[int] = []
        self._told: list[str] = []
        self._places: list[Any] = []
        self._seconds = 0.0

    def build(self, folder: Path, target: bpy.types.Scene) -> None:
        """Builds the result in the scene, as one undo step."""
        from ...core import reconstruction
        from ...core.stages import ESTIMATING
        from ..scene import first_view
        from . import durations

        result = reconstruction.load(folder)
        built, notes = self._built(result, target)
        self._made.append(built.mesh.session_uid)
        _select(target, self._results(), built.mesh)
        look_through.present(result, built, target, self._view)
        self._places += first_view.corners(result, built.mesh.matrix_world)
        interface.push_undo("Photo as 3D mesh")
        run, seconds = state.current.run, state.current.lap()
        if ESTIMATING in result.seconds and run is not None and not run.failures:
            durations.learn(state.current.data_folder, result.settings, seconds)
        if not self._told and (words := photo_colours.note(target, result.settings)):
            notes.append(words)
        self._told += _report(result, [*notes, *map(filled, result.notes)], is_first=not self._told)
        self._seconds += sum(result.seconds.values())
        state.current.say(*self._sentences())
        readiness.refresh_models()
        readiness.offer_next_step(result.settings.depth_by)

    def show_results(self) -> list[str]:
        """Shows all results; returns the sentences about them."""
        if (target := self.target()) is not None:
            look_through.present_all(self._results(), self._places, target, self._view)
        return self._sentences()

    def _sentences(self) -> list[str]:
        """Returns the sentences about all results, which the panel folds after the first one."""
        if len(self._made) < 2:
            return self._told
        made = text("{count} meshes in {seconds} s.", count=len(self._made), seconds=f"{self._seconds:.1f}")
        return [made, *self._told]

    def _built(self, result: "Reconstruction", target: bpy.types.Scene) -> "tuple[Built, list[str]]":
        """Returns the new objects, in their place, and what to say about that."""
        from ..scene import build as scene
        from ..scene import placing

        habits = preference_values.habits()
        is_shown = bpy.context.scene == target and bpy.context.view_layer is not None
        layer: Any = bpy.context.view_layer if is_shown else target.view_layers[0]
        into = layer.active_layer_collection.collection if habits.collection == "active" else None
        if into is not None and into.library is not None:
            into = None
        old: Any = next((one for one in target.objects if one.session_uid == self._replaced), None)
        results = self._results()
        built = scene.build(result, target, Path(bpy.data.filepath) if bpy.data.filepath else None, into=into)
        if results:
            built.mesh.location = results[0].matrix_world.translation
            placing.put_beside(built, layer, result)
        elif habits.place == "replace" and placing.can_be_replaced(old, built):
            if state.current.reshaping is not None:
                state.current.reshaping.forget(old)
            return placing.put_in_place_of(built, old, target, result), [text("It replaced the active object.")]
        elif habits.place == "cursor":
            placing.put_at_cursor(built, target)
        elif placing.put_beside(built, layer, result):
            return built, [text("It is beside what was there.")]
        return built, []

    def _results(self) -> list[bpy.types.Object]:
        """Returns the mesh objects of this job that are still there."""
        by_uid = {one.session_uid: one for one in bpy.data.objects}
        return [by_uid[uid] for uid in self._made if uid in by_uid]


def _report(result: "Reconstruction", notes: list[str], *, is_first: bool) -> list[str]:
    """Returns the sentences about a result; a short form after the first one of a job."""
    counts = result.counts()
    made = text(
        "{name}: {vertices} vertices, {triangles} triangles in {seconds} s.",
        name=result.name,
        vertices=f"{counts['vertices']:,}",
        triangles=f"{counts['triangles']:,}",
        seconds=f"{sum(result.seconds.values()):.1f}",
    )
    depth = text("Depth: {model}, {engine}.", model=result.settings.depth_by, engine=result.engine)
    return [
        made,
        *([depth] if is_first else []),
        text("Camera: {source}.", source=filled(result.camera.source)),
        *notes,
    ]


def _select(target: bpy.types.Scene, results: list[bpy.types.Object], made: bpy.types.Object) -> None:
    """Selects the results of a job and makes the new one active, unless the user is editing something else."""
    context = bpy.context
    layer = context.view_layer
    if layer is None or context.scene != target or context.mode != "OBJECT" or made.name not in layer.objects:
        return
    views.select(layer, results, made)


CLASSES = (MONO3D_OT_generate,)
