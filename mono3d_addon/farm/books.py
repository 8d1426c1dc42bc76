# SPDX-License-Identifier: GPL-3.0-or-later
"""What a runner keeps of a batch: which photos are left, the journal of those it does, and what the user sees."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from ..run.journal import Journal, Known
from ..run.plan import PlannedPhoto, photos_of
from ..run.report import Record
from ..run.shards import parsed
from ..run.stores import store_of
from .progress import BatchDisplay
from .work import Work


@dataclass(frozen=True)
class Books:
    """The photos of a work's shard that are neither done nor failed, and where their records go.

    photos   taken one by one
    count    about how many photos the shard has
    journal  for the one thread that does the work
    display  counts photos of earlier runs too
    """

    photos: Iterator[PlannedPhoto]
    count: int
    journal: Journal
    display: BatchDisplay

    def note(self, photo: PlannedPhoto, record: Record) -> None:
        """Writes the record of a photo that is done or has failed into the journal."""
        self.journal.append(photo, record)


@contextlib.contextmanager
def books(work: Work) -> Iterator[Books]:
    """Gives the books of a work, and closes them."""
    store, plan, options = store_of(work.output), work.plan, work.options
    known = Known(store, plan.key, options.shard)
    count = plan.photos // (parsed(options.shard)[1] if options.shard else 1)
    display = BatchDisplay(count)

    def to_do() -> Iterator[PlannedPhoto]:
        for photo in photos_of(store, plan, options.shard):
            status = known.status(photo)
            if status == "done" or (status == "failed" and not options.retry_failed):
                display.skipped(status)
            else:
                yield photo

    journal = Journal(store, plan.key, options.shard)
    try:
        yield Books(to_do(), count, journal, display)
    finally:
        try:
            journal.close()
        finally:
            display.close()
