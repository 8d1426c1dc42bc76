# SPDX-License-Identifier: GPL-3.0-or-later
"""Works through many photos: each one's files appear together or not at all, and none stops the rest."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import re
import shutil
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from .errors import Mono3DError, WrongUsage, unforeseen
from .outputs import BY_ENDING, PREVIEW, output_files
from .photos import PhotoTask, fold, place_of
from .report import Record, totals
from .settings import RunOptions, Settings
from .worker.client import Worker

_MOST_AHEAD = 7
"""Photos to come of which a worker hears: more than eight pictures together are hardly faster on any card."""

_SCENE_FORMATS = ("blend", PREVIEW)

_FILE_ENDING = re.compile(r"\.(?!\d+$)[A-Za-z0-9]{2,5}")
"""What no folder's name is likely to end in: a date or a version ends in digits."""


class SceneWriter(Protocol):
    """Writes what needs Blender: in a process of its own, or in the Blender that runs the batch."""

    def write(self, folder: Path, blend: Path | None, preview: Path | None) -> dict[str, float]:
        """Writes the scene of the reconstruction saved in `folder`; returns the seconds of each stage."""
        ...

    def close(self) -> None:
        """Ends what it holds."""
        ...


class Display(Protocol):
    """Shows the user how the run goes."""

    def progress(self, task: PhotoTask, stage: str, fraction: float) -> None:
        """One photo got further; may be called from any thread."""
        ...

    def finished(self, task: PhotoTask, record: Record) -> None:
        """One photo is done, failed or skipped."""
        ...


@dataclass(frozen=True)
class Target:
    """What a run writes: the folder, the formats (`preview` among them), and the name of the file if it is just one."""

    folder: Path
    formats: tuple[str, ...]
    name: str = ""

    def files(self, task: PhotoTask, folder: Path | None = None) -> dict[str, Path]:
        """Returns the path of each format's file for a photo, in `folder` instead of the target's own if given."""
        folder = folder or self.folder
        if self.name:
            return {self.formats[0]: folder / self.name}
        return output_files(task.name, self.formats, folder)

    def has_all(self, task: PhotoTask) -> bool:
        """Tells whether all results of a photo are there."""
        return all(path.exists() for path in self.files(task).values())


def target_of(options: RunOptions) -> Target:
    """Returns what `--output` and `--format` ask for; an output with a known ending is one file of that format.

    Raises WrongUsage when the two contradict each other, or the output looks like a file that is not written.
    """
    output = Path(options.output).expanduser()
    form = BY_ENDING.get(output.suffix.lower())
    if form and not output.is_dir():
        if options.format not in (RunOptions.format, (form,)):
            others = ", ".join(options.format) or "none"
            raise WrongUsage(f"The output '{options.output}' is one {form} file, but --format asks for {others}.")
        return Target(output.parent, (form,), output.name)
    if _FILE_ENDING.fullmatch(output.suffix) and not options.output.endswith(("/", os.sep)) and not output.exists():
        raise WrongUsage(
            f"A file '{output.name}' cannot be written: the endings are {' '.join(BY_ENDING)}. "
            "To have a new folder of that name, let it end in '/'."
        )
    formats = (*options.format, PREVIEW) if options.preview else options.format
    return Target(output, formats)


def prepare(target: Target) -> None:
    """Makes the output folder. Raises Mono3DError when there are no results or they cannot be written there."""
    if not target.formats:
        raise WrongUsage("With neither a format nor a preview nothing would be written; name one with --format.")
    _prepare_folder(target.folder)


def prepare_report(path: Path, tasks: Sequence[PhotoTask]) -> None:
    """Makes the folder of the report. Raises Mono3DError when the report cannot be written to `path`."""
    if path.is_dir():
        raise WrongUsage(f"The report '{path}' is a folder; name a file in it.")
    if fold(str(place_of(path))) in _places(tasks):
        raise WrongUsage(f"The report '{path}' would replace a photo; give it another name.")
    _prepare_folder(path.parent)


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise Mono3DError(f"Nothing can be written to '{folder}' ({reason}); choose another folder.") from error


