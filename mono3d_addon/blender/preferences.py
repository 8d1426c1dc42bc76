# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..settings import Habits, fields_of
from . import models, names, progress, properties, setup, state
from .texts import label

HABITS = {item.name: item for item in fields_of(Habits)}

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
        # Not made here: where that fails, Blender answers with an empty path, which would be the current directory.
        return Path(bpy.utils.extension_path_user(names.PACKAGE))
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


def habits() -> Habits:
    """Returns how the add-on is to behave on this computer."""
    values = _values()
    return Habits(**{name: properties.value_of(item, values) for name, item in HABITS.items()}) if values else Habits()


def _values() -> Any:
    preferences = bpy.context.preferences
    addon = preferences.addons.get(names.PACKAGE) if preferences else None
    return addon.preferences if addon else None


def _chosen(name: str) -> str:
    values = _values()
    return str(getattr(values, name)) if values else ""


def _look_again(values: Any, context: bpy.types.Context) -> None:
    setup.look()


def _start_scenes(values: Any, context: bpy.types.Context) -> None:
    start_scenes()


def start_scenes() -> None:
    """Has scenes that nobody has touched yet start with the default preset."""
    name = habits().preset
    for scene in bpy.data.scenes:
        values: Any = scene
        if scene.library is None:
            properties.start_with(values.mono3d, name)


class _Habits:
    """The properties of the habits, generated from the settings."""

    __annotations__ = {
        name: properties.property_of(item, **({"update": _start_scenes} if name == "preset" else {}))
        for name, item in HABITS.items()
    }


class MONO3D_AP_preferences(_Habits, bpy.types.AddonPreferences):
    """Folders, habits, what must be installed, and the models."""

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
        column.use_property_split = True
        for name in ("data_folder", "wheelhouse", "backend", *HABITS):
            column.prop(self, name)
        folder = state.current.data_folder
        label(column, "In use: {folder}", folder=folder)
        label(column, "Log: {file}", file=log_file(folder))
        setup.draw(self.layout)
        progress.draw_messages(self.layout)
        setup.draw_installed(self.layout)
        models.draw_list(self.layout)


def log_file(folder: Path) -> Path:
    """Returns the worker's log."""
    return folder / "logs" / "worker.log"


CLASSES = (MONO3D_AP_preferences,)
