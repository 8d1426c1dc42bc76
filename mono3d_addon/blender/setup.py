# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing the packages: what is missing, the operators, and how both are shown."""

import bpy

from ..errors import Mono3DError
from . import models, network, progress, state


def look() -> None:
    """Finds out what is missing and keeps it for the panels; reads a few small files."""
    from .. import environment
    from . import preferences
    from .installation import COMPONENTS

    current = state.current
    folder = preferences.data_folder()
    if folder != current.data_folder:
        current.forget_worker()
        current.data_folder = folder
    try:
        missing = environment.missing(COMPONENTS, current.data_folder)
        plans = environment.plans(COMPONENTS, current.data_folder) if missing else ()
        current.setup = state.wrapped(*(plan.summary() for plan in plans))
    except Mono3DError as error:
        current.setup = state.wrapped(str(error))
    models.look()
    current.checked = True


def draw(layout: bpy.types.UILayout) -> None:
    """Shows what is missing with a button, or the running installation; nothing when all is there."""
    current = state.current
    if current.installation is not None:
        progress.draw(layout, current.installation.stage, current.installation.fraction, "mono3d.cancel_install")
    elif current.setup:
        box = layout.box().column(align=True)
        box.label(text="Packages are needed once:", icon="IMPORT")
        for line in current.setup:
            box.label(text=line)
        button = layout.row()
        button.scale_y = 1.4
        button.operator("mono3d.install", icon="IMPORT")


class MONO3D_OT_install(progress.Follower):
    """Install what turns photos into meshes, into the add-on's own folder; Blender's Python stays as it is"""

    bl_idname = "mono3d.install"
    bl_label = "Install"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it while no installation runs."""
        return state.current.installation is None

    def begin(self, context: bpy.types.Context) -> None:
        """Starts the installation. Raises Mono3DError when Blender may not go online."""
        from .installation import Installation

        reason = network.refusal("install the packages")
        if reason:
            raise Mono3DError(reason)
        look()
        installation = state.current.installation = Installation(state.current.data_folder)
        installation.start()

    def advance(self, context: bpy.types.Context) -> bool:
        """Tells whether the installation still runs."""
        return state.current.installation is not None and state.current.installation.running

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for its end."""
        if state.current.installation is not None:
            state.current.installation.wait()

    def fraction(self) -> float:
        """Returns how much is done."""
        return state.current.installation.fraction if state.current.installation else 1.0

    def stop(self) -> None:
        """Asks it to stop."""
        if state.current.installation is not None:
            state.current.installation.cancel()

    def finish(self, context: bpy.types.Context) -> str:
        """Looks at the result; returns the sentence of a failure."""
        installation, state.current.installation = state.current.installation, None
        look()
        if installation is None:
            return ""
        if installation.cancelled:
            state.current.say("The installation was cancelled; nothing was installed.")
        elif installation.error:
            state.current.say(installation.error, failed=True)
            return installation.error
        else:
            state.current.say("Installed. Choose a photo and press Generate.")
        return ""


class MONO3D_OT_cancel_install(bpy.types.Operator):
    """Stop the installation and remove what it downloaded"""

    bl_idname = "mono3d.cancel_install"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it while an installation runs."""
        return state.current.installation is not None

    def execute(self, context: bpy.types.Context) -> progress.Result:
        """Asks the installation to stop."""
        if state.current.installation is not None:
            state.current.installation.cancel()
        return {"FINISHED"}


CLASSES = (MONO3D_OT_install, MONO3D_OT_cancel_install)
