# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events that report each change of jobs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from .jobs import Job
from .service import Service

_STILL_HERE = 15.0
_SHORTEST = 0.04
"""Seconds until a silent stream sends a keep-alive comment, and least seconds between two events."""


async def events(service: Service, jobs: Sequence[Job], gone: Sequence[str] = ()) -> AsyncIterator[str]:
    """Yields the status of each job, and again at each change, until all jobs or the server end.

    gone  ids of jobs that do not exist; each gets an event named "gone"
    """
    for id in gone:
        yield f"event: gone\ndata: {json.dumps({'id': id})}\n\n"
    changed = asyncio.Event()
    last: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as watching:
        for job in jobs:
            watching.enter_context(job.watched(changed))
        while True:
            changed.clear()
            # Seen before the statuses are sent, so that the end of a job is not missed.
            is_over = all(job.is_over for job in jobs) or service.is_closing
            for job in jobs:
                status = service.status(job)
                known = {name: value for name, value in status.items() if name not in ("elapsed", "expires")}
                if known != last.get(job.id):
                    last[job.id] = known
                    yield f"data: {json.dumps(status, allow_nan=False)}\n\n"
            if is_over:
                return
            try:
                await asyncio.wait_for(changed.wait(), _STILL_HERE)
            except TimeoutError:
                yield ": still here\n\n"
            else:
                # Merge rapid changes into one event, but report the end of a job at once.
                if not any(job.is_over and last[job.id]["state"] != job.state for job in jobs):
                    await asyncio.sleep(_SHORTEST)
