# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the workers of a batch: writes the files that it is asked for, and does what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mono3d_addon.core.stages import Progress
from mono3d_addon.run.plan import PlannedPhoto
from mono3d_addon.run.report import Record

Act = Callable[[Mapping[str, Any]], None]


class Job:
    """A job whose work is done when it is waited for."""

    state, stage, fraction, error = "done", "", 1.0, ""

    def __init__(self, request: Mapping[str, Any], act: Act) -> None:
        self._request, self._act = request, act
        self.result: dict[str, Any] = {name: {} for name in ("counts", "seconds", "camera", "distances")}
        self.result |= {"notes": [], "model": "", "engine": ""}

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        """Writes each file with the photo's content and the format as its own."""
        self._act(self._request)
        for form, path in self._request["exports"].items():
            Path(path).write_bytes(Path(self._request["photo"]).read_bytes() + form.encode())
        return self.result


class NotingRunner:
    """Runs jobs at once. Also makes itself, as `Runners` do.

    `photos` has those that it was asked for, `processes` the process of each.
    """

    log = Path()

    def __init__(self, act: Act = lambda request: None) -> None:
        self.photos: list[Path] = []
        self.processes: list[int] = []
        self.process_id = 1
        self._act = act
        self._lock = threading.Lock()

    def for_photos(self, name: str) -> NotingRunner:
        """Returns itself."""
        return self

    def start(self) -> None:
        """Does nothing."""

    def stop(self) -> None:
        """Gives the next job another process."""
        self.process_id += 1

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Returns the job of a request."""
        with self._lock:
            self.photos.append(Path(request["photo"]))
            self.processes.append(self.process_id)
        return Job(request, self._act)


class Quiet:
    """Shows nothing and writes no scene."""

    def progress(self, task: PlannedPhoto, stage: str, fraction: float) -> None:
        """Does nothing."""

    def finished(self, task: PlannedPhoto, record: Record) -> None:
        """Does nothing."""

    def write(self, folder: Path, blend: Path) -> dict[str, float]:
        """Does nothing."""
        return {}

    def close(self) -> None:
        """Does nothing."""