def spare_photos(tasks: Sequence[PhotoTask], target: Target) -> list[PhotoTask]:
    """Returns the tasks, those with a problem of which is known by now that they would write over a photo of this run.

    What lies beside a mesh or a .blend file shows only when it is made; `_move_all` looks at all.
    """
    photos = _places(tasks)
    return [replace(task, problem=task.problem or _harm(target.files(task).values(), photos)) for task in tasks]


def _places(tasks: Iterable[PhotoTask]) -> frozenset[str]:
    return frozenset(fold(str(place_of(task.path))) for task in tasks)


def _harm(files: Iterable[Path], photos: frozenset[str]) -> str:
    """Returns a sentence where one of `files` would be written over a photo, else nothing."""
    hit = next((path for path in files if fold(str(place_of(path))) in photos), None)
    return f"Its result '{hit.name}' would replace a photo; choose another output folder." if hit else ""


def run(
    tasks: Sequence[PhotoTask],
    settings: Settings,
    options: RunOptions,
    target: Target,
    make_worker: Callable[[int], Worker],
    scenes: SceneWriter,
    display: Display,
    records: list[Record],
) -> None:
    """Adds a record for each task to `records`, in their order; an interrupted run has added those that are done.

    `options.jobs` workers reconstruct at a time, and a little ahead; scenes are written one by one in the calling
    thread, as Blender wants it. The calling thread's interrupt stops the workers and leaves nothing half-written.
    """
    workers: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    everyone = [make_worker(number) for number in range(min(options.jobs, max(1, len(tasks))))]
    for worker in everyone:
        workers.put(worker)
    batch = _Batch(settings, options.skip_existing, target, _places(tasks), workers, scenes, display)
    waiting: deque[tuple[PhotoTask, Future[_Reconstructed | Record]]] = deque()
    remaining = deque(tasks)
    pool = ThreadPoolExecutor(len(everyone), thread_name_prefix="mono3d")
    try:
        while waiting or remaining:
            while remaining and len(waiting) <= len(everyone):
                task = remaining.popleft()
                # Of several workers each would look at the same photos.
                ahead = list(itertools.islice(remaining, _MOST_AHEAD)) if len(everyone) == 1 else []
                waiting.append((task, pool.submit(batch.reconstruct, task, ahead)))
            task, future = waiting[0]
            record = batch.finish(task, future.result())
            waiting.popleft()
            records.append(record)
            display.finished(task, record)
    finally:
        _end(pool, everyone, [future for _, future in waiting])
        scenes.close()
        for _, future in waiting:
            if future.done() and not future.cancelled() and isinstance(left := future.result(), _Reconstructed):
                left.clean()


def _end(pool: ThreadPoolExecutor, workers: Sequence[Worker], futures: Sequence[Future[Any]]) -> None:
    """Stops the workers and waits for the threads of the pool; photos that have not begun never do."""
    pool.shutdown(wait=False, cancel_futures=True)
    while True:
        for worker in workers:
            worker.stop()
        if all(future.done() for future in futures):
            break
        # A thread on its way to a worker starts it again.
        time.sleep(0.05)
    pool.shutdown(wait=True)


