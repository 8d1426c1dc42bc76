# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the add-on's preferences. Draws nothing."""

from pathlib import Path
from typing import Any

import bpy

from ..settings import Habits, fields_of
from . import names, properties

HABITS = {item.name: item for item in fields_of(Habits)}


def data_folder() -> Path:
    """Returns the folder for packages, weights, cache and logs: the one chosen in the preferences, else a default."""
    chosen = _chosen("data_folder")
    if chosen:
        return Path(bpy.path.abspath(chosen))
    if names.IS_EXTENSION:
        # Do not let Blender create it: on failure it returns an empty path, which means the current directory.
        return Path(bpy.utils.extension_path_user(names.PACKAGE))
    from .. import environment

    return environment.default_data_folder()


def wheelhouse() -> Path | None:
    """Returns the folder to install from instead of the network; None if none is chosen."""
    chosen = _chosen("wheelhouse")
    return Path(bpy.path.abspath(chosen)) if chosen else None


def backend() -> str | None:
    """Returns the chosen backend; None for the best one."""
    chosen = _chosen("backend")
    return None if chosen in ("", "auto") else chosen


def habits() -> Habits:
    """Returns the user's defaults for this computer."""
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
    """Applies the default preset to scenes whose settings are untouched."""
    name = habits().preset
    for scene in bpy.data.scenes:
        values: Any = scene
        if scene.library is None:
            properties.start_with(values.mono3d, name)
