# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the add-on's preferences. Draws nothing."""

from pathlib import Path
from typing import Any

import bpy

from ..settings import Habits, fields_of
from . import names, properties

HABITS = {item.name: item for item in fields_of(Habits)}


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


def start_scenes() -> None:
    """Has scenes that nobody has touched yet start with the default preset."""
    name = habits().preset
    for scene in bpy.data.scenes:
        values: Any = scene
        if scene.library is None:
            properties.start_with(values.mono3d, name)
