# SPDX-License-Identifier: GPL-3.0-or-later
"""Output of a batch: a line for each photo that fails, and now and then one on all of them."""

from __future__ import annotations

import sys
import time

from ..core.plain_name import printable
from ..display import say, say_over
from ..run.plan import PlannedPhoto
from ..run.report import Record

_SECONDS, _SECONDS_ON_A_TERMINAL = 30.0, 0.5


class BatchDisplay:
    """Counts photos and says how far a batch is: on one line of a terminal, else by a line every half a minute.

    `total` is about how many there are. `done` and `failed` include those of earlier runs.
    """

    def __init__(self, total: int) -> None:
        self.done = self.failed = 0
        self._total = total
        self._here = 0
        self._began = time.monotonic()
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._last = self._began

    def skipped(self, status: str) -> None:
        """Counts a photo of an earlier run."""
        self.done += status == "done"
        self.failed += status == "failed"

    def progress(self, task: PlannedPhoto, stage: str, fraction: float) -> None:
        """Does nothing: a photo takes a second."""

    def finished(self, task: PlannedPhoto, record: Record) -> None:
        """Counts a photo, and prints why it failed."""
        self.skipped(record.status)
        self._here += 1
        if record.status == "failed":
            self._clear()
            say(f"{printable(task.address)}: failed. {printable(record.message)}", sys.stderr)
        now = time.monotonic()
        if now - self._last >= (_SECONDS_ON_A_TERMINAL if self._is_terminal else _SECONDS):
            self._last = now
            self._say()

    def close(self) -> None:
        """Prints how it stands in the end."""
        self._clear()
        seconds = time.monotonic() - self._began
        say(f"{self.done:,} done, {self.failed:,} failed in {duration(seconds)}.", sys.stdout)

    def _say(self) -> None:
        rate = self._here / (time.monotonic() - self._began)
        left = max(0, self._total - self.done - self.failed)
        line = f"{self.done:,} of {self._total:,} done, {self.failed:,} failed, {speed(rate, left)}"
        if self._is_terminal:
            say_over(line, sys.stderr)
        else:
            say(line, sys.stderr)

    def _clear(self) -> None:
        if self._is_terminal:
            say_over("", sys.stderr)


def speed(rate: float, left: int) -> str:
    """Returns photos per second, and the time that those take that are left, in words."""
    if rate <= 0.0:
        return "no photo lately"
    return f"{rate:.3g} photos/s, {duration(left / rate)} left"


def duration(seconds: float) -> str:
    """Returns a time in words, by its two largest units."""
    if seconds < 60.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days {hours % 24} h"
