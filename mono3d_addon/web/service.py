# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the server, from upload to download, independent of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ..errors import DISK_FULL, Cancelled, Mono3DError, WorkerDied
from ..formats import FORMATS
from ..run.scenes import RunnerSceneWriter
from ..settings import Settings, WebOptions
from ..worker.runner import Runners
from . import downloads, requests
from .folders import ServerFolder, SharedFolder, empty
from .form import Form, shown_settings
from .jobs import Job, Revision, State
from .metrics import Counts
from .pool import Pool, Work
from .records import NAME as RECORD
from .refusal import Refusal
from .shares import Shares
from .shelf import Shelf
from .uploads import Upload
from .writing import Writer, for_visitors

_LOG = logging.getLogger("mono3d.web")

_SWEEP_SECONDS = 10.0
_SCENE_IDLE_SECONDS = 300.0
_MOST_STARTS = 3
"""Starts of one request, of which all but the last were interrupted by the end of the server."""

_MOST_DEATHS = 1
"""Workers that one request may cost and still be tried again."""

_NO_ROOM = "The server has no room for another photo or mesh; try again later."
_BUSY = "The server is busy with other photos; try again in a minute."
_YOURS = "The server is still busy with {count} of your photos; send more when they are done."
_FULL = "The server's disk is full; try again later, or tell the person who runs it."
_INTERRUPTED = "The server stopped several times while it worked on this photo; try a smaller one, or other settings."
_SAME_KEY = "An upload with this Idempotency-Key is just being received; ask again."


