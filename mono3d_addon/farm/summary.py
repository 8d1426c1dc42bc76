# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a batch is, and one report of it, from the journals of all that worked on it."""

from __future__ import annotations

import array
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from ..core.claimed_folder import ClaimedFolder
from ..core.files import atomic_write
from ..core.user_path import user_path
from ..run.journal import Entry, lines, number_of, place_in
from ..run.placement import PARTIAL, STAGING
from ..run.plan import Plan, photos_of
from ..run.stores import Store, is_address
from .progress import speed

REPORT = "report.json"
_LATELY = 300.0
"""Seconds for which the speed is measured: the last ones of the batch, by the photos' own times."""


@dataclass(frozen=True)
class Summary:
    """Numbers of photos, photos per second of late (0: nobody works on it), and the seconds for those left, if known.

    `seconds` is the time between the first photo and the last one. Of `photos` so many as `repeated` are named again.
    """

    photos: int
    done: int
    failed: int
    left: int
    photos_per_second: float
    seconds_left: float | None
    seconds: float
    repeated: int = 0

    def words(self) -> str:
        """Returns it in a sentence."""
        head = f"{self.photos:,} photos: {self.done:,} done, {self.failed:,} failed, {self.left:,} left"
        head += f", {self.repeated:,} named again" if self.repeated else ""
        return f"{head}; {speed(self.photos_per_second, self.left)}." if self.left else f"{head}."


def planned_photos(store: Store, plan: Plan) -> array.array[int]:
    """Returns the ids of the photos of a plan as sorted numbers, each once, though a list may name a photo twice."""
    numbers = sorted(number_of(photo.id) for photo in photos_of(store, plan))
    return array.array("Q", (number for number, _ in itertools.groupby(numbers)))


def newest(store: Store, plan: Plan, planned: array.array[int]) -> Iterator[tuple[Entry, bytes]]:
    """Yields the last line of each of the `planned` photos that is done or has failed.

    Those of an earlier plan do not count that have changed since, or are not planned any more.
    """
    seen = bytearray(len(planned))
    for entry, line in lines(store, plan.key):
        place = place_in(planned, entry.id)
        if place is not None and not seen[place]:
            seen[place] = True
            yield entry, line


class Tally:
    """Counts entries of so many `photos`, of which the plan names `repeated` again."""

    def __init__(self, photos: int, repeated: int) -> None:
        self._photos = photos
        self._repeated = repeated
        self._counts = {"done": 0, "failed": 0}
        self._first = self._last = 0.0
        self._late: list[float] = []

    def add(self, entry: Entry) -> None:
        """Counts the entry of a photo."""
        self._counts[entry.status] = self._counts.get(entry.status, 0) + 1
        self._first = min(self._first or entry.time, entry.time)
        self._last = max(self._last, entry.time)
        if entry.time >= self._last - _LATELY:
            self._late.append(entry.time)

    def summary(self, now: float) -> Summary:
        """Returns the numbers; `now` is the present time."""
        done, failed = self._counts["done"], self._counts["failed"]
        left = max(0, self._photos - done - failed)
        late = [when for when in self._late if when >= self._last - _LATELY]
        span = self._last - min(late, default=self._last)
        is_going_on = bool(left) and now - self._last < _LATELY
        rate = (len(late) - 1) / span if is_going_on and span > 0.0 else 0.0
        seconds = left / rate if rate else None
        everyone = self._photos + self._repeated
        return Summary(everyone, done, failed, left, rate, seconds, self._last - self._first, self._repeated)


def summary_of(store: Store, plan: Plan, now: float | None = None) -> Summary:
    """Returns how far a batch is; `now` is the present time, None: that of the clock."""
    planned = planned_photos(store, plan)
    tally = Tally(len(planned), plan.photos - len(planned))
    for entry, _ in newest(store, plan, planned):
        tally.add(entry)
    return tally.summary(time.time() if now is None else now)


def as_json(summary: Summary) -> str:
    """Returns the numbers as a JSON object."""
    return json.dumps(asdict(summary), indent=1)


def merge(store: Store, plan: Plan, report: str) -> Summary:
    """Writes one report, of the form of `run.report`, and returns the numbers in it.

    `report` is a file of this computer; empty: `REPORT` beside the results. A name that ends in .jsonl gets a line for
    each photo and no totals. Raises Mono3DError or OSError if it cannot be written.
    """
    is_lines = report.lower().endswith(".jsonl")
    if report:
        path = user_path(report)
        path.parent.mkdir(parents=True, exist_ok=True)
        writing: AbstractContextManager[Path] = atomic_write(path)
        with writing as beside, beside.open("wb") as file:
            return _write(store, plan, file, is_lines)
    staging = ClaimedFolder(STAGING, PARTIAL, store.folder)
    try:
        with (staging.path / REPORT).open("wb") as file:
            found = _write(store, plan, file, is_lines)
        store.put(REPORT, staging.path / REPORT)
        return found
    finally:
        staging.remove()


def place_of_report(output: str, report: str) -> str:
    """Returns where `merge` writes, in words."""
    return report or (f"{output.rstrip('/')}/{REPORT}" if is_address(output) else str(user_path(output) / REPORT))


def _write(store: Store, plan: Plan, file: IO[bytes], is_lines: bool) -> Summary:
    planned = planned_photos(store, plan)
    tally = Tally(len(planned), plan.photos - len(planned))
    file.write(b"" if is_lines else b'{"photos": [\n')
    for number, (entry, line) in enumerate(newest(store, plan, planned)):
        tally.add(entry)
        file.write((b"" if is_lines or not number else b",\n") + line + (b"\n" if is_lines else b""))
    found = tally.summary(time.time())
    if not is_lines:
        totals = {"mono3d": plan.version, "seconds": round(found.seconds, 3), "done": found.done}
        totals |= {"failed": found.failed, "skipped": 0, "left": found.left}
        file.write(b"\n],\n" + json.dumps(totals)[1:].encode("ascii") + b"\n")
    return found
