# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's state while it is registered.

Operators change it and panels only read it, so that drawing computes nothing.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .texts import filled

if TYPE_CHECKING:
    from ..core.claimed_folder import ClaimedFolder
    from ..depth.model import Model
    from ..worker.runner import Job, Runner
    from .installing.installation import Wish
    from .view_change import Change

_LINE = 34
"""Characters per line of the sidebar at its default width."""


class ModelLine(NamedTuple):
    """What a panel shows of a model.

    lines       its state, size, speed and licence, in words
    columns     what a wide list shows: state and size, speed, what it gives, accuracy, licence
    action      the label of the button that gets its weights; empty: no button
    get         the label of the button that gets all that is missing and generates; empty: nothing can be got
    is_ready    whether it can be used now
    is_damaged  whether its weights are there, but damaged
    """

    lines: tuple[str, ...]
    columns: tuple[str, ...] = ()
    action: str = ""
    get: str = ""
    is_ready: bool = True
    is_damaged: bool = False


class NextStep(NamedTuple):
    """What a panel shows of a better model after the first result: lines, and the model's name."""

    lines: tuple[str, ...]
    model: str


class Offer(NamedTuple):
    """What a panel shows of packages that can be installed.

    size     of the download or on disk, in words; empty while it is not known
    plan     lines about the packages, their sizes and the folder; or about why they cannot be installed
    problem  whether they cannot be installed on this machine
    bytes    of the download; 0: not known, or nothing is to be downloaded
    """

    size: str = ""
    plan: tuple[str, ...] = ()
    problem: bool = False
    bytes: int = 0


class PhotoLine(NamedTuple):
    """What a panel shows of a photo or its depth: the id of an icon, lines about it, or the problem with it.

    `longer` and `shorter` are the sides of a photo in pixels.
    """

    icon: int = 0
    lines: tuple[str, ...] = ()
    camera: str = ""
    problem: str = ""
    longer: int = 0
    shorter: int = 0


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
    def elapsed(self) -> float: ...  # noqa: D102

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

    def forget(self, owner: Any) -> None:
        """Drops the pending change of an object."""
        ...

    def close(self) -> None:
        """Drops all pending changes."""
        ...


