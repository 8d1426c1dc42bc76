# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes .blend files and previews without Blender: a child process with the `bpy` wheel does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .worker.client import Worker


class ChildSceneWriter:
    """Has a worker of the kind "scene" write scenes; `packages` are the folders with bpy.

    It ends after `idle_seconds` without work; 0: it stays.
    """

    def __init__(
        self, packages: Sequence[Path], data_folder: Path, start: bool = True, idle_seconds: float = 0.0
    ) -> None:
        # Neither the user's own Blender settings and add-ons nor the desktop's cache have a part in it.
        private = {
            "BLENDER_USER_RESOURCES": str(data_folder / "cache" / "blender"),
            "XDG_CACHE_HOME": str(data_folder / "cache"),
        }
        log = data_folder / "logs" / "scene.log"
        self._worker = Worker("scene", packages, log, data_folder, idle_seconds=idle_seconds, variables=private)
        if start:
            self._worker.start()

    def write(self, folder: Path, blend: Path | None, preview: Path | None) -> dict[str, float]:
        """Writes the scene of the reconstruction saved in `folder`; returns the seconds of each stage."""
        request = {
            "task": "scene",
            "folder": str(folder),
            "blend": str(blend) if blend else None,
            "preview": str(preview) if preview else None,
        }
        result = self._worker.submit(request).wait()
        seconds: dict[str, float] = result["seconds"]
        return seconds

    def close(self) -> None:
        """Ends the child."""
        self._worker.stop()
