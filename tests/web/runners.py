# SPDX-License-Identifier: GPL-3.0-or-later
"""Runners without processes, which give the outcomes that a test wants."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mono3d_addon.core.stages import Progress
from mono3d_addon.errors import Cancelled
from mono3d_addon.worker.page_layout import VIEW
from mono3d_addon.worker.runner import State

RESULT = {
    "model": "starter",
    "engine": "fake",
    "counts": {"vertices": 3},
    "seconds": {"Estimating depth": 0.25},
    "notes": [],
    "camera": {"width": 4, "height": 3},
    "distances": {},
}


class FakeJob:
    """A request whose outcome is known before."""

    stage, fraction, error = "", 0.0, ""

    def __init__(self, runner: Fake, outcome: Any, folder: Path | None) -> None:
        self._runner = runner
        self._outcome = outcome
        self._folder = folder
        self.state: State = "running"
        self.result: dict[str, Any] = {}

    def poll(self) -> bool:
        return self.state == "running"

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        while not self._runner.goes_on.wait(0.02) and self.state == "running":
            pass
        if self.state == "cancelled":
            raise Cancelled
        if isinstance(self._outcome, Exception):
            self.state = "failed"
            raise self._outcome
        self.state = "done"
        if self._folder is not None:
            (self._folder / VIEW).write_bytes(b"glTF")
        return RESULT | self._outcome

    def cancel(self) -> None:
        self.state = "cancelled"

    supersede = cancel

    def wait_until_left(self, seconds: float) -> bool:
        return True


class Fake:
    """A runner that gives one outcome after the other, then always the last result; errors are raised."""

    log = Path("fake.log")
    alive = True
    process_id = None

    def __init__(self, outcomes: list[Any] | None = None) -> None:
        self.requests: list[Mapping[str, Any]] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self._outcomes = list(outcomes or [])

    def hold(self) -> None:
        """Makes all requests wait until `release`."""
        self.goes_on.clear()

    def release(self) -> None:
        self.goes_on.set()

    def start(self) -> None:
        pass

    def submit(self, request: Mapping[str, Any]) -> FakeJob:
        self.requests.append(request)
        folder = Path(request["folder"]) if "folder" in request else None
        return FakeJob(self, self._outcomes.pop(0) if self._outcomes else {}, folder)

    def forget(self, key: str) -> None:
        pass

    def stop(self) -> None:
        pass


class Fakes:
    """Makes such runners; satisfies `runner.Runners`."""

    def __init__(self, outcomes: list[Any]) -> None:
        self._outcomes = outcomes
        self.photos: list[Fake] = []

    def for_photos(self, name: str) -> Fake:
        self.photos.append(Fake(self._outcomes))
        return self.photos[-1]

    def for_scenes(self, idle_seconds: float = 0.0) -> Fake:
        return Fake()
