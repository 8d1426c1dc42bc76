# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes the photos of a run: the files of a photo appear together or not at all, and a failure stops no other."""

from __future__ import annotations

import contextlib
import errno
import itertools
import queue
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..core.claimed_folder import ClaimedFolder, remove_abandoned
from ..errors import Mono3DError, unforeseen
from ..settings import RunOptions, Settings
from ..worker.runner import Runner, Runners
from .finished import FinishedPhotos
from .photos import PhotoTask
from .placement import PARTIAL, STAGING, move_into_place, photo_keys
from .report import Record, totals
from .scenes import SceneWriter
from .target import Target

_MOST_AHEAD = 7
"""Number of following photos named in a request; batches of more than eight are hardly faster on any graphics card."""

_JOB = "mono3d-run-"
"""Start of the names of job folders in the folder for temporary files."""

_BLEND = "blend"


Decode = Callable[[Path, Settings, Path], Mapping[str, str]]
"""Returns what the request for a photo with settings hands over (see `core.photo.hand_over`), written to a folder."""


class Display(Protocol):
    """Shows the progress of a run."""

    def progress(self, task: PhotoTask, stage: str, fraction: float) -> None:
        """Reports the progress of one photo; may be called from any thread."""
        ...

    def finished(self, task: PhotoTask, record: Record) -> None:
        """Reports that a photo is done, failed or skipped."""
        ...


def run(
    tasks: Sequence[PhotoTask],
    settings: Settings,
    options: RunOptions,
    target: Target,
    runners: Runners,
    scenes: SceneWriter,
    display: Display,
    records: list[Record],
    weights: str = "",
    known: FinishedPhotos | None = None,
    decode: Decode | None = None,
) -> None:
    """Appends a record of each task to `records`, in order; an interrupt keeps those already appended.

    `weights` is the hash of the network's weights, see `FinishedPhotos.made_from`; `known` is what is known of earlier
    results in the target's folder, None: nothing yet. `decode`, for runners that do not decode all files, is called in
    the calling thread too.

    `options.jobs` runners reconstruct photos, slightly ahead of the scenes, which are written one by one in the
    calling thread because Blender requires it. An interrupt of the calling thread stops the runners and leaves no
    partial files.
    """
    remove_abandoned(Path(tempfile.gettempdir()), _JOB)
    idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()
    everyone = [runners.for_photos(f"worker-{number}") for number in range(min(options.jobs, max(1, len(tasks))))]
    known = known or FinishedPhotos(target.folder)
    batch = _Batch(settings, options.skip_existing, target, photo_keys(tasks), idle, scenes, display, weights, known)
    waiting: deque[tuple[PhotoTask, Future[_Reconstructed | Record], _Pixels]] = deque()
    remaining = deque(tasks)
    pool = ThreadPoolExecutor(len(everyone), thread_name_prefix="mono3d")
    try:
        for runner in everyone:
            runner.start()
            idle.put(runner)
        while waiting or remaining:
            while remaining and len(waiting) <= len(everyone):
                task = remaining.popleft()
                # With several runners, each would process the same following photos.
                is_alone = len(everyone) == 1 and decode is None
                ahead = list(itertools.islice(remaining, _MOST_AHEAD)) if is_alone else []
                pixels = batch.decoded(task, decode)
                waiting.append((task, pool.submit(batch.reconstruct, task, ahead, pixels), pixels))
            task, future, pixels = waiting[0]
            record = batch.finish(task, future.result())
            waiting.popleft()
            pixels.clean()
            records.append(record)
            display.finished(task, record)
    finally:
        _end(pool, everyone, [future for _, future, _ in waiting])
        scenes.close()
        for _, future, pixels in waiting:
            pixels.clean()
            if future.done() and not future.cancelled() and isinstance(left := future.result(), _Reconstructed):
                left.clean()


def _end(pool: ThreadPoolExecutor, runners: Sequence[Runner], futures: Sequence[Future[Any]]) -> None:
    """Stops the runners and waits for the threads of the pool; photos that have not started never do."""
    pool.shutdown(wait=False, cancel_futures=True)
    while True:
        for runner in runners:
            runner.stop()
        if all(future.done() for future in futures):
            break
        # A thread that is just submitting a request starts its runner again.
        time.sleep(0.05)
    pool.shutdown(wait=True)


@dataclass(frozen=True)
class _Reconstructed:
    """A reconstructed photo: `folder` has its reconstruction, `staging` its exported files.

    `source` is what they were made from, see `FinishedPhotos.made_from`.
    """

    folder: ClaimedFolder
    staging: ClaimedFolder
    result: dict[str, Any]
    source: dict[str, str] | None

    def clean(self) -> None:
        for one in (self.folder, self.staging):
            one.remove()


@dataclass(frozen=True)
class _Pixels:
    """The pixels of a photo's files that are handed over, in a folder of their own; or why there are none."""

    files: Mapping[str, str] = field(default_factory=dict)
    folder: ClaimedFolder | None = None
    failure: Record | None = None

    def clean(self) -> None:
        if self.folder is not None:
            self.folder.remove()


