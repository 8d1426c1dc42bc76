# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a batch, beside its results: a line of JSON for each photo that is done or has failed.

It saves the next run from asking for the record of each photo, and has what `status` and `merge` tell. The records say
what is done; a line that a killed run did not write any more is written by the next.

A run writes its lines into files of its own, of so many lines each, because addresses can only be written whole.
"""

from __future__ import annotations

import array
import bisect
import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .plan import PlannedPhoto
from .report import Record, as_row
from .stores import FOLDER, Store

_LINES = 250
_SECONDS = 2.0
_HEAD = re.compile(rb'\{"id": "([0-9a-f]{20})", "status": "(\w+)", "time": ([0-9.]+), ')


@dataclass(frozen=True)
class Entry:
    """The start of a line: the photo's id as a number, whether it is done or failed, and when, seconds since 1970."""

    id: int
    status: str
    time: float


class Journal:
    """Writes the journal of one run; for one thread. Lines are there within seconds, and all after `close`.

    key    name of the work, see `Plan.key`
    shard  such as "3/20"; empty: all photos
    """

    def __init__(self, store: Store, key: str, shard: str = "") -> None:
        self._store = store
        self._name = f"{_folder(key, shard)}/{time.time_ns() // 1_000_000:015}-{secrets.token_hex(4)}"
        self._part = 0
        self._lines: list[bytes] = []
        self._written = 0
        self._last = time.monotonic()

    def append(self, photo: PlannedPhoto, record: Record) -> None:
        """Adds the line of a photo. Raises OSError or Mono3DError if lines cannot be written."""
        head = {"id": photo.id, "status": record.status, "time": round(time.time(), 3)}
        self._lines.append(json.dumps(head | as_row(record)).encode("ascii") + b"\n")
        if len(self._lines) >= _LINES or time.monotonic() - self._last >= _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes the lines that are not written yet."""
        if len(self._lines) > self._written:
            self._store.write(f"{self._name}-{self._part:06}.jsonl", b"".join(self._lines))
            self._written = len(self._lines)
        if len(self._lines) >= _LINES:
            self._part, self._lines, self._written = self._part + 1, [], 0
        self._last = time.monotonic()

    def close(self) -> None:
        """Writes what is left."""
        self.flush()


def lines(store: Store, key: str, shard: str | None = None) -> Iterator[tuple[Entry, bytes]]:
    """Yields all lines of the work `key`, those written last first; of one shard (empty: runs of all photos)."""
    # A folder of shards lies beside others; runs of all photos are in one of their own too.
    folder = _root(key) if shard is None else _folder(key, shard)
    for name in sorted(store.names(folder), key=lambda name: name.rsplit("/", 1)[-1], reverse=True):
        for line in reversed(store.read(name).splitlines()):
            if match := _HEAD.match(line):
                yield Entry(number_of(match[1]), match[2].decode("ascii"), float(match[3])), line


class Known:
    """The photos of a shard that are done, and those that have failed since, in a few bytes each."""

    def __init__(self, store: Store, key: str, shard: str) -> None:
        found: dict[str, array.array[int]] = {"done": array.array("Q"), "failed": array.array("Q")}
        for entry, _ in lines(store, key, shard):
            if entry.status in found:
                found[entry.status].append(entry.id)
        self._done = array.array("Q", sorted(found["done"]))
        self._failed = array.array("Q", sorted(set(found["failed"])))

    def status(self, photo: PlannedPhoto) -> str:
        """Returns "done" or "failed", or an empty text for a photo of which nothing is known."""
        number = number_of(photo.id)
        if place_in(self._done, number) is not None:
            return "done"
        return "failed" if place_in(self._failed, number) is not None else ""


def number_of(name: str | bytes) -> int:
    """Returns the id of a photo as the number of an `Entry`."""
    return int(name[:16], 16)


def place_in(numbers: array.array[int], number: int) -> int | None:
    """Returns the first place of a number in sorted ones; None if it is not among them."""
    place = bisect.bisect_left(numbers, number)
    return place if place < len(numbers) and numbers[place] == number else None


def _root(key: str) -> str:
    return f"{FOLDER}/journal/{key}"


def _folder(key: str, shard: str) -> str:
    return f"{_root(key)}/{shard.replace('/', '-of-') or 'all'}"
