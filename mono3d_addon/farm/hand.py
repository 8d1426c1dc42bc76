# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process on a machine of a cluster does for a batch: it keeps warm workers and gets addresses of photos."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .. import environment
from ..equipping import Place
from ..run.plan import PlannedPhoto
from ..run.report import Record
from .crew import Crew
from .work import Work


class Hand:
    """Does parts of a batch one after the other. The packages, weights and cache are those of its machine."""

    def __init__(self, work: Work, threads: int) -> None:
        # A cluster says how many processors a process may use; the workers share these.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._work = work
        self._crew: Crew | None = None

    def ready(self) -> None:
        """Raises Mono3DError if this machine lacks packages or weights, or has another version than the plan."""
        folder = self._work.options.data_folder
        place = Place(environment.data_folder(folder, None))
        # As many workers as were asked for, however few the photos are.
        self._crew = Crew(self._work, place, self._work.plan.photos + self._work.options.jobs, stays_warm=True)

    def do(self, photos: Sequence[PlannedPhoto]) -> list[Record]:
        """Returns the records of photos, in their order. Raises Mono3DError or OSError if none can be done here."""
        assert self._crew is not None, "it is ready"
        records: list[Record] = []
        self._crew.do(photos, lambda photo, record: records.append(record), Silent())
        return records


class Silent:
    """Shows nothing: the command that has started the batch does."""

    def progress(self, task: PlannedPhoto, stage: str, fraction: float) -> None:
        """Does nothing."""

    def finished(self, task: PlannedPhoto, record: Record) -> None:
        """Does nothing."""
