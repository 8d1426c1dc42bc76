# SPDX-License-Identifier: GPL-3.0-or-later
"""Results side by side in one folder, called as the photos are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..settings import Settings
from .finished import FinishedPhotos
from .photos import PhotoTask
from .placement import move_into_place, photo_keys
from .report import Record
from .results import Begun
from .target import Target


class FolderResults:
    """The results of photos in a target's folder; satisfies `results.Results`.

    settings       of the run
    weights        hash of the network's weights, see `FinishedPhotos.made_from`
    photos         all photos of the whole run, none of which a result may replace
    skip_existing  whether photos are left out whose results are all there
    known          what is known of earlier results in the folder; None: nothing yet
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        weights: str = "",
        photos: Iterable[PhotoTask] = (),
        *,
        skip_existing: bool = False,
        known: FinishedPhotos | None = None,
    ) -> None:
        self._target = target
        self._settings = settings
        self._weights = weights
        self._photos = photo_keys(photos)
        self._skip_existing = skip_existing
        self._known = known or FinishedPhotos(target.folder)

    @property
    def staging(self) -> Path | None:
        """The target's folder."""
        return self._target.folder

    @property
    def compress(self) -> str:
        """The target's."""
        return self._target.compress

    def is_to_do(self, task: PhotoTask) -> bool:
        """Returns whether a photo is to be done: it can be, and its results are not all there if that counts."""
        if task.problem or not self._skip_existing:
            return not task.problem
        return not is_done(task, self._settings, self._target, self._weights, self._known)

    def begin(self, task: PhotoTask) -> Begun | Record:
        """Returns the photo that is to be done, or the record of one that is not to be."""
        if task.problem:
            return Record(task.address, "failed", task.problem)
        if not self.is_to_do(task):
            return Record(task.address, "skipped", "All its results already exist.")
        source = self._known.made_from(task.path, self._settings, self._weights, self.compress)
        return Begun(task.path.absolute(), task.name, source)

    def ahead(self, task: PhotoTask) -> Path | None:
        """Returns the file of a photo that is to be done soon."""
        return task.path.absolute() if self.is_to_do(task) else None

    def files(self, task: PhotoTask, begun: Begun, folder: Path) -> dict[str, Path]:
        """Returns the path of each format's file in `folder`."""
        return self._target.files(task, folder)

    def place(self, task: PhotoTask, begun: Begun, staging: Path, record: Record) -> Record:
        """Moves all files to the folder. Raises Mono3DError if one would replace a photo or a folder."""
        files = move_into_place(staging, self._target.folder, self._photos)
        if begun.source is not None:
            self._known.remember(self._target.label(task), begun.source, files)
        return replace(record, files=[str(path) for path in files])

    def fail(self, task: PhotoTask, begun: Begun, record: Record | None) -> None:
        """Does nothing: a repetition tries the photo again."""


def is_done(task: PhotoTask, settings: Settings, target: Target, weights: str, known: FinishedPhotos) -> bool:
    """Returns whether all results of a photo exist, made from the same photo, settings and weights."""
    files = target.files(task).values()
    if not all(path.is_file() for path in files):
        return False
    source = known.made_from(task.path, settings, weights, target.compress)
    return known.is_finished(target.label(task), source, files)
