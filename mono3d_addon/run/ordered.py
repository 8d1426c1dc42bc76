# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that a thread of the pool reconstructs: its folders, what it was made from, and when others may read it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from ..core.claimed_folder import ClaimedFolder
from .placement import PARTIAL, STAGING
from .report import Record
from .results import AnyTask, Begun

JOB = "mono3d-run-"
"""Start of the names of job folders in the folder for temporary files."""


@dataclass(frozen=True)
class Reconstructed:
    """The answer of the runner about a photo whose files are not in their place yet."""

    answer: dict[str, Any]
    begun: Begun


@dataclass(frozen=True)
class Folders:
    """The folders of a photo: `job` gets its reconstruction, `staging` its exported files."""

    job: ClaimedFolder
    staging: ClaimedFolder


@dataclass
class JobFiles:
    """What belongs to a photo while it is worked on, as far as it exists; `clean` removes it.

    begun    the photo's own file, if it was fetched
    decoded  the pixels that are handed over, by path, and their folder
    folders  for what is made; `saved` is set once the reconstruction is there or failed
    """

    begun: Begun | None = None
    decoded: Mapping[str, str] = field(default_factory=dict)
    pixels: ClaimedFolder | None = None
    folders: Folders | None = None
    saved: threading.Event = field(default_factory=threading.Event)

    def make(self, place: Path | None) -> Folders:
        """Returns new folders, the staging in `place` (None: the system's folder for temporary files).

        Removes earlier ones. Raises OSError if one cannot be created.
        """
        self._remove_folders()
        job = ClaimedFolder(JOB)
        try:
            self.folders = Folders(job, ClaimedFolder(STAGING, PARTIAL, place))
        except OSError:
            job.remove()
            raise
        return self.folders

    def clean(self) -> None:
        """Removes everything; may be called again."""
        if self.pixels is not None:
            self.pixels.remove()
        if self.begun is not None and self.begun.fetched is not None:
            self.begun.fetched.remove()
        self._remove_folders()

    def _remove_folders(self) -> None:
        folders, self.folders = self.folders, None
        if folders is not None:
            folders.job.remove()
            folders.staging.remove()


@dataclass(frozen=True)
class Ordered(Generic[AnyTask]):
    """A photo whose reconstruction a thread of the pool does or will do."""

    task: AnyTask
    files: JobFiles
    future: Future[Reconstructed | Record]

    def __post_init__(self) -> None:
        self.future.add_done_callback(lambda _: self.files.saved.set())

    def saved(self) -> Folders | None:
        """Waits for the reconstruction and returns its folders; None if there is none, or nothing left to do to it."""
        self.files.saved.wait()
        has_ended = self.future.done() and isinstance(self.future.result(), Record)
        return None if has_ended else self.files.folders
