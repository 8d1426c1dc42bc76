# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from a model that is not here to the mesh: packages, weights, Generate, with one button."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import bpy

from ...depth.model import Model
from ...errors import Mono3DError
from .. import interface, state
from ..texts import text
from . import network
from .licence_dialog import AsksLicence


@dataclass
class Way:
    """What is wanted, and whether the packages were asked for already."""

    model: Model
    scene: int
    accepts_licence: bool
    has_installed: bool = False


def go(way: Way) -> None:
    """Takes the next step in the background; the end of that step takes the one after it.

    Raises RuntimeError with Blender's report if a step cannot be started.
    """
    from ...depth import weights

    current = state.current
    ops: Any = bpy.ops
    if (window := _window_of(way.scene)) is None:
        return
    with bpy.context.temp_override(window=window):
        if current.is_bare:
            if not way.has_installed:
                way.has_installed = True
                _start(way, ops.mono3d.install)
        elif weights.status(way.model, current.data_folder).state not in ("ready", "bundled"):
            _start(way, ops.mono3d.download_model, model=way.model.name, accepts_licence=way.accepts_licence)
        elif ops.mono3d.generate.poll():
            ops.mono3d.generate("INVOKE_DEFAULT")


def _start(way: Way, operator: Any, **properties: Any) -> None:
    if operator("INVOKE_DEFAULT", **properties) == {"FINISHED"}:
        state.current.then = functools.partial(_go_on, way)


def _go_on(way: Way) -> None:
    try:
        go(way)
    except RuntimeError as error:
        state.current.say(interface.failure_of(error), failed=True)


def _window_of(scene: int) -> Any:
    """Returns a window that shows the scene; None if there is none any more."""
    manager = bpy.context.window_manager
    windows: Any = manager.windows if manager is not None else ()
    return next((window for window in windows if window.scene.session_uid == scene), None)


class MONO3D_OT_get_and_generate(AsksLicence, bpy.types.Operator):
    """Download what the chosen model needs, then turn the photo into a mesh; each step can be stopped"""

    bl_idname = "mono3d.get_and_generate"
    bl_label = "Download and generate"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether nothing else is running."""
        current = state.current
        if current.download is not None or current.installation is not None:
            cls.poll_message_set(text("Something is being downloaded or installed; wait for it or stop it"))
            return False
        if current.run is not None:
            cls.poll_message_set(text(interface.BUSY))
            return False
        return True

    def start_all(self, context: bpy.types.Context) -> interface.Result:
        """Chooses the model and takes the first step."""
        try:
            way = self._way(context)
            go(way)
        except (Mono3DError, RuntimeError) as error:
            self.report({"ERROR"}, interface.failure_of(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def do_all(self, context: bpy.types.Context) -> interface.Result:
        """Takes all steps, one after the other."""
        ops: Any = bpy.ops.mono3d  # type: ignore[attr-defined]
        try:
            way = self._way(context)
            if state.current.is_bare:
                ops.install()
            ops.download_model(model=way.model.name, accepts_licence=way.accepts_licence)
            ops.generate()
        except (Mono3DError, RuntimeError) as error:
            self.report({"ERROR"}, interface.failure_of(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _way(self, context: bpy.types.Context) -> Way:
        """Returns what is wanted, and makes it the scene's model. Raises Mono3DError if it is not possible."""
        scene: Any = context.scene
        model = self.wanted(context)
        if reason := network.refusal(f"download '{model.name}'"):
            raise Mono3DError(reason)
        self.check_licence(model)
        scene.mono3d.model = model.name
        state.current.next_step = None
        return Way(model, scene.session_uid, self.accepts_licence)


CLASSES = (MONO3D_OT_get_and_generate,)
