# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch, for those who do its parts; and the protocol of these, the runners of `--runner`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from ..equipping import Place
from ..run.plan import Plan
from ..settings import BatchOptions


@dataclass(frozen=True)
class Work:
    """A planned batch. It can be pickled: photos and results are addresses, and nothing of it belongs to a process.

    output   the place of the results, as typed; the plan is there too
    options  of the command
    plan     what is to be made
    """

    output: str
    options: BatchOptions
    plan: Plan

    def with_jobs(self, jobs: int) -> Work:
        """Returns the same for a process with that many workers."""
        return replace(self, options=replace(self.options, jobs=jobs))


_PART = 500
"""Photos of a shard: loading libraries and network takes about one photo's time, and a lost shard little."""


def count_of_shards(work: Work) -> int:
    """Returns into how many shards a runner divides the photos, unless the user says."""
    return work.options.shards or -(-work.plan.photos // _PART)


class FarmRunner(Protocol):
    """Does a batch, or hands it to what does it."""

    def __call__(self, work: Work, place: Place) -> bool | None:
        """Does the photos that are not done; returns whether all are done now, or None when others will do them.

        `place` is where this command runs. Raises Mono3DError if nothing can be done.
        """
        ...