@dataclass(eq=False, repr=False)  # skipping these methods saves a millisecond of Blender's start
class State:
    """Everything that panels show and operators share.

    checked       whether the installation has been checked; before that, panels show nothing
    offer         packages that can be installed; None if they are installed, or this edition has no installer
    lacking       what to do for a choice that needs packages, a few words; empty if they are installed
    installed     lines about the installed packages: versions, backend, size, place
    update        whether the installed packages are outdated
    models        every model by name, those that are on this computer first
    sentences     sentences about the last job
    messages      the same in lines that fit the sidebar
    headline      how many of these lines are the first sentence
    failed        whether the last job failed, at least in part
    status        what the add-on shows in Blender's status bar; empty for nothing
    data_folder   folder of packages, weights and logs
    worker        the runner for photos, kept between jobs
    worker_made   the user's defaults and the packages with which it was made
    run           photos being processed
    reshaping     objects being reshaped
    began         `time.monotonic()` at the start of the run
    lap_began     `time.monotonic()` at the start of the current photo
    waiting       message about a finished result that cannot be built yet; empty: there is none
    expected      expected seconds of the run; None if unknown
    usual         usual seconds of a photo with the present settings; None if unknown
    describer     the runner that reads photos for their description
    describer_made  the packages with which it was made
    describing    the photo being described: its key, the job, and the file for its thumbnail
    photos        descriptions of photos, by key
    depth         the last depth that was shown
    depth_of      name of its photo
    depth_images  names of the images that show it
    previews      Blender's collection of preview icons
    scratch       claimed folder for temporary files; see `temporary`
    timers        Blender's timers of running modal operators
    planning      the installation being planned
    planned       the wish of the offer, or of the installation being planned
    view_changes  what results changed in 3D views; see `views`
    decoded       .npy files with pixels of pictures, by their path, size and time of change; see `photos.pixels`
    installation  packages being installed or removed
    download      weights being downloaded
    then          what to do after an installation or a download that succeeds
    next_step     a better model that is offered after the first result; None: none is
    """

    checked: bool = False
    offer: Offer | None = None
    lacking: str = ""
    installed: tuple[str, ...] = ()
    update: bool = False
    models: Mapping[str, ModelLine] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    headline: int = 0
    failed: bool = False
    status: str = ""
    data_folder: Path = field(default_factory=Path)
    worker: Runner | None = None
    worker_made: tuple[Any, ...] = ()
    run: Run | None = None
    reshaping: Reshaping | None = None
    began: float = 0.0
    lap_began: float = 0.0
    waiting: str = ""
    expected: float | None = None
    usual: float | None = None
    describer: Runner | None = None
    describer_made: tuple[Path, ...] = ()
    describing: tuple[str, Job, Path] | None = None
    photos: dict[str, PhotoLine] = field(default_factory=dict)
    depth: PhotoLine | None = None
    depth_of: str = ""
    depth_images: tuple[str, ...] = ()
    previews: Any = None
    scratch: ClaimedFolder | None = None
    timers: list[Any] = field(default_factory=list)
    planning: Planning | None = None
    planned: Wish | None = None
    view_changes: list[Change] = field(default_factory=list)
    decoded: dict[tuple[str, int, int], Path] = field(default_factory=dict)
    installation: Background | None = None
    download: Download | None = None
    then: Callable[[], None] | None = None
    next_step: NextStep | None = None

    def go_on(self) -> None:
        """Does what is to be done after an installation or a download that has succeeded."""
        then, self.then = self.then, None
        if then is not None:
            then()

    def say(self, *sentences: str, failed: bool = False) -> None:
        """Sets the messages shown to the user, translated and wrapped to the sidebar."""
        self.sentences = tuple(filled(line) for one in sentences for line in one.splitlines())
        self.messages = wrapped(*self.sentences)
        self.headline = len(wrapped(*self.sentences[: len(sentences[0].splitlines()) if sentences else 0]))
        self.failed = failed

    def start(self, run: Run, expected: float | None) -> None:
        """Stores the run and the time of its start."""
        self.run, self.expected = run, expected
        self.began = self.lap_began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self.began

    def lap(self) -> float:
        """Returns the seconds of the current photo and starts counting those of the next one."""
        before, self.lap_began = self.lap_began, time.monotonic()
        return self.lap_began - before

    @property
    def is_bare(self) -> bool:
        """Whether jobs run without packages."""
        return bool(self.lacking)

    def forget_worker(self) -> None:
        """Stops the runner for photos, and with it a running job."""
        if self.worker is not None:
            self.worker.stop()
        self.worker = None

    def forget_describer(self) -> None:
        """Stops the runner that describes photos, and with it a running job."""
        if self.describer is not None:
            self.describer.stop()
        self.describer = self.describing = None

    def forget_runners(self) -> None:
        """Stops both."""
        self.forget_worker()
        self.forget_describer()

    def close(self) -> None:
        """Stops everything that is running."""
        if self.run is not None:
            self.run.cancel()
        if self.installation is not None:
            self.installation.cancel()
        if self.download is not None:
            self.download.cancel()
        if self.reshaping is not None:
            self.reshaping.close()
        self.forget_runners()
        self.run = self.reshaping = self.installation = self.download = None
        if self.scratch is not None:
            self.scratch.remove()
        self.scratch = None


def wrapped(*sentences: str, width: int = _LINE) -> tuple[str, ...]:
    """Returns the sentences in lines that fit the sidebar, or have `width` letters; their line breaks are kept."""
    lines = [line for sentence in sentences for line in sentence.splitlines()]
    return tuple(part for line in lines for part in textwrap.wrap(line.strip(), width))


current = State()


def reset() -> None:
    """Stops everything that is running and resets the state."""
    current.close()
    current.__dict__.update(State().__dict__)
