# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos on their way through the worker, as Blender's operators follow them. Imports no bpy."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import Mono3DError, unforeseen
from ..settings import Settings
from ..worker.runner import Job, Runner
from . import temporary

Build = Callable[[Path], None]
"""Takes over the result that lies in a folder; its files are gone afterwards."""


class Run:
    """Photos on which one worker does its task, one after the other; one that fails stops none.

    task  what is done to them, a key of `worker.protocol.TASKS` that takes a photo, settings and a folder
    """

    def __init__(self, worker: Runner, photos: Iterable[Path], settings: Settings, task: str = "reconstruct") -> None:
        self.done: list[str] = []
        self.failures: list[str] = []
        self.cancelled = False
        self._worker = worker
        self._settings = settings
        self._task = task
        self._waiting = deque(photos)
        self._count = len(self._waiting)
        self._photo = Path()
        self._job: Job | None = None
        self._folder: Path | None = None
        self._next()

    @property
    def running(self) -> bool:
        """Whether a photo is still in work."""
        return self._job is not None

    @property
    def photo(self) -> Path:
        """The photo in work, or the last one."""
        return self._photo

    @property
    def has_result(self) -> bool:
        """Whether the photo in work is done and waits to be taken over."""
        return self._job is not None and self._job.state == "done"

    @property
    def fraction(self) -> float:
        """How much of all photos is done, 0..1."""
        finished = len(self.done) + len(self.failures)
        within = self._job.fraction if self._job is not None else 0.0
        return min(1.0, (finished + within) / max(1, self._count))

    @property
    def stage(self) -> str:
        """What happens now, in words."""
        stage = self._job.stage if self._job is not None else ""
        return f"{self._photo.name}: {stage}" if self._count > 1 else stage

    def advance(self, build: Build) -> None:
        """Looks whether the photo in work is done, hands its result to `build`, and starts the next. Never waits."""
        if self._job is not None and not self._job.poll():
            self._on_finished(self._job, build)
            self._next()

    def finish(self, build: Build) -> None:
        """As `advance`, but waits until all photos are done."""
        while self._job is not None:
            with contextlib.suppress(Mono3DError):  # `advance` looks at how it ended.
                self._job.wait()
            self.advance(build)

    def cancel(self) -> None:
        """Stops at once; what is built stays."""
        self.cancelled = True
        self._waiting.clear()
        if self._job is not None:
            self._job.cancel()
        self._job = None
        self._clean()

    def _on_finished(self, job: Job, build: Build) -> None:
        try:
            build(Path(job.wait()["folder"]))
            self.done.append(self._photo.name)
        except Mono3DError as error:
            self.failures.append(self._named(str(error)))
        except Exception as error:
            traceback.print_exc()
            self.failures.append(self._named(unforeseen(error)))
        finally:
            self._clean()

    def _next(self) -> None:
        self._job = None
        while self._waiting and self._job is None:
            self._photo = self._waiting.popleft()
            try:
                self._folder = temporary.folder()
                request = {
                    "task": self._task,
                    "photo": str(self._photo),
                    "settings": dataclasses.asdict(self._settings),
                    "folder": str(self._folder),
                    "exports": {},
                    "keep": True,
                }
                self._job = self._worker.submit(request)
            except Mono3DError as error:
                self.failures.append(self._named(str(error)))
                self._clean()

    def _named(self, sentence: str) -> str:
        return f"{self._photo.name}: {sentence}" if self._count > 1 else sentence

    def _clean(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
