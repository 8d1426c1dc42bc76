# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on knows while it is registered: the one place for it.

Operators change it, panels only read it, so that drawing computes nothing.
"""

from __future__ import annotations

import shutil
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..depth.catalogue import Model
    from ..worker.runner import Job, Runner

_LINE = 34
"""Characters of a sidebar's line at its usual width."""


class ModelLine(NamedTuple):
    """What a panel shows of a model: its state in words, and what the button offers (empty: no button)."""

    text: str
    action: str = ""


class PhotoLine(NamedTuple):
    """What a panel shows of a photo or of its depth: the number of an icon and lines about it; or what is wrong."""

    icon: int = 0
    lines: tuple[str, ...] = ()
    camera: str = ""
    problem: str = ""


class Work(Protocol):
    """What operators and panels use of work in progress; the classes themselves are not imported here."""

    @property
    def stage(self) -> str: ...  # noqa: D102

    @property
    def fraction(self) -> float: ...  # noqa: D102

    @property
    def running(self) -> bool: ...  # noqa: D102

    @property
    def cancelled(self) -> bool: ...  # noqa: D102

    def cancel(self) -> None:
        """Stops the work."""
        ...


class Background(Work, Protocol):
    """Work in a thread; see `background.Background`."""

    @property
    def can_be_cancelled(self) -> bool: ...  # noqa: D102

    @property
    def error(self) -> str: ...  # noqa: D102

    def wait(self) -> None:
        """Waits for the end."""
        ...


class Planning(Background, Protocol):
    """Planning an installation; see `installation.Planning`."""

    @property
    def plans(self) -> Sequence[Any]: ...  # noqa: D102


class Download(Background, Protocol):
    """The download of a model's weights; see `weights_download.WeightsDownload`."""

    @property
    def model(self) -> Model: ...  # noqa: D102


class Run(Work, Protocol):
    """Photos being processed; see `jobs.Run`."""

    @property
    def photo(self) -> Path: ...  # noqa: D102

    @property
    def has_result(self) -> bool: ...  # noqa: D102

    @property
    def failures(self) -> Sequence[str]: ...  # noqa: D102

    def advance(self, build: Callable[[Path], None]) -> None:
        """Builds a finished result and starts the next photo, without waiting."""
        ...

    def finish(self, build: Callable[[Path], None]) -> None:
        """Waits for all photos and builds their results."""
        ...


class Reshaping(Protocol):
    """Objects being reshaped; see `reshape.Reshaping`."""

    def release_worker(self) -> None:
        """Frees the worker for another job."""
        ...

    def close(self) -> None:
        """Drops all pending changes."""
        ...


@dataclass(eq=False, repr=False)  # what is not generated saves a millisecond of Blender's start
class State:
    """Everything that panels show and operators share.

    checked       whether the installation was looked at; until then a panel offers nothing
    setup         lines that say what must be installed; empty when all is there
    installed     lines about the installed packages: versions, backend, size, place
    update        whether other packages than those would be installed today
    models        the state of every model's weights, by name
    messages      lines about the last job, newest last
    failed        whether the last job failed, in part at least
    data_folder   where packages, weights and logs are
    worker        the worker process, kept between jobs
    worker_habits what the worker was started with
    run           photos being worked on
    reshaping     objects being reshaped
    began         `time.monotonic()` when they were handed over
    lap_began     the same of the photo in work
    waiting       what is shown of a result that waits until the user has finished what is at hand; empty: none waits
    expected      seconds that they take usually; None where it is not known
    describer     the process that reads photos for their description
    describing    a photo being looked at: what tells it from others, the job, and where its thumbnail comes
    photos        what is known of photos, by what tells them apart
    depth         the depth that was shown last
    depth_of      the photo whose depth that is
    depth_images  the names of the images that show it
    previews      Blender's collection of small pictures
    scratch       folder for temporary files
    timers        Blender's timers by which operators follow their work
    planning      what must be installed is being found out
    installation  packages being installed or removed
    download      weights being downloaded
    """

    checked: bool = False
    setup: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    update: bool = False
    models: Mapping[str, ModelLine] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    failed: bool = False
    data_folder: Path = field(default_factory=Path)
    worker: Runner | None = None
    worker_habits: Any = None
    run: Run | None = None
    reshaping: Reshaping | None = None
    began: float = 0.0
    lap_began: float = 0.0
    waiting: str = ""
    expected: float | None = None
    describer: Runner | None = None
    describing: tuple[str, Job, Path] | None = None
    photos: dict[str, PhotoLine] = field(default_factory=dict)
    depth: PhotoLine | None = None
    depth_of: str = ""
    depth_images: tuple[str, ...] = ()
    previews: Any = None
    scratch: Path | None = None
    timers: list[Any] = field(default_factory=list)
    planning: Planning | None = None
    installation: Background | None = None
    download: Download | None = None

    def say(self, *sentences: str, failed: bool = False) -> None:
        """Shows sentences to the user, wrapped to the sidebar."""
        self.messages = wrapped(*sentences)
        self.failed = failed

    def start(self, run: Run, expected: float | None) -> None:
        """Keeps photos that are being worked on, and since when."""
        self.run, self.expected = run, expected
        self.began = self.lap_began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the photos were handed over."""
        return time.monotonic() - self.began

    def lap(self) -> float:
        """Returns the seconds that the photo in work took; those of the next one count from now."""
        before, self.lap_began = self.lap_began, time.monotonic()
        return self.lap_began - before

    def forget_worker(self) -> None:
        """Ends the worker processes, and with them a running job."""
        for worker in (self.worker, self.describer):
            if worker is not None:
                worker.stop()
        self.worker = self.describer = self.describing = None

    def close(self) -> None:
        """Ends whatever runs."""
        if self.run is not None:
            self.run.cancel()
        if self.installation is not None:
            self.installation.cancel()
        if self.download is not None:
            self.download.cancel()
        if self.reshaping is not None:
            self.reshaping.close()
        self.forget_worker()
        self.run = self.reshaping = self.installation = self.download = None
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch = None


def wrapped(*sentences: str) -> tuple[str, ...]:
    """Returns the sentences in lines that fit the sidebar; what has lines of its own keeps them."""
    lines = [line for sentence in sentences for line in sentence.splitlines()]
    return tuple(part for line in lines for part in textwrap.wrap(line.strip(), _LINE))


current = State()


def reset() -> None:
    """Ends whatever runs and starts anew."""
    current.close()
    current.__dict__.update(State().__dict__)
