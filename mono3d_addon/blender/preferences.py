# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from . import models, names, setup, state

BACKENDS = {
    "auto": ("Automatic", "The best one for the graphics card whose files are all pinned by a hash"),
    "cpu": ("Processor", "Works everywhere and is the smallest"),
    "cu126": ("CUDA 12.6", "NVIDIA's cards of the series 10 to 40, driver 525 or newer"),
    "cu128": ("CUDA 12.8", "NVIDIA's cards from 2017 on, driver 525 or newer, 570 for the series 50"),
    "cu130": ("CUDA 13.0", "NVIDIA's cards from the series 16 and 20 on, driver 580 or newer"),
    "rocm": ("ROCm", "AMD's cards on Linux"),
    "mps": ("Metal", "Apple silicon"),
    "xpu": ("Intel XPU", "Intel's cards on Linux"),
}
"""Word of --backend -> label and description."""


def data_folder() -> Path:
    """Returns the folder for packages, weights, cache and logs: the user's choice, else the extension's own."""
    chosen = _chosen("data_folder")
    if chosen:
        return Path(bpy.path.abspath(chosen))
    if names.IS_EXTENSION:
        return Path(bpy.utils.extension_path_user(names.PACKAGE, create=True))
    from .. import environment

    return environment.default_data_folder()


def wheelhouse() -> Path | None:
    """Returns the folder to install from instead of from the network, if the user named one."""
    chosen = _chosen("wheelhouse")
    return Path(bpy.path.abspath(chosen)) if chosen else None


def backend() -> str | None:
    """Returns the backend that the user chose; None for the best one."""
    chosen = _chosen("backend")
    return None if chosen in ("", "auto") else chosen


def _chosen(name: str) -> str:
    preferences = bpy.context.preferences
    addon = preferences.addons.get(names.PACKAGE) if preferences else None
    values: Any = addon.preferences if addon else None
    return str(getattr(values, name)) if values else ""


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

    backend: EnumProperty(  # type: ignore[valid-type]
        name="Backend",
        description="Which build of PyTorch is installed; Update changes over to another one",
        items=[(word, label, text) for word, (label, text) in BACKENDS.items()],
        update=_look_again,
    )
    wheelhouse: StringProperty(  # type: ignore[valid-type]
        name="Wheelhouse",
        description="Folder made by 'python -m vendor_installer bundle' to install from without a network",
        subtype="DIR_PATH",
        update=_look_again,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the folders and the state of the installation."""
        column = self.layout.column()
        column.prop(self, "data_folder")
        column.prop(self, "wheelhouse")
        column.prop(self, "backend")
        folder = state.current.data_folder
        column.label(text=f"In use: {folder}")
        column.label(text=f"Log: {log_file(folder)}")
        setup.draw(self.layout)
        setup.draw_installed(self.layout)
        models.draw_list(self.layout)


def log_file(folder: Path) -> Path:
    """Returns the worker's log."""
    return folder / "logs" / "worker.log"


CLASSES = (MONO3D_AP_preferences,)
