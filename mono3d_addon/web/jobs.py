# SPDX-License-Identifier: GPL-3.0-or-later
"""A visitor's photo and its results. Use it in the event loop's thread only."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ..settings import Settings
from .folders import SharedFolder
from .pool import Work
from .records import Kept, Record

State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Revision:
    """One mesh of a photo: the folder with its files, the worker's result, its settings and its number."""

    folder: SharedFolder
    result: Mapping[str, Any]
    settings: Settings
    number: int


@dataclass(eq=False)
class Job:
    """One upload and its results.

    id        unguessable; knowing it gives access to the job
    name      the photo's file name as the visitor gave it, sanitised for display; never used as a path
    folder    private folder with `photo` and the files of the settings
    whole     the last complete mesh, which the downloads contain
    view      the mesh for display: `whole`, or a later draft
    revision  number of meshes built so far
    work      the request that waits or runs; None if there is none
    wanted    settings of the complete rebuild that waits or runs; None if there is none
    owner     a hash that identifies the visitor
    key       a hash of the visitor's idempotency key; empty: none
    share     what a link for looking at it has, `shares.Shares`; empty: there is none
    attempts  how often the current request was started
    bytes     what the job has written, as far as it is known
    """

    id: str
    name: str
    folder: SharedFolder
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
    wanted: Settings | None = None
    owner: str = ""
    key: str = ""
    share: str = ""
    attempts: int = 0
    bytes: int = 0
    files: dict[str, asyncio.Task[Path]] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _ended: float | None = None
    _changed: float = field(default_factory=time.time)
    _watchers: set[asyncio.Event] = field(default_factory=set)

    @classmethod
    def of(cls, record: Record, folder: SharedFolder) -> Job:
        """Returns the job that an earlier server wrote down; `folder` is its folder."""
        job = cls(
            record.id,
            record.name,
            folder,
            folder.path / record.photo,
            record.settings,
            made=record.made,
            error=record.error,
            revision=record.revision,
            attempts=record.attempts,
            owner=record.owner,
            key=record.key,
            share=record.share,
            wanted=record.wanted,
        )
        if record.whole is not None:
            own = SharedFolder(folder.path / record.whole.folder, folder)
            job.whole = job.view = Revision(own, record.whole.result, record.whole.settings, record.whole.number)
        if record.state in ("done", "failed", "cancelled"):
            job.end(cast(State, record.state), record.error)
        job._changed = record.changed
        return job

    def record(self) -> Record:
        """Returns what the next server must know. A draft is not kept: a job that only makes one counts as done."""
        whole = self.whole
        is_drafting = not self.is_over and whole is not None and self.wanted is None
        return Record(
            id=self.id,
            name=self.name,
            photo=self.photo.relative_to(self.folder.path).as_posix(),
            settings=self.settings,
            made=self.made,
            changed=self._changed,
            state="done" if is_drafting else self.state,
            error=self.error,
            revision=self.revision,
            attempts=self.attempts,
            owner=self.owner,
            key=self.key,
            share=self.share,
            wanted=self.wanted,
            whole=Kept(whole.folder.path.name, whole.result, whole.settings, whole.number) if whole else None,
        )

    @property
    def short(self) -> str:
        """The start of the id, for the log: it tells jobs apart, but gives no access."""
        return self.id[:8]

    @property
    def is_over(self) -> bool:
        """Whether no request waits or runs."""
        return self.state not in ("queued", "running")

    @property
    def is_draft(self) -> bool:
        """Whether the displayed mesh is a draft, coarser than the downloads."""
        return self.view is not self.whole

    @property
    def elapsed(self) -> float:
        """Seconds from the last request to its end, or to now."""
        return (self._ended or time.monotonic()) - self._began

    @property
    def last_change(self) -> float:
        """Time of the last request or result, as `time.time()`."""
        return self._changed

    def begin(self, work: Work) -> None:
        """Records a new request."""
        self.work, self.state, self.stage, self.fraction, self.error = work, "queued", "Waiting", 0.0, ""
        self._began, self._ended = time.monotonic(), None
        self.tell()

    def run(self) -> None:
        """Records that a runner has started the request."""
        self.state, self.stage = "running", "Starting"
        self.tell()

    def progress(self, stage: str, fraction: float) -> None:
        """Records progress; late reports are ignored."""
        if self.state == "running":
            self.stage, self.fraction = stage, max(self.fraction, fraction)
            self.tell()

    def end(self, state: State, error: str = "") -> None:
        """Records the end of the request."""
        self.work, self.wanted, self.state, self.error = None, None, state, error
        self.stage, self.fraction = "", 1.0 if state == "done" else self.fraction
        self._ended = time.monotonic()
        self.tell()

    def touch(self) -> None:
        """Records that the job is in use, which delays its removal."""
        self._changed = time.time()

    def tell(self) -> None:
        """Records a change and wakes all watchers."""
        self.touch()
        for watcher in self._watchers:
            watcher.set()

    @property
    def watchers(self) -> int:
        """Number of watchers."""
        return len(self._watchers)

    def nudge(self) -> None:
        """Wakes all watchers without recording a change."""
        for watcher in self._watchers:
            watcher.set()

    @contextlib.contextmanager
    def watched(self, event: asyncio.Event) -> Iterator[None]:
        """Sets `event` at each change during the block."""
        self._watchers.add(event)
        try:
            yield
        finally:
            self._watchers.discard(event)

    def status(self, position: int, expires: float, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the status for visitors; `shown` are the settings that they may set."""
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
        found = self.view.result
        camera = found["camera"]
        return {
            "width": camera["width"],
            "height": camera["height"],
            "camera": camera,
            "distances": found["distances"],
            # Results of earlier versions have none.
            "kind": found.get("kind", ""),
            "counts": found["counts"],
            "seconds": {name: round(seconds, 4) for name, seconds in found["seconds"].items()},
            "notes": found["notes"],
            "model": found["model"],
            "engine": found["engine"],
            "settings": dict(shown),
        }
