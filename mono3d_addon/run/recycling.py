# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces a runner's process after so many photos, or when its memory grows: libraries may leak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import computer
from ..worker.runner import Job, Runner

_SETTLED = 20
"""Photos after which the memory of a process, its network loaded, tells what it needs."""
_GROWTH, _SPARE = 1.5, 512 * 2**20
"""A process that needs more than so many times what it needed when it had settled, and so many bytes, is replaced."""


class Recycled:
    """Submits to a runner, one photo at a time, and stops its process before the request that would be too many.

    `most` is the number of photos for a process; 0: any. The runner starts its next process by itself.
    """

    def __init__(self, runner: Runner, most: int) -> None:
        self._runner = runner
        self._most = most
        self._photos = 0
        self._process: int | None = None
        self._settled = 0

    def start(self) -> None:
        """Starts the runner."""
        self._runner.start()

    def stop(self) -> None:
        """Stops the runner."""
        self._runner.stop()

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Returns the job of a request, in a new process if the present one has done or taken enough."""
        if not self._most:
            return self._runner.submit(request)
        if self._is_due():
            self._runner.stop()
            self._photos = 0
        job = self._runner.submit(request)
        self._process = self._runner.process_id
        self._photos += 1
        return job

    def _is_due(self) -> bool:
        process = self._runner.process_id
        if process is None or process != self._process:
            # It has died, and its next one is new anyway.
            self._photos = 0
            return False
        bytes_now = computer.resident_memory(process) or 0
        if self._photos == _SETTLED:
            self._settled = bytes_now
        has_grown = self._photos > _SETTLED and bytes_now > _GROWTH * self._settled + _SPARE
        return self._photos >= self._most or has_grown
