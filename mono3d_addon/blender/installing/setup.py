# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing packages: shows what an installation offers, how it goes, what is installed, and the operators."""

from typing import Any

import bpy

from ...errors import Mono3DError
from .. import interface, preference_values, progress, readiness, reports, state
from ..reports import log_button
from ..texts import label, n_, text
from . import network

_LOG = "install.log"


def poll_installation() -> float | None:
    """Polls an installation or removal. A timer: returns the seconds until its next call, None once it is over."""
    return progress.poll_background(state.current.installation, on_finished)


def on_finished() -> str:
    """Reports how a finished installation or removal went; returns the error message, empty if there is none."""
    from .installation import Removal

    current = state.current
    work, current.installation = current.installation, None
    readiness.refresh()
    if work is None:
        return ""
    if work.cancelled or work.error:
        current.then = None
    if work.cancelled:
        current.say(text("The installation was cancelled; what was there before is unchanged."))
    elif work.error:
        current.say(work.error, failed=True)
        return work.error
    elif isinstance(work, Removal):
        waits = [text("Files still in use are removed at the next start.")] if work.waits else []
        current.say(text("Uninstalled."), *waits)
    else:
        # The next job starts with the new packages; one that is running goes on with what it has.
        if current.run is None:
            current.forget_runners()
        readiness.tidy()
        current.say(text("Installed. The next mesh is made with the new packages."))
        current.go_on()
    return ""


def draw(layout: bpy.types.UILayout) -> None:
    """Shows the running installation, else in two lines what can be installed or updated; nothing if all is there."""
    current = state.current
    if current.installation is not None:
        _draw_running(layout)
    elif current.offer is not None and not current.offer.problem:
        column = layout.column(align=True)
        about = column.column(align=True)
        about.active = False
        for line in state.wrapped(text("{what}:", what=text(readiness.ADDS))):
            about.label(text=line, translate=False)
        _install_button(column, current.offer)
    elif current.update:
        layout.operator("mono3d.update", icon="IMPORT", text="Update the packages")


def draw_plan(layout: bpy.types.UILayout, width: int) -> None:
    """Shows the running installation, else all about the one that can be made; nothing if all is installed.

    Lines have `width` letters.
    """
    current = state.current
    if current.installation is not None:
        _draw_running(layout, width)
    elif current.offer is not None:
        box = layout.box().column(align=True)
        label(box, "{what}:", what=text(readiness.ADDS), icon="IMPORT")
        for line in state.wrapped(*current.offer.plan, width=width):
            box.label(text=line, translate=False)
        row = layout.row(align=True)
        _install_button(row, current.offer)
        if current.failed:
            log_button(row, _LOG)


def _draw_running(layout: bpy.types.UILayout, width: int = 0) -> None:
    work = state.current.installation
    if work is not None:
        progress.draw_background(layout, work, "mono3d.cancel_install", width=width)
        log_button(layout, _LOG)


def _install_button(layout: Any, offer: state.Offer) -> None:
    """Shows the button; Blender's own switch, if it is in the way, is named beside it."""
    words = text("Install, {size}", size=offer.size) if offer.size else text("Install")
    layout.operator("mono3d.install", icon="IMPORT", text=words, translate=False)
    wish = state.current.planned
    if not (wish and wish.wheelhouse):
        network.draw_switch(layout)


def draw_installed(layout: bpy.types.UILayout) -> None:
    """Shows what is installed, with buttons to repair, update and uninstall it."""
    current = state.current
    if current.installed:
        box = layout.box().column(align=True)
        for line in current.installed:
            box.label(text=line)
        row = layout.row(align=True)
        row.operator("mono3d.repair", icon="FILE_REFRESH")
        update = row.row(align=True)
        update.enabled = current.update
        update.operator("mono3d.update", icon="IMPORT")
        row.operator("mono3d.uninstall", icon="TRASH")
    log_button(reports.draw(layout), _LOG, n_("Installation Log"))


class _PackageOperator(progress.Starter):
    """Installs or removes packages; a subclass implements `begin`."""

    bl_idname = "mono3d.packages"
    bl_label = "Packages"
    poll_work = staticmethod(poll_installation)

    def wait(self, context: bpy.types.Context) -> None:
        """Waits for the end."""
        if state.current.installation is not None:
            state.current.installation.wait()

    def finish(self, context: bpy.types.Context) -> str:
        """Reports the result; returns the error message, empty if there is none."""
        return on_finished()


class _Installer(_PackageOperator):
    """Installs packages; `again` and `repair` as in `Wish`, `action` completes the message of a refusal."""

    bl_idname = "mono3d.installer"
    bl_label = "Install"
    action = "install the packages"
    again = repair = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether no other installation is running; jobs go on meanwhile."""
        return _is_free(cls)

    def begin(self, context: bpy.types.Context) -> None:
        """Starts the installation. Raises Mono3DError if it needs the network and Blender may not go online."""
        from .installation import Installation, Wish

        wheelhouse = preference_values.wheelhouse()
        reason = "" if wheelhouse else network.refusal(self.action)
        if reason:
            raise Mono3DError(f"{reason} Without a network, name a wheelhouse in the add-on's preferences.")
        readiness.refresh()
        state.current.say()
        wish = Wish(state.current.data_folder, preference_values.backend(), wheelhouse, self.again, self.repair)
        installation = state.current.installation = Installation(wish)
        installation.start()


def _is_free(cls: Any) -> bool:
    if state.current.installation is not None:
        cls.poll_message_set(text("An installation is running; wait for it or cancel it"))
        return False
    return True


class MONO3D_OT_install(_Installer):
    """Install packages for more models and surfaces in the add-on's own folder; Blender's Python is not changed"""

    bl_idname = "mono3d.install"
    bl_label = "Install"


class MONO3D_OT_repair(_Installer):
    """Install the packages again from new downloads; the present ones stay in use until the new ones work"""

    bl_idname = "mono3d.repair"
    bl_label = "Repair"
    action = "repair the packages"
    repair = True


class MONO3D_OT_update(_Installer):
    """Install the packages for this version of the add-on, or for another backend"""

    bl_idname = "mono3d.update"
    bl_label = "Update"
    action = "update the packages"
    again = True


class MONO3D_OT_cancel_install(bpy.types.Operator):
    """Stop the installation; what was installed before is unchanged, finished downloads are kept"""

    bl_idname = "mono3d.cancel_install"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether an installation is running."""
        return state.current.installation is not None and state.current.installation.can_be_cancelled

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Asks the installation to stop."""
        if state.current.installation is not None:
            state.current.installation.cancel()
        return {"FINISHED"}


class MONO3D_OT_uninstall(_PackageOperator):
    """Remove the packages; models, cache and settings are kept"""

    bl_idname = "mono3d.uninstall"
    bl_label = "Uninstall"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether packages are installed and no job is running."""
        if state.current.run is not None:
            cls.poll_message_set(text(interface.BUSY))
            return False
        return bool(state.current.installed) and _is_free(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Asks first."""
        manager: Any = context.window_manager
        return manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Removes them; waits for the end only in background mode."""
        if bpy.app.background:
            return super().execute(context)
        return self.start(context)

    def begin(self, context: bpy.types.Context) -> None:
        """Starts removing them in a thread."""
        from .installation import Removal

        current = state.current
        current.forget_runners()
        current.say()
        removal = current.installation = Removal(current.data_folder)
        removal.start()


CLASSES = (
    MONO3D_OT_install,
    MONO3D_OT_repair,
    MONO3D_OT_update,
    MONO3D_OT_cancel_install,
    MONO3D_OT_uninstall,
)
