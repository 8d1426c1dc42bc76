# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes the photos of a run: the files of a photo appear together or not at all, and a failure stops no other."""

from __future__ import annotations

import contextlib
import itertools
import queue
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol

from ..core.claimed_folder import ClaimedFolder, remove_abandoned
from ..core.stages import EXPORTING
from ..errors import Cancelled, Mono3DError, WorkerDied
from ..settings import Settings
from ..worker.runner import Runners
from .failures import as_record
from .ordered import JOB, Folders, JobFiles, Ordered, Reconstructed
from .recycling import Recycled
from .report import Record, totals
from .results import AnyTask, Begun, Results, SomeTask
from .scenes import SceneWriter

_MOST_AHEAD = 7
"""Number of following photos named in a request; batches of more than eight are hardly faster on any graphics card."""

_BLEND = "blend"

Decode = Callable[[Path, Settings, Path], Mapping[str, str]]
"""Returns what the request for a photo with settings hands over (see `core.photo.hand_over`), written to a folder."""


class Display(Protocol[SomeTask]):
    """Shows the progress of a run."""

    def progress(self, task: SomeTask, stage: str, fraction: float) -> None:
        """Reports the progress of one photo; may be called from any thread."""
        ...

    def finished(self, task: SomeTask, record: Record) -> None:
        """Reports that a photo is done, failed or skipped."""
        ...


@dataclass(frozen=True)
class Flow:
    """How a run does its photos.

    jobs      runners at the same time
    spare     photos beyond these that are fetched before and put in their place after, meanwhile
    attempts  how often a photo is tried whose runner dies, or whose files do not come or go
    recycle   photos after which a runner's process is replaced; 0: never
    """

    jobs: int = 1
    spare: int = 0
    attempts: int = 1
    recycle: int = 0


Note = Callable[[AnyTask, Record], None]
"""Takes the record of a task."""


def run(
    tasks: Iterable[AnyTask],
    settings: Settings,
    results: Results[AnyTask],
    runners: Runners,
    scenes: SceneWriter,
    display: Display[AnyTask],
    note: Note[AnyTask],
    flow: Flow = Flow(),
    decode: Decode | None = None,
) -> None:
    """Calls `note` with the record of each task, in order, in the calling thread.

    Takes the tasks one by one, a few ahead. `decode`, for runners that do not decode all files, is called in the
    calling thread.

    `flow.jobs` runners reconstruct photos. Where there are scenes, they are written one by one in the calling thread
    because Blender requires it, each while its photo's runner still exports the other files. An interrupt of the
    calling thread stops the runners and leaves no partial files.
    """
    remove_abandoned(Path(tempfile.gettempdir()), JOB)
    remaining = _Lookahead(tasks)
    jobs = min(flow.jobs, max(1, len(remaining.next(flow.jobs))))
    everyone = [Recycled(runners.for_photos(worker_name(number)), flow.recycle) for number in range(jobs)]
    batch = _Batch(settings, results, scenes, display, flow.attempts)
    waiting: deque[Ordered[AnyTask]] = deque()
    threads = len(everyone) + flow.spare
    pool = ThreadPoolExecutor(threads, thread_name_prefix="mono3d")
    try:
        for runner in everyone:
            runner.start()
            batch.idle.put(runner)
        # With several runners, each would process the same following photos.
        is_alone = len(everyone) == 1 and decode is None
        # Beside a photo that takes long the others go on for a while, although records are in order.
        most = threads + 1 if not flow.spare else 4 * threads
        while True:
            while len(waiting) < most and (task := remaining.take()) is not None:
                ahead = remaining.next(_MOST_AHEAD) if is_alone else []
                files = JobFiles()
                failure = batch.decode(task, decode, files) if decode is not None else None
                waiting.append(Ordered(task, files, pool.submit(batch.reconstruct, task, ahead, files, failure)))
            if not waiting:
                break
            record = batch.finish(waiting[0])
            done = waiting.popleft()
            done.files.clean()
            note(done.task, record)
            display.finished(done.task, record)
    finally:
        batch.ends.set()
        _end(pool, everyone, [ordered.future for ordered in waiting])
        scenes.close()
        for ordered in waiting:
            ordered.files.clean()


def worker_name(number: int) -> str:
    """Returns the name of one of a run's runners, counted from 0."""
    return f"worker-{number}"


class _Lookahead(Generic[AnyTask]):
    """Tasks, of which the next ones can be seen before they are taken."""

    def __init__(self, tasks: Iterable[AnyTask]) -> None:
        self._tasks = iter(tasks)
        self._seen: deque[AnyTask] = deque()

    def next(self, count: int) -> list[AnyTask]:
        """Returns the next tasks, at most `count`, which stay."""
        self._seen.extend(itertools.islice(self._tasks, max(0, count - len(self._seen))))
        return list(itertools.islice(self._seen, count))

    def take(self) -> AnyTask | None:
        """Returns the next task; None after the last."""
        return self._seen.popleft() if self.next(1) else None


