# SPDX-License-Identifier: GPL-3.0-or-later
"""The main operator: generates meshes from photos."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from .. import interface, look_through, names, photo_colours, state
from ..texts import filled, text
from . import running


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

    def build(self, folder: Path, target: bpy.types.Scene) -> None:
        """Builds the result in the scene, as one undo step."""
        from ...core import reconstruction
        from ...core.stages import ESTIMATING
        from ..scene import build as scene
        from ..scene import first_view
        from . import durations

        result = reconstruction.load(folder)
        is_first = not any(names.is_ours(one) for one in target.objects)
        built = scene.build(result, target, Path(bpy.data.filepath) if bpy.data.filepath else None)
        _make_active(target, built.mesh)
        look_through.present(result, target, is_first=is_first)
        layer = bpy.context.view_layer
        is_hidden = (
            is_first
            and layer is not None
            and bpy.context.scene == target
            and first_view.hide_default_cube(target, layer, built.camera)
        )
        interface.push_undo("Photo as 3D mesh")
        run, seconds = state.current.run, state.current.lap()
        if ESTIMATING in result.seconds and run is not None and not run.failures:
            durations.learn(state.current.data_folder, result.settings, seconds)
        counts = result.counts()
        state.current.say(
            text(
                "{name}: {vertices} vertices, {triangles} triangles in {seconds} s.",
                name=result.name,
                vertices=f"{counts['vertices']:,}",
                triangles=f"{counts['triangles']:,}",
                seconds=f"{sum(result.seconds.values()):.1f}",
            ),
            text("Depth: {model}, {engine}.", model=result.settings.depth_by, engine=result.engine),
            text("Camera: {source}.", source=filled(result.camera.source)),
            *((text("Blender's default cube was hidden: it encloses the camera."),) if is_hidden else ()),
            *((words,) if (words := photo_colours.note(target, result.settings)) else ()),
            *map(filled, result.notes),
        )


def _make_active(target: bpy.types.Scene, made: bpy.types.Object) -> None:
    """Selects the new mesh and makes it active, unless the user is editing something else."""
    context = bpy.context
    layer = context.view_layer
    if layer is None or context.scene != target or context.mode != "OBJECT" or made.name not in layer.objects:
        return
    for other in layer.objects.selected:
        other.select_set(False)
    made.select_set(True)
    layer.objects.active = made


CLASSES = (MONO3D_OT_generate,)
