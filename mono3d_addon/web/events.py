# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events that report each change of jobs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from .jobs import Job
from .service import Service
from .shares import id_of

_STILL_HERE = 15.0
_SHORTEST = 0.04
"""Seconds until a silent stream sends a keep-alive comment, and least seconds between two events."""


Seen = tuple[Job, str]
"""A job, and the id of the share by which it is seen; empty: its own."""


async def events(service: Service, jobs: Mapping[str, Seen], gone: Sequence[str] = ()) -> AsyncIterator[str]:
    """Yields the status of each job, and again at each change, until all jobs or the server end.

    jobs  those that the visitor sees, by the ids that the visitor knows
    gone  ids of jobs that do not exist; each gets an event named "gone", and so does one that is not shared any more
    """
    for id in gone:
        yield _gone(id)
    seen = dict(jobs)
    changed = asyncio.Event()
    last: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as watching:
        for job, _ in jobs.values():
            watching.enter_context(job.watched(changed))
        while True:
            changed.clear()
            for id in [id for id, (job, share) in seen.items() if share and id_of(job.share) != share]:
                del seen[id]
                yield _gone(id)
            # Seen before the statuses are sent, so that the end of a job is not missed.
            is_over = all(job.is_over for job, _ in seen.values()) or service.is_closing
            for id, (job, share) in seen.items():
                status = service.status(job, share)
                known = {name: value for name, value in status.items() if name not in ("elapsed", "expires")}
                if known != last.get(id):
                    last[id] = known
                    yield f"data: {json.dumps(status, allow_nan=False)}\n\n"
            if is_over:
                return
            try:
                await asyncio.wait_for(changed.wait(), _STILL_HERE)
            except TimeoutError:
                yield ": still here\n\n"
            else:
                # Merge rapid changes into one event, but report the end of a job at once.
                if not any(job.is_over and last[id]["state"] != job.state for id, (job, _) in seen.items()):
                    await asyncio.sleep(_SHORTEST)


def _gone(id: str) -> str:
    return f"event: gone\ndata: {json.dumps({'id': id})}\n\n"