def _end(pool: ThreadPoolExecutor, runners: Sequence[Recycled], futures: Sequence[Future[Any]]) -> None:
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
class _Batch(Generic[AnyTask]):
    settings: Settings
    results: Results[AnyTask]
    scenes: SceneWriter
    display: Display[AnyTask]
    attempts: int
    idle: queue.SimpleQueue[Recycled] = field(default_factory=queue.SimpleQueue)
    ends: threading.Event = field(default_factory=threading.Event)

    def decode(self, task: AnyTask, decode: Decode, files: JobFiles) -> Record | None:
        """Runs in the calling thread: gets a photo and the pixels that its request hands over.

        Returns the record of a photo that fails or is not to be done.
        """
        with as_record(task) as outcome, contextlib.ExitStack() as undo:
            begun = self.results.begin(task)
            if isinstance(begun, Record):
                return begun
            files.begun = begun
            folder = ClaimedFolder(JOB)
            undo.callback(folder.remove)
            files.decoded, files.pixels = decode(begun.photo, self.settings, folder.path), folder
            undo.pop_all()
            return None
        self._fail(task, files, outcome.record)
        return outcome.record

    def reconstruct(
        self, task: AnyTask, ahead: Sequence[AnyTask], files: JobFiles, failure: Record | None
    ) -> Reconstructed | Record:
        """Runs in a thread of the pool: has a runner reconstruct one photo and export its files to staging.

        The request names the photos `ahead`, which the network may process in one batch with this one. `files` gets the
        folders, which the caller removes. Without a scene the files get to their place too.
        """
        if failure is not None:
            return failure
        with as_record(task) as outcome:
            for number in itertools.count(1):
                try:
                    # One of those ahead may be what the runner died of.
                    return self._attempt(task, ahead if number == 1 else (), files)
                except (WorkerDied, OSError) as error:
                    # A scene may be in the making from what was saved.
                    is_last = number >= self.attempts or files.saved.is_set() or self.ends.is_set()
                    if is_last and number > 1 and isinstance(error, WorkerDied):
                        raise Mono3DError(f"{error} It was tried {number} times.") from error
                    if is_last:
                        raise
        self._fail(task, files, outcome.record)
        return outcome.record

    def _fail(self, task: AnyTask, files: JobFiles, record: Record) -> None:
        if files.begun is not None:
            with as_record(task):
                self.results.fail(task, files.begun, None if self.ends.is_set() else record)

    def _attempt(self, task: AnyTask, ahead: Sequence[AnyTask], files: JobFiles) -> Reconstructed | Record:
        begun = files.begun or self.results.begin(task)
        if isinstance(begun, Record):
            return begun
        files.begun = begun
        runner = self.idle.get()
        try:
            if self.ends.is_set():
                raise Cancelled
            folders = files.make(self.results.staging)
            exports = self.results.files(task, begun, folders.staging.path)
            has_scene = exports.pop(_BLEND, None) is not None
            near = (self.results.ahead(other) for other in ahead)
            request = {
                "task": "reconstruct",
                "photo": str(begun.photo),
                "settings": asdict(self.settings),
                "folder": str(folders.job.path),
                # Only a scene is made from the arrays.
                "save": has_scene,
                "exports": {form: str(path) for form, path in exports.items()},
                "ahead": [str(photo) for photo in near if photo is not None],
                "compress": self.results.compress,
                "decoded": dict(files.decoded),
            }

            def follow(stage: str, share: float) -> None:
                if has_scene and stage.startswith(EXPORTING):
                    files.saved.set()
                self.display.progress(task, stage, share * 0.7)

            answer = runner.submit(request).wait(follow)
        finally:
            self.idle.put(runner)
        if has_scene:
            return Reconstructed(answer, begun)
        record = self._place(task, begun, folders, answer, {})
        # The photos before this one may take long.
        files.clean()
        return record

    def finish(self, ordered: Ordered[AnyTask]) -> Record:
        """Runs in the calling thread: writes the scene, then has all files of the photo put into their place."""
        task = ordered.task
        with as_record(task) as failure:
            scene_seconds = self._write_scene(ordered)
            outcome = ordered.future.result()
            if isinstance(outcome, Record):
                return outcome
            folders = ordered.files.folders
            assert folders is not None
            return self._place(task, outcome.begun, folders, outcome.answer, scene_seconds)
        # Why the photo failed says more than what that did to its scene.
        outcome = ordered.future.result()
        if isinstance(outcome, Record):
            return outcome
        self._fail(task, ordered.files, failure.record)
        return failure.record

    def _place(
        self,
        task: AnyTask,
        begun: Begun,
        folders: Folders,
        answer: Mapping[str, Any],
        scene_seconds: Mapping[str, float],
    ) -> Record:
        record = Record(
            photo=task.address,
            status="done",
            seconds={**answer["seconds"], **scene_seconds},
            counts=answer["counts"],
            camera=answer["camera"],
            distances=answer["distances"],
            model=answer["model"],
            engine=answer["engine"],
            notes=answer["notes"],
        )
        return self.results.place(task, begun, folders.staging.path, record)

    def _write_scene(self, ordered: Ordered[AnyTask]) -> dict[str, float]:
        """Writes the .blend file, if wanted, once the reconstruction is saved; returns the seconds of each stage."""
        folders, begun = ordered.saved(), ordered.files.begun
        if folders is None or begun is None:
            return {}
        blend = self.results.files(ordered.task, begun, folders.staging.path).get(_BLEND)
        if blend is None:
            return {}
        if ordered.future.done():
            self.display.progress(ordered.task, "Building the scene", 0.7)
        return self.scenes.write(folders.job.path, blend)


def timed(records: Sequence[Record], began: float) -> str:
    """Returns one sentence with the totals and the duration; `began` is `time.perf_counter()` at the start."""
    words = [f"{count} {status}" for status, count in totals(records).items() if count]
    return f"{', '.join(words) or 'nothing to do'} in {time.perf_counter() - began:.1f} s."
