# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor's photo and all that is made of it. Everything here belongs to the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..settings import Settings
from .folders import LentFolder
from .pool import Work

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Revision:
    """One mesh of a photo: the folder with its files, what the worker told of it, and the settings that it has."""

    folder: LentFolder
    told: Mapping[str, Any]
    settings: Settings


@dataclass(eq=False)
class Job:
    """What one upload led to.

    id        unguessable; whoever knows it may see the job
    name      the photo's file name as the visitor gave it, cleaned for showing; never a path
    folder    private folder; `photo` and the settings' files lie in it
    whole     the last finished mesh, from which the downloads are made
    view      the mesh that the viewer shows: `whole`, or a draft that came later
    revision  how many meshes there were
    work      what waits for a worker or has one; None when nothing does
    """

    id: str
    name: str
    folder: LentFolder
    photo: Path
    settings: Settings
    made: float = field(default_factory=time.time)
    state: State = "queued"
    stage: str = "Waiting"
    fraction: float = 0.0
    error: str = ""
    revision: int = 0
    whole: Revision | None = None
    view: Revision | None = None
    work: Work | None = None
    bytes: int = 0
    files: dict[str, asyncio.Task[Path]] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _ended: float | None = None
    _changed: float = field(default_factory=time.time)
    _watchers: set[asyncio.Event] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self.state not in ("queued", "running")

    @property
    def is_draft(self) -> bool:
        """Whether the viewer shows less than the downloads have."""
        return self.view is not self.whole

    @property
    def elapsed(self) -> float:
        """Seconds from the last request for a mesh to its end, or to now."""
        return (self._ended or time.monotonic()) - self._began

    @property
    def last_change(self) -> float:
        """When the visitor last asked for something or got it, as `time.time()`."""
        return self._changed

    def begin(self, work: Work) -> None:
        """Notes that a mesh was asked for."""
        self.work, self.state, self.stage, self.fraction, self.error = work, "queued", "Waiting", 0.0, ""
        self._began, self._ended = time.monotonic(), None
        self.tell()

    def run(self) -> None:
        """Notes that a worker has begun."""
        self.state, self.stage = "running", "Starting"
        self.tell()

    def progress(self, stage: str, fraction: float) -> None:
        """Notes how far the worker is; what comes late changes nothing."""
        if self.state == "running":
            self.stage, self.fraction = stage, max(self.fraction, fraction)
            self.tell()

    def end(self, state: State, error: str = "") -> None:
        """Notes the end of what was asked for."""
        self.work, self.state, self.error = None, state, error
        self.stage, self.fraction = "", 1.0 if state == "done" else self.fraction
        self._ended = time.monotonic()
        self.tell()

    def touch(self) -> None:
        """Notes that the job is still of use."""
        self._changed = time.time()

    def tell(self) -> None:
        """Wakes all who watch."""
        self.touch()
        for watcher in self._watchers:
            watcher.set()

    @property
    def watchers(self) -> int:
        """How many watch it now."""
        return len(self._watchers)

    def nudge(self) -> None:
        """Wakes all who watch, without a change of the job's own."""
        for watcher in self._watchers:
            watcher.set()

    @contextlib.contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """Yields an event that is set at each change."""
        event = asyncio.Event()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.discard(event)

    def status(self, position: int, expires: float, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what the visitor sees; `shown` are the values of the settings that visitors have."""
        when = datetime.datetime.fromtimestamp(expires, datetime.UTC).isoformat(timespec="seconds")
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "stage": self.stage,
            "fraction": round(self.fraction, 4),
            "position": position,
            "elapsed": round(self.elapsed, 3),
            "error": self.error,
            "revision": self.revision,
            "is_draft": self.is_draft,
            "expires": when,
            "result": self._result(shown),
        }

    def _result(self, shown: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.view is None:
            return None
        told = self.view.told
        camera = told["camera"]
        return {
            "width": camera["width"],
            "height": camera["height"],
            "camera": camera,
            "counts": told["counts"],
            "seconds": {name: round(seconds, 4) for name, seconds in told["seconds"].items()},
            "notes": told["notes"],
            "model": told["model"],
            "engine": told["engine"],
            "settings": dict(shown),
        }
