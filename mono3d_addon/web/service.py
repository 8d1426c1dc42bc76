# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the server, from upload to download, independent of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ..errors import Cancelled, Mono3DError
from ..formats import FORMATS
from ..run.scenes import RunnerSceneWriter
from ..settings import Settings, WebOptions
from ..worker.draft import draft_of
from ..worker.runner import Runners
from . import downloads
from .folders import ServerFolder, SharedFolder, size_of
from .form import Form, shown_settings
from .jobs import Job, Revision
from .pool import Pool, Work, too_long
from .refusal import Refusal
from .uploads import Upload

_LOG = logging.getLogger("mono3d.web")

_MOST_KEPT = 1000
"""Largest number of jobs; each takes a few kilobytes of memory and a folder."""

_SWEEP_SECONDS = 10.0
_SCENE_IDLE_SECONDS = 300.0
_NO_ROOM = "The server has no room for another photo or mesh; try again later."
_BUSY = "The server is busy with other photos; try again in a minute."


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
        self.folder = ServerFolder(data_folder / "web")
        photo_runners = [runners.for_photos(f"web-{options.port}-{number}") for number in range(options.workers)]
        self.pool = Pool(photo_runners, self._on_move, options.max_minutes * 60.0)
        self._jobs: dict[str, Job] = {}
        self._arriving: set[str] = set()
        self._scenes = RunnerSceneWriter(runners.for_scenes(_SCENE_IDLE_SECONDS))
        self._scene_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.is_closing = False

    async def start(self) -> None:
        """Starts the runners and the clean-up of old jobs. Raises Mono3DError when a runner cannot be started."""
        await self.pool.start()
        self._in_background(self._sweep_for_ever())

    async def close(self) -> None:
        """Stops the runners and removes all jobs."""
        if self.is_closing:
            return
        self.is_closing = True
        for job in self._jobs.values():
            job.nudge()
        await self.pool.close()
        await asyncio.to_thread(self._scenes.close)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.folder.close)

    # Requests of visitors

    @property
    def form(self) -> Form:
        """The settings that visitors may choose now; models change with the weights on the disk."""
        return Form.of(self.options, self.data_folder)

    def find(self, id: str) -> Job | None:
        """Returns a job; None if it does not exist or was removed."""
        return self._jobs.get(id)

    def job(self, id: str) -> Job:
        """Returns a job. Raises Refusal, 404, when it does not exist or was removed."""
        found = self.find(id)
        if found is None:
            raise Refusal(404, "This job does not exist or has expired; upload the photo again.")
        return found

    def status(self, job: Job) -> dict[str, Any]:
        """Returns the job's status as the API has it."""
        position = self.pool.position(job.work) if job.work is not None else 0
        shown = shown_settings(job.view.settings if job.view is not None else job.settings)
        status = job.status(position, job.last_change + self.options.keep_hours * 3600.0, shown)
        if status["result"] is not None and job.whole is not None:
            status["result"]["files"] = {
                name: f"/api/jobs/{job.id}/files/{name}?revision={job.whole.number}"
                for name in FORMATS
                if downloads.is_available(name, self.installed)
            }
        return status

    @contextlib.contextmanager
    def place(self) -> Iterator[tuple[str, SharedFolder]]:
        """Reserves a place in the queue for an upload; yields id and folder of the new job.

        The folder is removed if no job is created with it. Raises Refusal, 503, when the queue is full.
        """
        unfinished = sum(1 for job in self._jobs.values() if job.whole is None and not job.is_over)
        if self.is_closing or unfinished + len(self._arriving) >= self.options.max_jobs:
            raise Refusal(503, _BUSY, {"Retry-After": "60"})
        id = secrets.token_urlsafe(18)
        folder = SharedFolder(self.folder.jobs / secrets.token_hex(16))
        self._arriving.add(id)
        try:
            _make(folder)
            yield id, folder
        finally:
            self._arriving.discard(id)
            if id not in self._jobs:
                folder.release()

    def create(self, id: str, folder: SharedFolder, upload: Upload) -> Job:
        """Starts and returns the job of an uploaded photo. Raises Refusal, 422, for invalid settings."""
        settings = self.form.settings(
            upload.settings,
            upload.preset,
            mask=str(upload.mask or ""),
            depth_file=str(upload.depth or ""),
        )
        job = Job(id, upload.name, folder, upload.photo, settings)
        # Create the folder first: if that fails, no job must exist that waits forever.
        revision = self._revision_folder(job)
        self._jobs[id] = job
        self._arriving.discard(id)
        request = {
            "task": "reconstruct",
            "photo": str(job.photo),
            "settings": dataclasses.asdict(settings),
            "folder": str(revision.path),
            "work": str(folder.path),
            "disparity_cache": str(folder.path),
            "keep": True,
            "key": id,
            "name": upload.name,
            "page": True,
        }
        self._begin(job, revision, request, settings, is_urgent=False, is_draft=False)
        return job

    def shape(self, job: Job, given: dict[str, Any], *, is_draft: bool) -> None:
        """Rebuilds the mesh of a job with other settings; cancels a rebuild that is still running.

        Raises Refusal: 409 before the first mesh, 422 for invalid settings.
        """
        if job.whole is None:
            raise Refusal(409, "The first mesh of this photo is not ready yet; wait for it.")
        settings = self.form.reshaped(job.whole.settings, given)
        revision = self._revision_folder(job)
        if job.work is not None:
            self.pool.cancel(job.work)
        request = {
            "task": "reshape",
            "key": job.id,
            "settings": dataclasses.asdict(draft_of(settings) if is_draft else settings),
            "folder": str(revision.path),
            "page": {
                "photo": str(job.photo),
                "before": str(job.whole.folder.path),
                "name": job.name,
                "draft": is_draft,
            },
        }
        self._begin(job, revision, request, settings, is_urgent=True, is_draft=is_draft)

    def cancel(self, job: Job) -> None:
        """Cancels the current request. Raises Refusal, 409, when there is none."""
        if job.work is None:
            raise Refusal(409, "This job is already over.")
        self.pool.cancel(job.work)
        job.end("cancelled" if job.whole is None else "done")

    def delete(self, job: Job) -> None:
        """Removes a job and its files."""
        self._jobs.pop(job.id, None)
        if job.work is not None:
            self.pool.cancel(job.work)
            job.end("cancelled")
        self.pool.forget(job.id)
        job.folder.release()

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
            raise Refusal(503 if self.is_closing else 500, self._for_visitors(str(error), job)) from error

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
        work = Work(request, job.id, is_urgent=is_urgent)
        work.on_start = lambda: job.run() if job.work is work else None
        work.on_progress = lambda stage, share: job.progress(stage, share) if job.work is work else None
        job.begin(work)
        self.pool.submit(work)
        self._in_background(self._follow(job, work, folder, settings, is_draft=is_draft))

    async def _follow(self, job: Job, work: Work, folder: SharedFolder, settings: Settings, *, is_draft: bool) -> None:
        """Waits for the end of a work and stores its result."""
        with folder.used():
            taken = False
            try:
                result = await work.done
                if job.work is work:
                    result.setdefault("model", job.whole.result["model"] if job.whole else "")
                    self._take(job, Revision(folder, result, settings, job.revision + 1), is_draft=is_draft)
                    taken = True
            except Cancelled:
                pass
            except Mono3DError as error:
                if job.work is work:
                    job.end("done" if job.whole else "failed", self._for_visitors(str(error), job))
            if not taken:
                folder.release()
            await work.left
        await self._measure(job)

    async def _measure(self, job: Job) -> None:
        job.bytes = await asyncio.to_thread(size_of, job.folder.path)

    def _take(self, job: Job, made: Revision, *, is_draft: bool) -> None:
        previous = [job.view] if job.view is not job.whole else []
        if not is_draft:
            previous.append(job.whole)
            job.whole, job.files = made, {}
        job.view = made
        job.revision = made.number
        job.end("done")
        for revision in previous:
            if revision is not None:
                revision.folder.release()

    async def _write(self, job: Job, revision: Revision, format: str) -> Path:
        """Writes a file of a revision and returns its path. Raises Mono3DError on failure."""
        with revision.folder.used() as folder:
            # Some libraries choose the format by the suffix.
            path = folder / f"download-{format}{Path(downloads.file_name('', format)).suffix}"
            if format == "blend":
                await self._write_scene(folder, path)
                await self._measure(job)
                return path
            request = {
                "task": "export",
                "folder": str(folder),
                "format": format,
                "path": str(path),
                "name": downloads.stem_of(job.name),
            }
            work = self.pool.submit(Work(request, job.id, is_urgent=True))
            await work.done
            await work.left
            await self._measure(job)
            return path

    async def _write_scene(self, folder: Path, path: Path) -> None:
        async with self._scene_turn:
            writing = asyncio.ensure_future(asyncio.to_thread(self._scenes.write, folder, path))
            limit = self.options.max_minutes * 60.0
            await asyncio.wait({writing}, timeout=limit)
            if not writing.done():
                await asyncio.to_thread(self._scenes.close)
                await asyncio.wait({writing})
                raise too_long(limit) from writing.exception()
            await writing

    def _revision_folder(self, job: Job) -> SharedFolder:
        folder = SharedFolder(job.folder.path / secrets.token_hex(8), job.folder)
        _make(folder)
        return folder

    def _for_visitors(self, sentence: str, job: Job) -> str:
        """Returns a sentence without paths of this computer, and with the file name that the visitor gave."""
        cleaned = sentence.replace(job.photo.name, job.name)
        cleaned = re.sub(r" The log is [^\n]*", "", cleaned)
        # Visitors cannot change that limit.
        cleaned = cleaned.replace(" or raise 'Largest photo'", "")
        for place in (self.folder.path, self.data_folder):
            cleaned = re.sub(re.escape(str(place)) + r"[^\s'\"]*", "the server", cleaned)
        return cleaned

    def _on_move(self) -> None:
        for job in self._jobs.values():
            if job.state == "queued":
                job.nudge()

    async def _sweep_for_ever(self) -> None:
        while True:
            self.sweep()
            await asyncio.sleep(min(_SWEEP_SECONDS, self.options.keep_hours * 1800.0))

    def sweep(self) -> None:
        """Removes expired jobs, and the oldest ones while all jobs together take too much space."""
        now = time.time()
        over = sorted((job for job in self._jobs.values() if job.is_over), key=lambda job: job.last_change)
        room = self.options.max_gigabytes * 1e9
        total = sum(job.bytes for job in self._jobs.values())
        for job in over:
            is_old = now - job.last_change > self.options.keep_hours * 3600.0
            if is_old or total > room or len(self._jobs) > _MOST_KEPT:
                total -= job.bytes
                self.delete(job)

    def make_room(self) -> None:
        """Removes old jobs. Raises Refusal, 503, when there is still no space for another photo."""
        self.sweep()
        total = sum(job.bytes for job in self._jobs.values())
        free = shutil.disk_usage(self.folder.path).free
        if total > self.options.max_gigabytes * 1e9 or free <= 2e6 * self.options.max_megabytes:
            raise Refusal(503, _NO_ROOM, {"Retry-After": "600"})

    def _in_background(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Retrieve the exception, or asyncio logs it when nobody awaits the task.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task


def _make(folder: SharedFolder) -> None:
    """Creates a folder. Raises Refusal, 503, on failure."""
    try:
        folder.path.mkdir(mode=0o700)
    except OSError as error:
        _LOG.error("a folder cannot be created: %s", error)
        raise Refusal(503, _NO_ROOM, {"Retry-After": "600"}) from error
