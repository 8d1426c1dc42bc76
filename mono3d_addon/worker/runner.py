# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody who wants work done is given: a runner that takes requests and a job for each of them.

`client.Worker` runs them in a child process on this computer; other runners send them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from ..core.stages import Progress

State = Literal["running", "done", "failed", "cancelled"]


class Job(Protocol):
    """One request on its way.

    state     "running" until it has ended, one way or another
    stage     what is done now, in words for the user
    fraction  how much of the whole is done, 0..1
    result    the task's answer once the state is "done"
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
        """Tells whether the job still runs; never blocks."""
        ...

    def wait(self, on_progress: Progress | None = None) -> dict[str, Any]:
        """Returns the result when there is one. Raises Mono3DError when the job failed, Cancelled when it was stopped.

        An interrupt from the keyboard cancels the job.
        """
        ...

    def cancel(self) -> None:
        """Stops the job at once, with whatever runs it. Does nothing to a job that has ended."""
        ...

    def supersede(self) -> None:
        """Discards the job without stopping what runs it, which leaves the job as soon as it can."""
        ...

    def wait_until_left(self, seconds: float) -> bool:
        """Waits at most this long until the job is no longer worked on; returns whether it is so."""
        ...


class Runner(Protocol):
    """Does the tasks of `protocol.TASKS`, one at a time, and keeps its networks loaded between them."""

    @property
    def alive(self) -> bool:
        """Whether it is started."""
        ...

    @property
    def log(self) -> Path:
        """The file with what it printed."""
        ...

    def start(self) -> None:
        """Gets ready, in the background, for the first request."""
        ...

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Returns the job of a request. Raises Mono3DError when the runner is busy or cannot start."""
        ...

    def forget(self, key: str) -> None:
        """Drops the photo that is kept in memory as `key` once the jobs before are over."""
        ...

    def stop(self) -> None:
        """Ends it, and with it a running job, within a second; the next request starts it again."""
        ...


MakeRunner = Callable[[int], Runner]
"""Returns the runner of that number, for who needs several."""
