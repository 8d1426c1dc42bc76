# SPDX-License-Identifier: GPL-3.0-or-later
"""Which results leave when room is needed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence

from .jobs import Job

_FIRST_GUESS = 100e6
"""Bytes that a job is expected to write, before the server has seen one."""

_SEEN = 20


class Expectation:
    """How many bytes a job is expected to write, from what the last ones have written; `most` is the whole room."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._seen: deque[int] = deque(maxlen=_SEEN)

    def note(self, size: int) -> None:
        """Notes what a job has written."""
        self._seen.append(size)

    @property
    def bytes(self) -> float:
        """The largest of the last jobs; at most a quarter of the room, so that a small room holds some."""
        return min(max(self._seen, default=_FIRST_GUESS), self._most / 4.0)


def leaving(jobs: Sequence[Job]) -> Iterator[Job]:
    """Yields the finished jobs in the order in which they make room for others.

    The visitor whose jobs take the most room loses the oldest one first, so that nobody drives out the results of
    others by sending much.
    """
    taken: Counter[str] = Counter()
    for job in jobs:
        taken[job.owner] += job.bytes
    over: dict[str, deque[Job]] = {}
    for job in sorted((job for job in jobs if job.is_over), key=lambda job: job.last_change):
        over.setdefault(job.owner, deque()).append(job)
    while over:
        owner = max(over, key=lambda name: (taken[name], -over[name][0].last_change))
        job = over[owner].popleft()
        if not over[owner]:
            del over[owner]
        taken[owner] -= job.bytes
        yield job
