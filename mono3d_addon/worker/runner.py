# SPDX-License-Identifier: GPL-3.0-or-later
"""Protocols of what does the work: a runner takes requests and returns a job for each.

`client.Worker` runs them in a child process on this computer; other runners may send them elsewhere. Command line, web
server and Blender are given runners and never depend on a particular one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from ..core.stages import Progress

State = Literal["running", "done", "failed", "cancelled"]


class Job(Protocol):
    """A submitted request.

    state     "running" until it ends
    stage     current stage, in words for the user
    fraction  completed share of the whole, 0..1
    result    the task's result once the state is "done"
    error     the sentence for the user once the state is "failed"
    """

    @property
    def state(self) -> State: ...  # noqa: D102

    @property
    def stage(self) -> str: ...  # noqa: D102

    @property
    def fraction(self) -> float: ...  # noqa: D102

    @property
    def result(self) -> dict[str, Any]: ...  # noqa: D102

    @property
    def error(self) -> str: ...  # noqa: D102

    def poll(self) -> bool:
        """Returns whether the job is still running; never blocks."""
        ...

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        """Waits for the result and returns it. Raises Mono3DError when the job failed, Cancelled when it was stopped.

        Raises WorkerDied, a Mono3DError, when the runner's process has ended. A keyboard interrupt cancels the job.
        """
        ...

    def cancel(self) -> None:
        """Stops the job at once, together with its runner's process. Does nothing when the job has ended."""
        ...

    def supersede(self) -> None:
        """Cancels the job but keeps the runner's process, which abandons the job at its next progress report."""
        ...

    def wait_until_left(self, seconds: float) -> bool:
        """Waits until the runner has finished or abandoned the job; returns False after `seconds` without that."""
        ...


class Runner(Protocol):
    """Runs the tasks of `protocol.TASKS`, one at a time, and keeps its networks loaded between them."""

    @property
    def alive(self) -> bool:
        """Whether it is running."""
        ...

    @property
    def process_id(self) -> int | None:
        """The id of its process on this computer; None if it has none."""
        ...

    @property
    def log(self) -> Path:
        """The file that receives what it prints."""
        ...

    def start(self) -> None:
        """Starts it, if it is not running; it loads its libraries in the background.

        Raises Mono3DError when it cannot be started.
        """
        ...

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Starts a request and returns its job. Raises Mono3DError when the runner is busy or cannot start."""
        ...

    def forget(self, key: str) -> None:
        """Drops the photo kept in memory as `key`, after the jobs submitted before."""
        ...

    def stop(self) -> None:
        """Stops it within a second, with any running job; the next request starts it again."""
        ...


class Runners(Protocol):
    """Makes the runners that a program needs; none of them is started yet."""

    def for_photos(self, name: str) -> Runner:
        """Returns a runner for the tasks of photos; `name` tells several apart, such as in the names of logs."""
        ...

    def for_scenes(self, idle_seconds: float = 0.0) -> Runner:
        """Returns a runner that writes .blend files; it ends after `idle_seconds` idle, 0: never."""
        ...
