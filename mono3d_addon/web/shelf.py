# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of a server and their folders: written down, found again by the next server, removed when room is needed.

Use it in the event loop's thread only.
"""

from __future__ import annotations

import itertools
import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import Mono3DError
from ..worker.page_layout import VIEW
from . import records
from .folders import SharedFolder, size_of
from .jobs import Job
from .room import Expectation, leaving

_LOG = logging.getLogger("mono3d.web")

MOST_KEPT = 1000
"""Largest number of jobs; each takes a few kilobytes of memory and a folder."""

_REVISION = re.compile(r"[0-9a-f]{16}")


class Shelf:
    """All jobs in the folder `path`, which together may take `most` bytes and are kept for `keep_seconds`."""

    def __init__(self, path: Path, most: float, keep_seconds: float) -> None:
        self.path = path
        self.expected = Expectation(most)
        self._most = most
        self._keep_seconds = keep_seconds
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, str] = {}
        self._written: dict[str, float] = {}

    def __iter__(self) -> Iterator[Job]:
        """Yields all jobs."""
        return iter(tuple(self._jobs.values()))

    def __len__(self) -> int:
        """Returns the number of jobs."""
        return len(self._jobs)

    def get(self, id: str) -> Job | None:
        """Returns a job; None if there is none of this id."""
        return self._jobs.get(id)

    def by_key(self, key: str) -> Job | None:
        """Returns the job that was made with an idempotency key, given as its hash."""
        return self._jobs.get(self._keys.get(key, ""))

    @property
    def bytes(self) -> int:
        """What all jobs have written, as far as it is known."""
        return sum(job.bytes for job in self)

    def add(self, job: Job) -> None:
        """Adds a job and writes it down. Raises Mono3DError when it cannot be written."""
        records.write(job.folder.path, job.record())
        self._put(job)

    def keep(self, job: Job) -> None:
        """Writes down what has changed of a job."""
        if self._jobs.get(job.id) is not job:
            return
        try:
            records.write(job.folder.path, job.record())
            self._written[job.id] = job.last_change
        except Mono3DError as error:
            # The job itself goes on; only a restart would not know of the change.
            _LOG.error("job %s cannot be written down: %s", job.short, error)

    def keep_touched(self) -> None:
        """Writes down the jobs that were used since they were written."""
        for job in self:
            if job.is_over and job.last_change > self._written.get(job.id, 0.0):
                self.keep(job)

    def remove(self, job: Job) -> None:
        """Forgets a job and releases its folder."""
        if self._jobs.pop(job.id, None) is None:
            return
        self._written.pop(job.id, None)
        self._keys.pop(job.key, None)
        # First, for a folder that is removed only in part must not be taken for a job.
        (job.folder.path / records.NAME).unlink(missing_ok=True)
        job.folder.release()

    def measure(self, job: Job) -> None:
        """Counts what a job has written. May run in any thread."""
        job.bytes = size_of(job.folder.path)

    def expired(self) -> list[Job]:
        """Returns the jobs whose time is over, and those that are too many."""
        now = time.time()
        found = [job for job in self if job.is_over and now - job.last_change > self._keep_seconds]
        too_many = max(len(self) - len(found) - MOST_KEPT, 0)
        return found + list(itertools.islice(leaving([job for job in self if job not in found]), too_many))

    def surplus(self, needed: float = 0.0, besides: Job | None = None) -> list[Job]:
        """Returns the jobs that must leave before `needed` further bytes fit; never `besides`."""
        short = max(self._used() + needed - self._most, needed - self._free())
        found: list[Job] = []
        for job in leaving([job for job in self if job is not besides]):
            if short <= 0.0:
                break
            found.append(job)
            short -= job.bytes
        return found

    def lacks(self, needed: float, besides: Job | None = None) -> bool:
        """Returns whether `needed` bytes do not fit even if all finished jobs leave."""
        waiting = [job for job in self if not job.is_over and job is not besides]
        can_leave = sum(job.bytes for job in self if job.is_over and job is not besides)
        is_claimed = bool(waiting) and len(waiting) * self.expected.bytes + needed > self._most
        return is_claimed or needed > self._free() + can_leave

    def found(self) -> list[Job]:
        """Takes over the jobs that an earlier server wrote down, in the order of their uploads, and removes the rest.

        Those that are not over have no work yet.
        """
        jobs = []
        for path in self.path.iterdir():
            try:
                job = Job.of(records.read(path), SharedFolder(path))
            except Mono3DError as error:
                if (path / records.NAME).exists():
                    _LOG.error("a job of an earlier server is lost: %s", error)
                shutil.rmtree(path, ignore_errors=True)
                continue
            if not _is_sound(job):
                _LOG.error("job %s of an earlier server is lost: its files are incomplete", job.short)
                shutil.rmtree(path, ignore_errors=True)
                continue
            for folder in path.iterdir():
                is_current = job.whole is not None and folder == job.whole.folder.path
                if _REVISION.fullmatch(folder.name) and not is_current:
                    shutil.rmtree(folder, ignore_errors=True)
            self.measure(job)
            self._put(job)
            self._written[job.id] = job.last_change
            if job.state == "done":
                self.expected.note(job.bytes)
            jobs.append(job)
        return sorted(jobs, key=lambda job: job.made)

    def _put(self, job: Job) -> None:
        self._jobs[job.id] = job
        if job.key:
            self._keys[job.key] = job.id

    def _used(self) -> float:
        """Returns the bytes of all jobs; one that has not ended counts with what it is expected to write."""
        guess = self.expected.bytes
        return sum(job.bytes if job.is_over else max(job.bytes, guess) for job in self)

    def _free(self) -> int:
        return shutil.disk_usage(self.path).free


def _is_sound(job: Job) -> bool:
    """Returns whether the files that a job needs are there."""
    if job.whole is not None:
        return (job.whole.folder.path / VIEW).is_file()
    return job.is_over or job.photo.is_file()
