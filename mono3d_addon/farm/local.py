# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner `local`: all photos, or a shard of them, on this computer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..equipping import Place
from ..run.journal import Journal, Known
from ..run.placement import clear
from ..run.plan import PlannedPhoto, photos_of
from ..run.report import Record
from ..run.shards import parsed
from ..run.stores import FOLDER, store_of
from .crew import work_on
from .progress import BatchDisplay
from .work import Work


def run_here(work: Work, place: Place) -> bool:
    """Does the photos of the work's shard that are neither done nor failed; returns whether none has failed."""
    store = store_of(work.output)
    store.prepare()
    for folder in (store.folder / FOLDER, store.folder) if store.folder else (Path(tempfile.gettempdir()),):
        clear(folder)
    shard, plan = work.options.shard, work.plan
    known = Known(store, plan.key, shard)
    count = plan.photos // (parsed(shard)[1] if shard else 1)
    display = BatchDisplay(count)

    def to_do() -> Iterator[PlannedPhoto]:
        for photo in photos_of(store, plan, shard):
            status = known.status(photo)
            if status == "done" or (status == "failed" and not work.options.retry_failed):
                display.skipped(status)
            else:
                yield photo

    journal = Journal(store, plan.key, shard)

    def note(photo: PlannedPhoto, record: Record) -> None:
        journal.append(photo, record)

    try:
        work_on(work, place, to_do(), note, display, count)
    finally:
        try:
            journal.close()
        finally:
            display.close()
    return display.failed == 0
