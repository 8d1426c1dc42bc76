# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the add-on's data folder for the batch command, which is not itself loaded as the add-on."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import environment

_NAMES = ("mono3d", "mono3d_addon")
"""Last part of the add-on's module name: as an extension, and from a checkout."""


def in_use() -> Path | None:
    """Returns the add-on's data folder if it has packages for this Python, or if the user's data folder has none.

    None: use the user's data folder.
    """
    folders = _folders()
    installed = next((one for one in folders if _has_packages(one)), None)
    if installed is not None or not folders:
        return installed
    return None if _has_packages(environment.default_data_folder()) else folders[0]


def to_install_into() -> Path | None:
    """Returns the data folder in which the sidebar finds packages; None if the add-on has no folder of its own."""
    folders = _folders()
    return next((one for one in folders if _has_packages(one)), folders[0] if folders else None)


def _folders() -> list[Path]:
    """Returns the data folders of the extension that this file belongs to, and of enabled add-ons."""
    folders = (_data_folder(package) for package in dict.fromkeys((*_own(), *_switched_on())))
    return [one for one in folders if one]


def _has_packages(folder: Path) -> bool:
    return environment.packages(environment.WORKER, folder) is not None


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
