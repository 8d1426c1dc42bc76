# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a thread that never calls Blender, polled by operators. Imports no bpy."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

Progress = Callable[[str, float], None]


class Background:
    """A thread with its progress, its end and its error message. A subclass implements `work`."""

    can_be_cancelled = True

    def __init__(self, name: str) -> None:
        self.stage = "Starting"
        self.fraction = 0.0
        self.error = ""
        self._began = time.monotonic()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    @property
    def running(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether the user cancelled it."""
        return self._cancelled.is_set()

    @property
    def elapsed(self) -> float:
        """Seconds since it was created."""
        return time.monotonic() - self._began

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Waits for the end, at most this many seconds."""
        self._thread.join(seconds)

    def cancel(self) -> None:
        """Asks the thread to stop, if it can be cancelled."""
        if self.can_be_cancelled:
            self._cancelled.set()

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Does the work, in the thread. Raises Mono3DError with a message for the user."""
        raise NotImplementedError

    def _run(self) -> None:
        from ...errors import Mono3DError, unforeseen

        def progress(stage: str, fraction: float) -> None:
            self.stage, self.fraction = stage, fraction

        try:
            self.work(progress, self._cancelled.is_set)
        except Mono3DError as error:
            self.error = str(error)
        except Exception as error:
            traceback.print_exc()
            self.error = unforeseen(error)
