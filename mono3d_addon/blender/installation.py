# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation in a thread. Imports no bpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .background import Background, Progress

COMPONENTS = ("worker",)
"""What the add-on needs beside Blender."""


class Installation(Background):
    """Installs what is missing into `data_folder`; when it is cancelled, it removes what it downloaded."""

    def __init__(self, data_folder: Path) -> None:
        super().__init__("mono3d install")
        self._data_folder = data_folder

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Plans and installs. Raises Mono3DError."""
        from .. import environment

        plans = environment.plans(COMPONENTS, self._data_folder, allow_network=True)
        environment.install(plans, allow_network=True, progress=progress, cancelled=cancelled)
