# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for a bug, and the logs."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from . import interface, state, workers
from .texts import n_, text

_LINES = 30


def log_button(layout: bpy.types.UILayout, name: str, words: str = n_("Open Log")) -> None:
    """Shows a button that opens a log, a file in the folder of logs."""
    button: Any = layout.operator("mono3d.open_log", icon="TEXT", text=text(words), translate=False)
    button.name = name


def draw(layout: bpy.types.UILayout) -> Any:
    """Shows the buttons for the report and for the worker's log; returns their row."""
    row = layout.row(align=True)
    row.operator("mono3d.copy_report", icon="COPYDOWN")
    log_button(row, "worker.log")
    return row


def report() -> str:
    """Returns a report on Blender, the machine, the installed packages and the ends of the logs."""
    from .. import environment

    folder = state.current.data_folder
    lines = [f"Blender {bpy.app.version_string}", environment.report(folder)]
    log = workers.log_file(folder)
    if log.is_file():
        lines.append(f"End of {log}:")
        lines += [f"  {line}" for line in log.read_text("utf-8", "replace").splitlines()[-_LINES:]]
    return "\n".join(lines) + "\n"


class MONO3D_OT_copy_report(bpy.types.Operator):
    """Copy a report on the machine and the installed packages for a bug report; it contains no secrets"""

    bl_idname = "mono3d.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Copies it to the clipboard."""
        manager: Any = context.window_manager
        manager.clipboard = report()
        self.report({"INFO"}, text("The report is on the clipboard."))
        return {"FINISHED"}


class MONO3D_OT_open_log(bpy.types.Operator):
    """Open the log in the system's editor"""

    bl_idname = "mono3d.open_log"
    bl_label = "Open Log"

    name: StringProperty(  # type: ignore[valid-type]
        name="Log", description="File in the folder of logs", default="install.log", options={"HIDDEN", "SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Opens it."""
        path = state.current.data_folder / "logs" / self.name
        if not path.is_file():
            self.report({"WARNING"}, text("There is no log yet: {path}", path=path))
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


CLASSES = (MONO3D_OT_copy_report, MONO3D_OT_open_log)