@dataclass(frozen=True)
class _Batch:
    settings: Settings
    skip_existing: bool
    target: Target
    photos: frozenset[str]
    idle: queue.SimpleQueue[Runner]
    scenes: SceneWriter
    display: Display
    weights: str
    known: FinishedPhotos

    def decoded(self, task: PhotoTask, decode: Decode | None) -> _Pixels:
        """Runs in the calling thread: returns the pixels that the request for a photo hands over."""
        if decode is None or not self._is_to_do(task):
            return _Pixels()
        with _as_record(task) as outcome, contextlib.ExitStack() as undo:
            folder = ClaimedFolder(_JOB)
            undo.callback(folder.remove)
            pixels = _Pixels(decode(task.path.absolute(), self.settings, folder.path), folder)
            undo.pop_all()
            return pixels
        return _Pixels(failure=outcome.record)

    def reconstruct(self, task: PhotoTask, ahead: Sequence[PhotoTask], pixels: _Pixels) -> _Reconstructed | Record:
        """Runs in a thread of the pool: has a runner reconstruct one photo and export its files to staging.

        The request names the photos `ahead`, which the network may process in one batch with this one, and hands over
        `pixels`.
        """
        if task.problem:
            return Record(str(task.path), "failed", task.problem)
        if not self._is_to_do(task):
            return Record(str(task.path), "skipped", "All its results already exist.")
        if pixels.failure is not None:
            return pixels.failure
        with _as_record(task) as outcome, contextlib.ExitStack() as undo:
            source = self.known.made_from(task.path, self.settings, self.weights)
            folder = ClaimedFolder(_JOB)
            undo.callback(folder.remove)
            staging = ClaimedFolder(STAGING, PARTIAL, self.target.folder)
            undo.callback(staging.remove)
            exports = self.target.files(task, staging.path)
            request = {
                "task": "reconstruct",
                "photo": str(task.path.absolute()),
                "settings": asdict(self.settings),
                "folder": str(folder.path),
                "exports": {form: str(path) for form, path in exports.items() if form != _BLEND},
                "ahead": [str(other.path.absolute()) for other in ahead if self._is_to_do(other)],
                "decoded": dict(pixels.files),
            }
            runner = self.idle.get()
            try:
                job = runner.submit(request)
                result = job.wait(lambda stage, share: self.display.progress(task, stage, share * 0.7))
            finally:
                self.idle.put(runner)
            undo.pop_all()
            return _Reconstructed(folder, staging, result, source)
        return outcome.record

    def _is_to_do(self, task: PhotoTask) -> bool:
        if task.problem or not self.skip_existing:
            return not task.problem
        return not is_done(task, self.settings, self.target, self.weights, self.known)

    def finish(self, task: PhotoTask, outcome: _Reconstructed | Record) -> Record:
        """Runs in the calling thread: writes the scene, then moves all files of the photo to the output folder."""
        if isinstance(outcome, Record):
            return outcome
        result = outcome.result
        with _as_record(task) as failure, contextlib.ExitStack() as clean:
            clean.callback(outcome.clean)
            staged = self.target.files(task, outcome.staging.path)
            seconds = dict(result["seconds"])
            if _BLEND in staged:
                self.display.progress(task, "Building the scene", 0.7)
                seconds |= self.scenes.write(outcome.folder.path, staged[_BLEND])
            files = move_into_place(outcome.staging.path, self.target.folder, self.photos)
            if outcome.source is not None:
                self.known.remember(self.target.label(task), outcome.source, files)
            return Record(
                photo=str(task.path),
                status="done",
                seconds=seconds,
                counts=result["counts"],
                camera=result["camera"],
                distances=result["distances"],
                model=result["model"],
                engine=result["engine"],
                files=[str(path) for path in files],
                notes=result["notes"],
            )
        return failure.record


def is_done(task: PhotoTask, settings: Settings, target: Target, weights: str, known: FinishedPhotos) -> bool:
    """Returns whether all results of a photo exist, made from the same photo, settings and weights."""
    files = target.files(task).values()
    if not all(path.is_file() for path in files):
        return False
    source = known.made_from(task.path, settings, weights)
    return known.is_finished(target.label(task), source, files)


class _as_record:
    """Turns an exception raised in the block into the record of a failure, with a sentence for the user."""

    def __init__(self, task: PhotoTask) -> None:
        self.record = Record(str(task.path), "failed", "Nothing was done.")
        self._photo = str(task.path)

    def __enter__(self) -> _as_record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Mono3DError):
            message = str(error)
        elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            message = "The name of a result is too long for this file system; rename the photo."
        elif isinstance(error, OSError):
            message = f"A file cannot be written ({error.strerror or error}); check the free space and the permissions."
        elif isinstance(error, Exception):
            with contextlib.suppress(OSError):
                traceback.print_exception(error)
            message = unforeseen(error)
        else:
            return False
        self.record = Record(self._photo, "failed", message)
        return True


def timed(records: Sequence[Record], began: float) -> str:
    """Returns one sentence with the totals and the duration; `began` is `time.perf_counter()` at the start."""
    words = [f"{count} {status}" for status, count in totals(records).items() if count]
    return f"{', '.join(words) or 'nothing to do'} in {time.perf_counter() - began:.1f} s."
