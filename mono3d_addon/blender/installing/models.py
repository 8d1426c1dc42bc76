# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads weights of models."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ...depth.catalogue import model_named
from ...errors import Mono3DError
from .. import interface, progress, readiness, state
from ..texts import text
from . import network


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
            cls.poll_message_set(text("A model is being downloaded; wait for it or stop it"))
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