@dataclass(frozen=True)
class _Reconstructed:
    """A photo whose reconstruction lies in `folder` and whose exported files lie in `staging`."""

    folder: Path
    staging: Path
    result: dict[str, Any]

    def clean(self) -> None:
        for path in (self.folder, self.staging):
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class _Batch:
    settings: Settings
    skip_existing: bool
    target: Target
    photos: frozenset[str]
    workers: queue.SimpleQueue[Worker]
    scenes: SceneWriter
    display: Display

    def reconstruct(self, task: PhotoTask, ahead: Sequence[PhotoTask]) -> _Reconstructed | Record:
        """Runs in a thread of the pool: has a worker reconstruct one photo and export its files to staging.

        The worker hears of the photos `ahead`, which the network may see together with this one.
        """
        if task.problem:
            return Record(str(task.path), "failed", task.problem)
        if not self._is_to_do(task):
            return Record(str(task.path), "skipped", "All results of this name are there.")
        with _as_record(task) as outcome, contextlib.ExitStack() as undo:
            folder = Path(tempfile.mkdtemp(prefix="mono3d-"))
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            staging = Path(tempfile.mkdtemp(prefix=".mono3d-", suffix=".partial", dir=self.target.folder))
            undo.callback(shutil.rmtree, staging, ignore_errors=True)
            exports = self.target.files(task, staging)
            request = {
                "task": "reconstruct",
                "photo": str(task.path.absolute()),
                "settings": asdict(self.settings),
                "folder": str(folder),
                "exports": {form: str(path) for form, path in exports.items() if form not in _SCENE_FORMATS},
                "ahead": [str(other.path.absolute()) for other in ahead if self._is_to_do(other)],
            }
            worker = self.workers.get()
            try:
                job = worker.submit(request)
                result = job.wait(lambda stage, share: self.display.progress(task, stage, share * 0.7))
            finally:
                self.workers.put(worker)
            undo.pop_all()
            return _Reconstructed(folder, staging, result)
        return outcome.record

    def _is_to_do(self, task: PhotoTask) -> bool:
        return not task.problem and not (self.skip_existing and self.target.has_all(task))

    def finish(self, task: PhotoTask, outcome: _Reconstructed | Record) -> Record:
        """Runs in the calling thread: writes the scene, then moves all files of the photo into place."""
        if isinstance(outcome, Record):
            return outcome
        result = outcome.result
        with _as_record(task) as failure, contextlib.ExitStack() as clean:
            clean.callback(outcome.clean)
            staged = self.target.files(task, outcome.staging)
            blend, preview = staged.get("blend"), staged.get(PREVIEW)
            seconds = dict(result["seconds"])
            if blend or preview:
                self.display.progress(task, "Building the scene", 0.7)
                seconds |= self.scenes.write(outcome.folder, blend, preview)
            files = _move_all(outcome.staging, self.target.folder, self.photos)
            return Record(
                photo=str(task.path),
                status="done",
                seconds=seconds,
                counts=result["counts"],
                camera=result["camera"],
                model=result["model"],
                engine=result["engine"],
                files=[str(path) for path in files],
                notes=result["notes"],
            )
        return failure.record


def _move_all(staging: Path, folder: Path, photos: frozenset[str]) -> list[Path]:
    """Renames every file of `staging` into `folder` and returns where they are now.

    Raises Mono3DError before the first one when one would replace a photo of the run.
    """
    files = {path: folder / path.name for path in sorted(staging.iterdir())}
    if harm := _harm(files.values(), photos):
        raise Mono3DError(harm)
    for path, final in files.items():
        path.replace(final)
    return list(files.values())


class _as_record:
    """Turns what is raised within into a record of failure, with the sentence for the user."""

    def __init__(self, task: PhotoTask) -> None:
        self.record = Record(str(task.path), "failed", "Nothing was done.")
        self._photo = str(task.path)

    def __enter__(self) -> _as_record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Mono3DError):
            message = str(error)
        elif isinstance(error, OSError):
            message = (
                f"A file cannot be written ({error.strerror or error}); look at the free space and the permissions."
            )
        elif isinstance(error, Exception):
            with contextlib.suppress(OSError):
                traceback.print_exception(error)
            message = unforeseen(error)
        else:
            return False
        self.record = Record(self._photo, "failed", message)
        return True


def timed(records: Sequence[Record], began: float) -> str:
    """Returns one sentence on how the run went; `began` is `time.perf_counter()` at its start."""
    words = [f"{count} {status}" for status, count in totals(records).items() if count]
    return f"{', '.join(words) or 'nothing to do'} in {time.perf_counter() - began:.1f} s."
