# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a worker's task on photos, polled by operators. Imports no bpy."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ...errors import Mono3DError, unforeseen
from ...settings import Settings
from ...worker.runner import Job, Runner
from .. import temporary
from ..texts import filled

Build = Callable[[Path], None]
"""Builds the result stored in a folder, which is removed afterwards."""

Decode = Callable[[Path, Settings, Path], Mapping[str, str]]
"""Returns what a request for a photo with settings hands over (see `core.photo.hand_over`), written to a folder."""

READING = "Reading the photo"
"""The stage in which this process decodes a photo."""


class Run:
    """Photos processed by one worker, one after the other; a failure does not stop the others.

    task    a key of `worker.protocol.TASKS` whose task takes a photo, settings and a folder
    decode  for a worker that does not decode all files itself; called by `advance`, which then takes a moment
    """

    def __init__(
        self,
        worker: Runner,
        photos: Iterable[Path],
        settings: Settings,
        task: str = "reconstruct",
        decode: Decode | None = None,
    ) -> None:
        self.done: list[str] = []
        self.failures: list[str] = []
        self.cancelled = False
        self._worker = worker
        self._settings = settings
        self._task = task
        self._decode = decode
        self._is_to_submit = False
        self._waiting = deque(photos)
        self._count = len(self._waiting)
        self._photo = Path()
        self._job: Job | None = None
        self._folder: Path | None = None
        self._next()

    @property
    def running(self) -> bool:
        """Whether a photo is being processed."""
        return self._job is not None or self._is_to_submit

    @property
    def photo(self) -> Path:
        """The photo being processed, or the last one."""
        return self._photo

    @property
    def has_result(self) -> bool:
        """Whether the result of the current photo is ready to be built."""
        return self._job is not None and self._job.state == "done"

    @property
    def fraction(self) -> float:
        """The completed fraction of all photos, 0..1."""
        finished = len(self.done) + len(self.failures)
        within = self._job.fraction if self._job is not None else 0.0
        return min(1.0, (finished + within) / max(1, self._count))

    @property
    def stage(self) -> str:
        """The current stage, in words."""
        stage = self._job.stage if self._job is not None else READING
        return f"{self._photo.name}: {stage}" if self._count > 1 else stage

    def advance(self, build: Build) -> None:
        """If the current photo is done, hands its result to `build` and starts the next one. Never waits."""
        if self._is_to_submit:
            self._submit()
            if self._job is None:
                self._next()
        elif self._job is not None and not self._job.poll():
            self._on_finished(self._job, build)
            self._next()

    def finish(self, build: Build) -> None:
        """Like `advance`, but waits until all photos are done."""
        while self.running:
            if self._job is not None:
                with contextlib.suppress(Mono3DError):  # `advance` handles the failure
                    self._job.wait()
            self.advance(build)

    def cancel(self) -> None:
        """Stops at once; results already built stay."""
        self.cancelled = True
        self._waiting.clear()
        if self._job is not None:
            self._job.cancel()
        self._job, self._is_to_submit = None, False
        self._clean()

    def _on_finished(self, job: Job, build: Build) -> None:
        try:
            build(Path(job.wait()["folder"]))
            self.done.append(self._photo.name)
        except Mono3DError as error:
            self.failures.append(self._named(filled(str(error))))
        except Exception as error:
            traceback.print_exc()
            self.failures.append(self._named(unforeseen(error)))
        finally:
            self._clean()

    def _next(self) -> None:
        """Goes on with the next photo. One that is to be decoded here waits for `advance`, so that its stage shows."""
        self._job = None
        while self._waiting and not self.running:
            self._photo = self._waiting.popleft()
            if self._decode is None:
                self._submit()
            else:
                self._is_to_submit = True

    def _submit(self) -> None:
        """Submits the current photo. A failure is kept, and there is no job then."""
        self._is_to_submit = False
        try:
            folder = self._folder = temporary.folder()
            request = {
                "task": self._task,
                "photo": str(self._photo),
                "settings": dataclasses.asdict(self._settings),
                "folder": str(folder),
                "exports": {},
                "keep": True,
            }
            if self._decode is not None:
                request["decoded"] = dict(self._decode(self._photo, self._settings, folder))
            self._job = self._worker.submit(request)
        except Mono3DError as error:
            self.failures.append(self._named(filled(str(error))))
            self._clean()

    def _named(self, sentence: str) -> str:
        return f"{self._photo.name}: {sentence}" if self._count > 1 else sentence

    def _clean(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
