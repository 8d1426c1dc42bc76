# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner `local`: all photos, or a shard of them, on this computer."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..equipping import Place
from ..run.placement import clear
from ..run.stores import FOLDER, store_of
from .books import books
from .crew import work_on
from .warm import WarmCrew
from .work import Work


def run_here(work: Work, place: Place) -> bool:
    """Does the photos of the work's shard that are neither done nor failed; returns whether none has failed."""
    store = store_of(work.output)
    store.prepare()
    for folder in (store.folder / FOLDER, store.folder) if store.folder else (Path(tempfile.gettempdir()),):
        clear(folder)
    with books(work) as kept:
        if work.options.warm:
            WarmCrew(work, place, work.options.warm).do(kept.photos, kept.note, kept.display)
        else:
            work_on(work, place, kept.photos, kept.note, kept.display, kept.count)
    return kept.display.failed == 0
