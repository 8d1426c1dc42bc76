# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes the photos of a run: the files of a photo appear together or not at all, and a failure stops no other."""

from __future__ import annotations

import contextlib
import itertools
import queue
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ..core.claimed_folder import ClaimedFolder, remove_abandoned
from ..core.stages import EXPORTING
from ..settings import RunOptions, Settings
from ..worker.runner import Runner, Runners
from .failures import as_record
from .finished import FinishedPhotos
from .ordered import JOB, JobFiles, Ordered, Pixels, Reconstructed
from .photos import PhotoTask
from .placement import move_into_place, photo_keys
from .report import Record, totals
from .scenes import SceneWriter
from .target import Target

_MOST_AHEAD = 7
"""Number of following photos named in a request; batches of more than eight are hardly faster on any graphics card."""

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
    jobs: int = 1,
    weights: str = "",
    known: FinishedPhotos | None = None,
    decode: Decode | None = None,
    others: Sequence[PhotoTask] = (),
) -> None:
    """Appends a record of each task to `records`, in order; an interrupt keeps those already appended.

    `weights` is the hash of the network's weights, see `FinishedPhotos.made_from`; `known` is what is known of earlier
    results in the target's folder, None: nothing yet. `decode`, for runners that do not decode all files, is called in
    the calling thread too. `others` are photos of other shards, which no result may replace either.

    `jobs` runners reconstruct photos, slightly ahead of the scenes, which are written one by one in the calling thread
    because Blender requires it, each while its photo's runner still exports the other files. An interrupt of the
    calling thread stops the runners and leaves no partial files.
    """
    remove_abandoned(Path(tempfile.gettempdir()), JOB)
    idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()
    everyone = [runners.for_photos(f"worker-{number}") for number in range(min(jobs, max(1, len(tasks))))]
    known = known or FinishedPhotos(target.folder)
    photos = photo_keys((*tasks, *others))
    batch = _Batch(settings, options.skip_existing, target, photos, idle, scenes, display, weights, known)
    waiting: deque[Ordered] = deque()
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
                pixels, files = batch.decoded(task, decode), JobFiles()
                future = pool.submit(batch.reconstruct, task, ahead, pixels, files)
                waiting.append(Ordered(task, pixels, files, future))
            record = batch.finish(waiting[0])
            done = waiting.popleft()
            done.clean()
            records.append(record)
            display.finished(done.task, record)
    finally:
        _end(pool, everyone, [ordered.future for ordered in waiting])
        scenes.close()
        for ordered in waiting:
            ordered.clean()


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

    def decoded(self, task: PhotoTask, decode: Decode | None) -> Pixels:
        """Runs in the calling thread: returns the pixels that the request for a photo hands over."""
        if decode is None or not self._is_to_do(task):
            return Pixels()
        with as_record(task) as outcome, contextlib.ExitStack() as undo:
            folder = ClaimedFolder(JOB)
            undo.callback(folder.remove)
            pixels = Pixels(decode(task.path.absolute(), self.settings, folder.path), folder)
            undo.pop_all()
            return pixels
        return Pixels(failure=outcome.record)

    def reconstruct(
        self, task: PhotoTask, ahead: Sequence[PhotoTask], pixels: Pixels, files: JobFiles
    ) -> Reconstructed | Record:
        """Runs in a thread of the pool: has a runner reconstruct one photo and export its files to staging.

        The request names the photos `ahead`, which the network may process in one batch with this one, and hands over
        `pixels`. `files` gets the folders, which the caller removes.
        """
        if task.problem:
            return Record(str(task.path), "failed", task.problem)
        if not self._is_to_do(task):
            return Record(str(task.path), "skipped", "All its results already exist.")
        if pixels.failure is not None:
            return pixels.failure
        with as_record(task) as outcome:
            source = self.known.made_from(task.path, self.settings, self.weights)
            folders = files.make(self.target.folder)
            exports = self.target.files(task, folders.staging.path)
            request = {
                "task": "reconstruct",
                "photo": str(task.path.absolute()),
                "settings": asdict(self.settings),
                "folder": str(folders.job.path),
                "exports": {form: str(path) for form, path in exports.items() if form != _BLEND},
                "ahead": [str(other.path.absolute()) for other in ahead if self._is_to_do(other)],
                "decoded": dict(pixels.files),
            }

            def follow(stage: str, share: float) -> None:
                if stage.startswith(EXPORTING):
                    files.saved.set()
                self.display.progress(task, stage, share * 0.7)

            runner = self.idle.get()
            try:
                return Reconstructed(runner.submit(request).wait(follow), folders.staging.path, source)
            finally:
                self.idle.put(runner)
        return outcome.record

    def _is_to_do(self, task: PhotoTask) -> bool:
        if task.problem or not self.skip_existing:
            return not task.problem
        return not is_done(task, self.settings, self.target, self.weights, self.known)

    def finish(self, ordered: Ordered) -> Record:
        """Runs in the calling thread: writes the scene, then moves all files of the photo to the output folder."""
        task = ordered.task
        with as_record(task) as failure:
            scene_seconds = self._write_scene(ordered)
            outcome = ordered.future.result()
            if isinstance(outcome, Record):
                return outcome
            answer = outcome.answer
            files = move_into_place(outcome.staging, self.target.folder, self.photos)
            if outcome.source is not None:
                self.known.remember(self.target.label(task), outcome.source, files)
            return Record(
                photo=str(task.path),
                status="done",
                seconds=dict(answer["seconds"]) | scene_seconds,
                counts=answer["counts"],
                camera=answer["camera"],
                distances=answer["distances"],
                model=answer["model"],
                engine=answer["engine"],
                files=[str(path) for path in files],
                notes=answer["notes"],
            )
        # Why the photo failed says more than what that did to its scene.
        outcome = ordered.future.result()
        return outcome if isinstance(outcome, Record) else failure.record

    def _write_scene(self, ordered: Ordered) -> dict[str, float]:
        """Writes the .blend file, if wanted, once the reconstruction is saved; returns the seconds of each stage."""
        folders = ordered.saved()
        if folders is None:
            return {}
        blend = self.target.files(ordered.task, folders.staging.path).get(_BLEND)
        if blend is None:
            return {}
        if ordered.future.done():
            self.display.progress(ordered.task, "Building the scene", 0.7)
        return self.scenes.write(folders.job.path, blend)


def is_done(task: PhotoTask, settings: Settings, target: Target, weights: str, known: FinishedPhotos) -> bool:
    """Returns whether all results of a photo exist, made from the same photo, settings and weights."""
    files = target.files(task).values()
    if not all(path.is_file() for path in files):
        return False
    source = known.made_from(task.path, settings, weights)
    return known.is_finished(target.label(task), source, files)


def timed(records: Sequence[Record], began: float) -> str:
    """Returns one sentence with the totals and the duration; `began` is `time.perf_counter()` at the start."""
    words = [f"{count} {status}" for status, count in totals(records).items() if count]
    return f"{', '.join(words) or 'nothing to do'} in {time.perf_counter() - began:.1f} s."
