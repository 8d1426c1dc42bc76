# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation in a thread, as Blender's operators follow it. Imports no bpy."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

COMPONENTS = ("worker",)
"""What the add-on needs beside Blender."""


class Installation:
    """Installs what is missing into `data_folder`, in a thread that never touches Blender."""

    def __init__(self, data_folder: Path) -> None:
        self.stage = "Starting"
        self.fraction = 0.0
        self.error = ""
        self._data_folder = data_folder
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._install, daemon=True, name="mono3d install")

    @property
    def running(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether the user stopped it."""
        return self._cancelled.is_set()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def wait(self) -> None:
        """Waits for the end."""
        self._thread.join()

    def cancel(self) -> None:
        """Asks the thread to stop; it removes what it downloaded."""
        self._cancelled.set()

    def _install(self) -> None:
        from .. import environment
        from ..errors import Mono3DError

        try:
            plans = environment.plans(COMPONENTS, self._data_folder, allow_network=True)

            def progress(stage: str, fraction: float) -> None:
                self.stage, self.fraction = stage, fraction

            environment.install(plans, allow_network=True, progress=progress, cancelled=self._cancelled.is_set)
        except Mono3DError as error:
            self.error = str(error)
        except Exception as error:
            traceback.print_exc()
            self.error = f"Something unforeseen went wrong ({type(error).__name__}: {error}); the console tells more."
