# SPDX-License-Identifier: GPL-3.0-or-later
"""Times the stages of a job and reports its progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Progress = Callable[[str, float], None]
"""Called with the name of the stage, for the user, and the completed fraction, 0..1, of the whole job."""

ESTIMATING = "Estimating depth"
"""The stage in which the network runs. Photos whose disparity is cached skip it."""
EXPORTING = "Writing"
"""How the stages of the exports start. From the first on the job folder is complete, so that others can read it."""


class Stages:
    """Times named stages and reports the overall progress.

    `shares` maps each stage to its typical duration, in any unit.
    """

    def __init__(self, progress: Progress, shares: Mapping[str, float]) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._ends: dict[str, tuple[float, float]] = {}
        total, before = sum(shares.values()), 0.0
        for name, share in shares.items():
            self._ends[name] = (before / total, (before + share) / total)
            before += share

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Runs one stage; yields a progress callback for the work within it."""
        start, end = self._ends[name]
        self._progress(name, start)
        began = time.perf_counter()
        try:
            yield lambda words, fraction: self._progress(words or name, start + (end - start) * fraction)
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began
        self._progress(name, end)
