# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads weights of models."""

import bpy

from ...errors import Mono3DError
from .. import interface, progress, readiness, state
from ..texts import text
from . import network
from .licence_dialog import AsksLicence


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
    if download.cancelled or download.error:
        current.then = None
    if download.cancelled:
        current.say(text("The download was stopped; it can be continued later."))
    elif download.error:
        current.say(download.error, failed=True)
        return download.error
    else:
        current.say(text("{model} is ready.", model=download.model.title))
        current.go_on()
    return ""


class MONO3D_OT_download_model(AsksLicence, progress.Starter):
    """Download the weights of the model from their publisher and verify them; a stopped download can be continued"""

    bl_idname = "mono3d.download_model"
    bl_label = "Download model"
    poll_work = staticmethod(poll_download)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether no download is running."""
        if state.current.download is not None:
            cls.poll_message_set(text("A model is being downloaded; wait for it or stop it"))
            return False
        return True

    def begin(self, context: bpy.types.Context) -> None:
        """Starts the download. Raises Mono3DError if Blender may not go online, or if the licence is not accepted."""
        from ...depth import weights
        from .weights_download import WeightsDownload

        model = self.wanted(context)
        if reason := network.refusal(f"download '{model.name}'"):
            readiness.refresh()
            folder = state.current.data_folder
            raise Mono3DError(f"{reason} {weights.missing_message(model, folder)}")
        self.check_licence(model)
        readiness.refresh()
        state.current.say()
        download = WeightsDownload(model, state.current.data_folder, accepts_licence=self.accepts_licence)
        state.current.download = download
        download.start()

    def start_all(self, context: bpy.types.Context) -> interface.Result:
        """Starts the download."""
        return self.start(context)

    def do_all(self, context: bpy.types.Context) -> interface.Result:
        """Downloads."""
        return progress.Starter.execute(self, context)

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
