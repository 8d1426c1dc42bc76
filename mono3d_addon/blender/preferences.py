# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from . import models, names, setup, state


def data_folder() -> Path:
    """Returns the folder for packages, weights, cache and logs: the user's choice, else the extension's own."""
    chosen = _chosen()
    if chosen:
        return Path(bpy.path.abspath(chosen))
    if names.IS_EXTENSION:
        return Path(bpy.utils.extension_path_user(names.PACKAGE, create=True))
    from .. import environment

    return environment.default_data_folder()


def _chosen() -> str:
    preferences = bpy.context.preferences
    addon = preferences.addons.get(names.PACKAGE) if preferences else None
    values: Any = addon.preferences if addon else None
    return str(values.data_folder) if values else ""


def _look_again(values: Any, context: bpy.types.Context) -> None:
    setup.look()


class MONO3D_AP_preferences(bpy.types.AddonPreferences):
    """Folders, what must be installed, and the models."""

    bl_idname = names.PACKAGE

    data_folder: StringProperty(  # type: ignore[valid-type]
        name="Data folder",
        description="Folder for packages, weights, cache and logs; empty: the extension's own",
        subtype="DIR_PATH",
        update=_look_again,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the folders and the state of the installation."""
        column = self.layout.column()
        column.prop(self, "data_folder")
        folder = state.current.data_folder
        column.label(text=f"In use: {folder}")
        column.label(text=f"Log: {log_file(folder)}")
        setup.draw(self.layout)
        models.draw_list(self.layout)


def log_file(folder: Path) -> Path:
    """Returns the worker's log."""
    return folder / "logs" / "worker.log"


CLASSES = (MONO3D_AP_preferences,)