class Service:
    """All jobs of one server and the runners that work on them. Belongs to the event loop's thread.

    installed  components with packages, which decide what can be downloaded
    runners    makes what does the work

    Raises Mono3DError when the server's folder cannot be created.
    """

    def __init__(self, options: WebOptions, data_folder: Path, installed: Collection[str], runners: Runners) -> None:
        self.options = options
        self.data_folder = data_folder
        self.installed = installed
        keep_seconds = options.keep_hours * 3600.0
        self.folder = ServerFolder(data_folder / "web", options.port if options.keep_results else None, keep_seconds)
        self.shelf = Shelf(self.folder.jobs, options.max_gigabytes * 1e9, keep_seconds)
        photo_runners = [runners.for_photos(f"web-{options.port}-{number}") for number in range(options.workers)]
        self.pool = Pool(photo_runners, self._on_move, options.max_minutes * 60.0)
        self.counts = Counts()
        # Browsers send a cookie to all ports of a host.
        self.shares = Shares(self.shelf, f"mono3d_shares_{options.port}")
        self._arriving: dict[str, tuple[str, str]] = {}
        scenes = RunnerSceneWriter(runners.for_scenes(_SCENE_IDLE_SECONDS))
        self._writer = Writer(self.pool, scenes, options.max_minutes * 60.0)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.is_closing = False

    async def start(self) -> None:
        """Starts the runners, the jobs that an earlier server left, and the clean-up of old ones.

        Raises Mono3DError when a runner cannot be started.
        """
        await self.pool.start()
        for job in self.shelf.found():
            if not job.is_over:
                self._start_again(job)
        self._in_background(self._sweep_for_ever())

    async def close(self) -> None:
        """Stops the runners. The jobs are kept for the next server, or removed if that is the owner's wish."""
        if self.is_closing:
            return
        self.is_closing = True
        for job in self.shelf:
            job.nudge()
            if job.state == "running":
                # This end is not the fault of the job.
                job.attempts = max(job.attempts - 1, 0)
            self.shelf.keep(job)
        await self.pool.close()
        await self._writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.folder.close)

    def trouble(self) -> str:
        """Returns a sentence about why no photo can be worked on now; empty if one can."""
        if self.is_closing:
            return "The server is shutting down."
        if not any(self.pool.workers()[state] for state in ("busy", "idle")):
            return "No worker runs."
        return ""

    # Requests of visitors

    @property
    def form(self) -> Form:
        """The settings that visitors may choose now; models change with the weights on the disk."""
        return Form.of(self.options, self.data_folder)

    def find(self, id: str) -> Job | None:
        """Returns a job; None if it does not exist or was removed."""
        return self.shelf.get(id)

    def status(self, job: Job, id: str = "") -> dict[str, Any]:
        """Returns the job's status as the API has it; `id` is that of a share for those who may only look."""
        position = self.pool.position(job.work) if job.work is not None else 0
        shown = shown_settings(job.view.settings if job.view is not None else job.settings)
        status = job.status(position, job.last_change + self.options.keep_hours * 3600.0, shown)
        status |= {"id": id or job.id, "access": "view" if id else "full", "is_shared": bool(job.share)}
        if status["result"] is not None and job.whole is not None:
            status["result"]["files"] = {
                name: f"{self.options.root_path}/api/jobs/{status['id']}/files/{name}?revision={job.whole.number}"
                for name in FORMATS
                if downloads.is_available(name, self.installed)
            }
        return status

    def earlier(self, owner: str, key: str) -> Job | None:
        """Returns the job that the visitor `owner` has made with the same idempotency key; None for an empty key.

        Raises Refusal, 409, while that upload is still being received.
        """
        if not key:
            return None
        digest = _digest(owner, key)
        if any(arriving == digest for _, arriving in self._arriving.values()):
            raise Refusal(409, _SAME_KEY, {"Retry-After": "1"})
        return self.shelf.by_key(digest)

    @contextlib.contextmanager
    def place(self, owner: str, key: str = "") -> Iterator[tuple[str, SharedFolder]]:
        """Reserves a place in the queue for an upload of `owner`; yields id and folder of the new job.

        The folder is removed if no job is created with it. Raises Refusal, 503, when the queue is full.
        """
        owners = [job.owner for job in self.shelf if job.whole is None and not job.is_over]
        owners += [arriving for arriving, _ in self._arriving.values()]
        if self.is_closing or len(owners) >= self.options.max_jobs:
            raise Refusal(503, _BUSY, {"Retry-After": "60"})
        if owners.count(owner) >= self._most_each:
            raise Refusal(503, _YOURS.format(count=owners.count(owner)), {"Retry-After": "60"})
        id = secrets.token_urlsafe(18)
        folder = SharedFolder(self.folder.jobs / secrets.token_hex(16))
        self._arriving[id] = owner, _digest(owner, key) if key else ""
        try:
            _make(folder)
            yield id, folder
        finally:
            self._arriving.pop(id, None)
            if self.shelf.get(id) is None:
                folder.release()

    def create(self, id: str, folder: SharedFolder, upload: Upload) -> Job:
        """Starts and returns the job of an uploaded photo. Raises Refusal, 422, for invalid settings."""
        settings = self.form.settings(
            upload.settings,
            upload.preset,
            mask=str(upload.mask or ""),
            depth_file=str(upload.depth or ""),
        )
        owner, key = self._arriving[id]
        job = Job(id, upload.name, folder, upload.photo, settings, owner=owner, key=key)
        # Create the folder first: if that fails, no job must exist that waits forever.
        revision = self._revision_folder(job)
        self.shelf.add(job)
        del self._arriving[id]
        _LOG.info("job %s: received", job.short, extra={"job": job.short})
        self._reconstruct(job, revision)
        return job

    def shape(self, job: Job, given: dict[str, Any], *, is_draft: bool) -> None:
        """Rebuilds the mesh of a job with other settings; cancels a rebuild that is still running.

        Raises Refusal: 409 before the first mesh, 422 for invalid settings.
        """
        if job.whole is None:
            raise Refusal(409, "The first mesh of this photo is not ready yet; wait for it.")
        settings = self.form.reshaped(job.whole.settings, given)
        self.make_room(0, job)
        revision = self._revision_folder(job)
        if job.work is not None:
            self.pool.cancel(job.work)
        self._reshape(job, revision, settings, is_draft=is_draft)

    def _reconstruct(self, job: Job, revision: SharedFolder) -> None:
        request = requests.reconstruct(job, revision.path)
        self._begin(job, revision, request, job.settings, is_urgent=False, is_draft=False)

    def _reshape(self, job: Job, revision: SharedFolder, settings: Settings, *, is_draft: bool) -> None:
        request = requests.reshape(job, revision.path, settings, is_draft=is_draft)
        job.wanted = None if is_draft else settings
        self._begin(job, revision, request, settings, is_urgent=True, is_draft=is_draft)

    def cancel(self, job: Job) -> None:
        """Cancels the current request. Raises Refusal, 409, when there is none."""
        if job.work is None:
            raise Refusal(409, "This job is already over.")
        self.pool.cancel(job.work)
        self._end(job, "cancelled" if job.whole is None else "done")

    def delete(self, job: Job) -> None:
        """Removes a job and its files."""
        self.shelf.remove(job)
        if job.work is not None:
            self.pool.cancel(job.work)
            job.end("cancelled")
        self.pool.forget(job.id)

    async def file(self, job: Job, format: str, number: int = 0) -> Path:
        """Returns the path of a download; writes the file on first use. Call it within `job.whole.folder.used()`.

        number  the revision that the visitor saw; 0: the last one

        Raises Refusal: 404 for an unavailable format, 409 before the first mesh and for a revision that was replaced,
        500 when writing failed.
        """
        if not downloads.is_known(format):
            raise Refusal(404, "There is no such format; /api/about lists them.")
        if not downloads.is_available(format, self.installed):
            raise Refusal(404, downloads.why_not(format))
        revision = self.whole(job)
        if number and number != revision.number:
            raise Refusal(409, "Another page has changed this mesh since; look at the new one, then download it.")
        job.touch()
        task = job.files.get(format)
        if task is None:
            task = job.files[format] = self._in_background(self._write(job, revision, format))
        try:
            # Other visitors may wait for the same file if this one disconnects.
            return await asyncio.shield(task)
        except Mono3DError as error:
            if job.files.get(format) is task:
                del job.files[format]
            if _is_full(error):
                raise self.full_disk() from error
            _LOG.warning("job %s: %s cannot be written: %s", job.short, format, error)
            raise Refusal(
                503 if self.is_closing else 500, for_visitors(str(error), job, self.folder.path, self.data_folder)
            ) from error

    def whole(self, job: Job) -> Revision:
        """Returns the job's last complete mesh. Raises Refusal, 409, when there is none."""
        if job.whole is None:
            sentence = "There is no result yet; wait until the job is done."
            if job.is_over:
                sentence = f"There is no result: the job {'failed' if job.state == 'failed' else 'was cancelled'}."
            raise Refusal(409, sentence)
        return job.whole

    # Implementation

    def _begin(
        self,
        job: Job,
        folder: SharedFolder,
        request: dict[str, Any],
        settings: Settings,
        *,
        is_urgent: bool,
        is_draft: bool,
    ) -> None:
        job.attempts = 0
        work = self._work(job, request, is_urgent=is_urgent)
        job.begin(work)
        if not is_draft:
            self.shelf.keep(job)
        self.pool.submit(work)
        self._in_background(self._follow(job, work, folder, settings, is_draft=is_draft))

    def _work(self, job: Job, request: dict[str, Any], *, is_urgent: bool) -> Work:
        work = Work(request, job.id, is_urgent=is_urgent, owner=job.owner)
        work.on_start = lambda: self._on_start(job) if job.work is work else None
        work.on_progress = lambda stage, share: job.progress(stage, share) if job.work is work else None
        return work

    def _on_start(self, job: Job) -> None:
        job.attempts += 1
        job.run()
        if job.whole is None or job.wanted is not None:
            self.shelf.keep(job)

    async def _follow(self, job: Job, work: Work, folder: SharedFolder, settings: Settings, *, is_draft: bool) -> None:
        """Waits for the end of a work and stores its result; has it done again where that may help."""
        deaths = 0
        with folder.used():
            taken = False
            while True:
                try:
                    result = await work.done
                    if job.work is work:
                        result.setdefault("model", job.whole.result["model"] if job.whole else "")
                        made = Revision(folder, result, settings, job.revision + 1)
                        self._take(job, made, is_draft=is_draft)
                        taken = True
                except Cancelled:
                    pass
                except Mono3DError as error:
                    await work.left
                    deaths += isinstance(error, WorkerDied)
                    if job.work is work and await self._may_help(job, error, deaths):
                        await asyncio.to_thread(empty, folder.path)
                        if job.work is work:
                            work = job.work = self._work(job, work.request, is_urgent=work.is_urgent)
                            self.pool.submit(work, is_next=True)
                            continue
                    # What the end of the server interrupts is done by the next one.
                    if job.work is work and not self.is_closing:
                        self._fail(job, error)
                break
            if not taken:
                folder.release()
            await work.left
        await self._measure(job)
        if job.whole is None and job.is_over and not self.is_closing:
            await asyncio.to_thread(empty, job.folder.path, RECORD)
            await self._measure(job)
        elif taken and not is_draft:
            self.shelf.expected.note(job.bytes)

    async def _may_help(self, job: Job, error: Mono3DError, deaths: int) -> bool:
        """Returns whether a failed request may succeed if it is done again, after making room for it if needed."""
        if self.is_closing:
            return False
        if isinstance(error, WorkerDied):
            self.counts.deaths += 1
            _LOG.warning("job %s: %s", job.short, error, extra={"job": job.short})
            return deaths <= _MOST_DEATHS
        if not _is_full(error):
            return False
        self.full_disk()
        return await self._free(2.0 * self.shelf.expected.bytes, job)

    async def _free(self, needed: float, besides: Job) -> bool:
        """Removes old jobs until `needed` bytes fit; never `besides`. Returns whether there were any."""
        old = self.shelf.surplus(needed, besides)
        for other in old:
            self._make_leave(other)
            await other.folder.removed()
        return bool(old)

    def _fail(self, job: Job, error: Mono3DError) -> None:
        sentence = _FULL if _is_full(error) else for_visitors(str(error), job, self.folder.path, self.data_folder)
        _LOG.warning("job %s failed: %s", job.short, error, extra={"job": job.short})
        self._end(job, "done" if job.whole else "failed", sentence)

    def _end(self, job: Job, state: State, error: str = "") -> None:
        job.end(state, error)
        self.counts.ended[state] += 1
        self.shelf.keep(job)

    def _start_again(self, job: Job) -> None:
        """Starts the work on a job that an earlier server did not finish."""
        if job.attempts >= _MOST_STARTS:
            _LOG.warning("job %s failed: %d servers ended while they worked on it", job.short, job.attempts)
            self._end(job, "done" if job.whole else "failed", _INTERRUPTED)
            return
        _LOG.info("job %s: started again", job.short)
        attempts, made = job.attempts, self._revision_folder(job)
        if job.whole is None:
            self._reconstruct(job, made)
        else:
            self._reshape(job, made, job.wanted or job.whole.settings, is_draft=False)
        job.attempts += attempts

    async def _measure(self, job: Job) -> None:
        await asyncio.to_thread(self.shelf.measure, job)

    def _take(self, job: Job, made: Revision, *, is_draft: bool) -> None:
        previous = [job.view] if job.view is not job.whole else []
        if not is_draft:
            previous.append(job.whole)
            job.whole, job.files = made, {}
        job.view = made
        job.revision = made.number
        if is_draft:
            job.end("done")
        else:
            self._end(job, "done")
            self.counts.note_result(made.result["seconds"], job.elapsed)
            _LOG.info("job %s: done in %.1f s", job.short, job.elapsed, extra={"job": job.short})
        for revision in previous:
            if revision is not None:
                revision.folder.release()

    async def _write(self, job: Job, revision: Revision, format: str) -> Path:
        """Makes room for a file of a revision, writes it and returns its path. Raises Mono3DError on failure."""
        with revision.folder.used() as folder:
            await self._free(self.shelf.expected.bytes, job)
            path = await self._writer.write(job, folder, format)
            await self._measure(job)
            return path

    def _revision_folder(self, job: Job) -> SharedFolder:
        folder = SharedFolder(job.folder.path / secrets.token_hex(8), job.folder)
        _make(folder)
        return folder

    def _on_move(self) -> None:
        for job in self.shelf:
            if job.state == "queued":
                job.nudge()

    async def _sweep_for_ever(self) -> None:
        while True:
            self.sweep()
            await asyncio.sleep(min(_SWEEP_SECONDS, self.options.keep_hours * 1800.0))

    def sweep(self) -> None:
        """Removes expired jobs, and old ones while all jobs together take too much space."""
        for job in self.shelf.expired():
            self.delete(job)
        for job in self.shelf.surplus():
            self._make_leave(job)
        self.shelf.keep_touched()

    def make_room(self, length: int, besides: Job | None = None) -> None:
        """Removes old jobs until an upload of `length` bytes and its results fit; never `besides`.

        Raises Refusal, 503, when that is not enough.
        """
        # An upload is first received and then copied into its folder.
        needed = 2.0 * length + self.shelf.expected.bytes
        if self.shelf.lacks(needed, besides):
            _LOG.warning("there is no room for another photo or mesh")
            raise Refusal(503, _NO_ROOM, {"Retry-After": "600"})
        self.sweep()
        for job in self.shelf.surplus(needed, besides):
            self._make_leave(job)

    def full_disk(self) -> Refusal:
        """Writes to the log that the disk is full; returns what the visitor is told."""
        self.counts.full_disk += 1
        _LOG.error("the disk with %s is full", self.folder.path)
        return Refusal(503, _FULL, {"Retry-After": "600"})

    def _make_leave(self, job: Job) -> None:
        _LOG.info("job %s: removed, to make room", job.short)
        self.delete(job)

    @property
    def _most_each(self) -> int:
        """The number of jobs of one visitor that may wait or run."""
        share = max(self.options.max_jobs // 2, 1) if self.options.token else self.options.max_jobs
        return self.options.max_jobs_each or share

    def _in_background(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Retrieve the exception, or asyncio logs it when nobody awaits the task.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task


def _digest(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()


def _is_full(error: Exception) -> bool:
    """Returns whether an error of a runner says that the disk is full."""
    return str(error) == DISK_FULL or os.strerror(errno.ENOSPC) in str(error)


def _make(folder: SharedFolder) -> None:
    """Creates a folder. Raises Refusal, 503, on failure."""
    try:
        folder.path.mkdir(mode=0o700)
    except OSError as error:
        _LOG.error("a folder cannot be created: %s", error)
        raise Refusal(503, _NO_ROOM, {"Retry-After": "600"}) from error
