# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of the place where its results go: whether a photo is done, and to take the files of one that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ..core.claimed_folder import ClaimedFolder
from .report import Record


class Task(Protocol):
    """A photo to process."""

    @property
    def address(self) -> str:
        """Where it is, in words for the user and the report."""
        ...


class Unreadable(OSError):
    """A photo cannot be fetched or read; its text says why."""


@dataclass(frozen=True)
class Begun:
    """A photo that is to be done.

    photo    its file on this computer
    name     what its results are called, without their endings
    source   what they are made from, see `Digests.made_from`; None: the photo cannot be read
    fetched  a folder of its own that holds the file; None: the file is the user's
    """

    photo: Path
    name: str
    source: Mapping[str, str] | None
    fetched: ClaimedFolder | None = None


AnyTask = TypeVar("AnyTask", bound=Task)
SomeTask = TypeVar("SomeTask", bound=Task, contravariant=True)


class Results(Protocol[SomeTask]):
    """Where the results of a run go. `begin`, `ahead` and `place` may be called from any thread."""

    @property
    def staging(self) -> Path | None:
        """The folder in which those for new files are made, so that these are only renamed; None: the system's."""
        ...

    @property
    def compress(self) -> str:
        """How the geometry of the files is stored, one of `settings.COMPRESS`."""
        ...

    def begin(self, task: SomeTask) -> Begun | Record:
        """Returns the photo that is to be done, or the record of one that is not to be.

        Raises Mono3DError or Unreadable if it cannot be got.
        """
        ...

    def ahead(self, task: SomeTask) -> Path | None:
        """Returns the file of a photo that is to be done soon; None if it is not to be done or not here yet."""
        ...

    def files(self, task: SomeTask, begun: Begun, folder: Path) -> dict[str, Path]:
        """Returns the path of each format's file in `folder`, also of formats that are pictures of the result."""
        ...

    def place(self, task: SomeTask, begun: Begun, staging: Path, record: Record) -> Record:
        """Moves all files of `staging` to their place and returns the record with them.

        Raises Mono3DError or OSError if that fails; then nothing counts as done.
        """
        ...

    def fail(self, task: SomeTask, begun: Begun, record: Record | None) -> None:
        """Takes note that a photo has failed for good; None: the run ends before it is done."""
        ...
