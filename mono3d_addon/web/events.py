# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-sent events that report each change of a job."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from .jobs import Job
from .service import Service

_STILL_HERE = 15.0
_SHORTEST = 0.04
"""Seconds until a silent stream sends a keep-alive comment, and least seconds between two events."""


async def events(service: Service, job: Job) -> AsyncIterator[str]:
    """Yields the job's status, and again at each change, until the job or the server ends."""
    with job.watched() as changed:
        last: dict[str, Any] = {}
        while True:
            changed.clear()
            status = service.status(job)
            known = {name: value for name, value in status.items() if name not in ("elapsed", "expires")}
            if known != last:
                last = known
                yield f"data: {json.dumps(status, allow_nan=False)}\n\n"
            if job.is_over or service.is_closing:
                return
            try:
                await asyncio.wait_for(changed.wait(), _STILL_HERE)
            except TimeoutError:
                yield ": still here\n\n"
            else:
                # Merge rapid changes into one event, but report the end of a job at once.
                if not job.is_over:
                    await asyncio.sleep(_SHORTEST)
