# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the add-on's data folder for the batch command, which is not itself loaded as the add-on."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import environment

_NAMES = ("mono3d", "mono3d_addon")
"""Last part of the add-on's module name: as an extension, and from a checkout."""


def with_packages() -> Path | None:
    """Returns the data folder with packages for this Python that were installed from the sidebar; None without any."""
    folders = (_data_folder(package) for package in dict.fromkeys((*_own(), *_switched_on())))
    return next((one for one in folders if one and environment.packages(environment.WORKER, one)), None)


def _own() -> list[str]:
    """Returns the name of the extension that this file belongs to, enabled or not."""
    root = Path(__file__).resolve().parents[2]
    preferences = bpy.context.preferences
    repositories = preferences.extensions.repos if preferences else ()
    return [f"bl_ext.{one.module}.{root.name}" for one in repositories if Path(one.directory).resolve() == root.parent]


def _switched_on() -> list[str]:
    preferences = bpy.context.preferences
    names = [one.module for one in preferences.addons] if preferences else []
    return [name for name in names if name.rpartition(".")[2] in _NAMES]


def _data_folder(package: str) -> Path | None:
    """Returns the folder chosen in the preferences, else the extension's own; None if there is neither."""
    preferences = bpy.context.preferences
    addon = preferences.addons.get(package) if preferences else None
    chosen = str(getattr(addon.preferences, "data_folder", "")) if addon else ""
    if chosen:
        return Path(bpy.path.abspath(chosen))
    return Path(bpy.utils.extension_path_user(package)) if package.startswith("bl_ext.") else None
