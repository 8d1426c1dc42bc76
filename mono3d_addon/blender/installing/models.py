# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the models with the state of their weights, and downloads weights."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ...depth.catalogue import model_named
from ...errors import Mono3DError
from .. import interface, progress, readiness, state
from ..texts import text
from . import network


def draw(layout: bpy.types.UILayout, name: str) -> None:
    """Shows the state of the model `name`, and a button if its weights are missing or the running download.

    A download of another model shows that model's name.
    """
    current = state.current
    line = current.models.get(name)
    if line is None:
        return
    layout.label(text=line.text, icon="ERROR" if line.action else "CHECKMARK" if line.is_ready else "INFO")
    if current.download is not None:
        _draw_download(layout, current.download, name)
    elif line.action:
        button: Any = layout.operator("mono3d.download_model", text=line.action, icon="IMPORT")
        button.model = name


def _draw_download(layout: bpy.types.UILayout, download: state.Download, beside: str) -> None:
    stage = download.stage.rpartition(": ")[2]
    line = stage if download.model.name == beside else f"{download.model.name}: {stage}"
    progress.draw(layout, line, download.fraction, "mono3d.cancel_download")


def draw_list(layout: bpy.types.UILayout) -> None:
    """Shows all models with their states."""
    column = layout.box().column(align=True)
    download = state.current.download
    for name, line in state.current.models.items():
        row = column.split(factor=0.35)
        row.label(text=name)
        if download is not None and download.model.name == name:
            _draw_download(row, download, name)
            continue
        row = row.split(factor=0.7)
        row.label(text=line.text)
        if line.action:
            button: Any = row.operator("mono3d.download_model", text=line.action)
            button.model = name


def poll_download() -> float | None:
    """Polls the download. A timer: returns the seconds until its next call, None once the download is over."""
    return progress.poll_background(state.current.download, on_finished)


def on_finished() -> str:
    """Reports how a finished download went; returns the error message, empty if there is none."""
    current = state.current
    download, current.download = current.download, None
    readiness.refresh_models()
    if download is None:
        return ""
    if download.cancelled:
        current.say(text("The download was stopped; it can be continued later."))
    elif download.error:
        current.say(download.error, failed=True)
        return download.error
    else:
        current.say(text("{model} is ready.", model=download.model.name))
    return ""


class MONO3D_OT_download_model(progress.Starter):
    """Download the weights of the model from their publisher and verify them; a stopped download can be continued"""

    bl_idname = "mono3d.download_model"
    bl_label = "Download model"
    poll_work = staticmethod(poll_download)

    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Name of the model; empty: the model of the scene",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether no download is running."""
        if state.current.download is not None:
            cls.poll_message_set("A model is being downloaded; wait for it or stop it")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> None:
        """Starts the download. Raises Mono3DError if Blender may not go online."""
        from ...depth import weights
        from .weights_download import WeightsDownload

        scene: Any = context.scene
        model = model_named(self.model or scene.mono3d.model)
        if reason := network.refusal(f"download '{model.name}'"):
            readiness.refresh()
            folder = state.current.data_folder
            raise Mono3DError(f"{reason} {weights.missing_message(model, folder)}")
        readiness.refresh()
        state.current.say()
        download = WeightsDownload(model, state.current.data_folder)
        state.current.download = download
        download.start()

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for the end."""
        if state.current.download is not None:
            state.current.download.wait()

    def finish(self, context: bpy.types.Context) -> str:
        """Reports the result; returns the error message, empty if there is none."""
        return on_finished()


class MONO3D_OT_cancel_download(bpy.types.Operator):
    """Stop the download; it can be continued later"""

    bl_idname = "mono3d.cancel_download"
    bl_label = "Stop"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether a download is running."""
        return state.current.download is not None

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Asks the download to stop; its timer cleans up."""
        if state.current.download is not None:
            state.current.download.cancel()
        return {"FINISHED"}


CLASSES = (MONO3D_OT_download_model, MONO3D_OT_cancel_download)
