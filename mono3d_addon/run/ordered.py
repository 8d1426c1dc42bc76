# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that a thread of the pool reconstructs: its folders, what it was made from, and when others may read it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.claimed_folder import ClaimedFolder
from .photos import PhotoTask
from .placement import PARTIAL, STAGING
from .report import Record

JOB = "mono3d-run-"
"""Start of the names of job folders in the folder for temporary files."""


@dataclass(frozen=True)
class Pixels:
    """The pixels of a photo's files that are handed over, in a folder of their own; or why there are none."""

    files: Mapping[str, str] = field(default_factory=dict)
    folder: ClaimedFolder | None = None
    failure: Record | None = None

    def clean(self) -> None:
        """Removes the folder."""
        if self.folder is not None:
            self.folder.remove()


@dataclass(frozen=True)
class Reconstructed:
    """The answer of the runner, and the folder with the exported files.

    `source` is what they were made from, see `FinishedPhotos.made_from`.
    """

    answer: dict[str, Any]
    staging: Path
    source: dict[str, str] | None


@dataclass(frozen=True)
class Folders:
    """The folders of a photo: `job` gets its reconstruction, `staging` its exported files."""

    job: ClaimedFolder
    staging: ClaimedFolder


@dataclass
class JobFiles:
    """The folders of a photo, from when they exist; `saved` is set once the reconstruction is there or failed."""

    folders: Folders | None = None
    saved: threading.Event = field(default_factory=threading.Event)

    def make(self, target: Path) -> Folders:
        """Returns new folders; the staging is in the `target` folder. Raises OSError if one cannot be created."""
        job = ClaimedFolder(JOB)
        try:
            self.folders = Folders(job, ClaimedFolder(STAGING, PARTIAL, target))
        except OSError:
            job.remove()
            raise
        return self.folders


@dataclass(frozen=True)
class Ordered:
    """A photo whose reconstruction a thread of the pool does or will do."""

    task: PhotoTask
    pixels: Pixels
    files: JobFiles
    future: Future[Reconstructed | Record]

    def __post_init__(self) -> None:
        self.future.add_done_callback(lambda _: self.files.saved.set())

    def saved(self) -> Folders | None:
        """Waits for the reconstruction and returns its folders; None if there is none."""
        self.files.saved.wait()
        has_failed = self.future.done() and isinstance(self.future.result(), Record)
        return None if has_failed else self.files.folders

    def clean(self) -> None:
        """Removes the folders; only when `future` has ended."""
        self.pixels.clean()
        if self.files.folders is not None:
            self.files.folders.job.remove()
            self.files.folders.staging.remove()
