# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicts how long a batch takes on many machines: `python3 benchmarks/scale.py --report out/report.json`.

Simulates machines that get parts of the photos, as `--runner ray` gives them out: times of photos are drawn from those
of a report, some machines are slow, machines are lost and replaced, and the storage answers so many requests in a
second at most. Without --report the times are log-normal about --seconds. Needs Python only.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

PART = 32
SHARES = 4
REQUESTS = 5
"""To the storage for a photo: its content, whether it has a record (before and after), its mesh, its record."""


@dataclass(frozen=True)
class Farm:
    """What works on a batch.

    workers    of all machines together, each with a core
    each       workers of a machine
    start      seconds until a machine's workers are warm
    transfer   seconds of a photo for requests and bytes, of which the larger part passes while another is worked on
    hidden     that part, 0..1
    slow       share of the machines that take `slowness` times as long
    life       mean seconds until a machine is lost; 0: never
    again      seconds until another one takes its place
    requests   of the storage in a second at most; 0: any number
    """

    workers: int
    each: int = 4
    start: float = 30.0
    transfer: float = 0.15
    hidden: float = 0.8
    slow: float = 0.02
    slowness: float = 3.0
    life: float = 0.0
    again: float = 120.0
    requests: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """Seconds until the last photo is done, worker-hours, their share spent on photos, photos begun twice."""

    seconds: float
    hours: float
    used: float
    twice: int


def simulated(photos: int, times: Sequence[float], farm: Farm, seed: int = 1) -> Outcome:
    """Returns what becomes of a number of photos whose times, seconds, are drawn from `times`."""
    chance = random.Random(seed)
    machines = max(1, farm.workers // farm.each)
    slowness = [farm.slowness if chance.random() < farm.slow else 1.0 for _ in range(machines)]
    mean = sum(times) / len(times)
    # A photo costs at least its share of what the storage answers.
    floor = farm.workers * REQUESTS / farm.requests if farm.requests else 0.0

    def lives() -> float:
        return chance.expovariate(1.0 / farm.life) if farm.life else float("inf")

    ends = [lives() for _ in range(machines)]
    queue = [(farm.start * chance.uniform(0.8, 1.5), machine) for machine in range(machines)]
    heapq.heapify(queue)
    left, again, work, last, twice = photos, 0, 0.0, 0.0, 0
    while left or again:
        now, machine = heapq.heappop(queue)
        if now >= ends[machine]:
            ends[machine] = now + farm.again + lives()
            heapq.heappush(queue, (now + farm.again + farm.start, machine))
            continue
        count = min(PART, max(1, -(-(left + again) // (SHARES * machines))))
        redone = min(count, again)
        again, left = again - redone, left - (count - redone)
        cost = sum(chance.choices(times, k=count)) * slowness[machine]
        cost = max(cost + count * farm.transfer * (1.0 - farm.hidden), count * floor)
        taken = cost / farm.each
        if now + taken > ends[machine]:
            # What had a record is not done again; the photos under way are.
            done = int(count * (ends[machine] - now) / taken)
            again += count - done
            twice += min(count - done, farm.each)
            work += done * mean
            now = ends[machine]
        else:
            work += count * mean
            now += taken
            last = max(last, now)
        heapq.heappush(queue, (now, machine))
    hours = farm.workers * last / 3600.0
    return Outcome(last, hours, work / 3600.0 / hours, twice)


def times_of(report: Path) -> list[float]:
    """Returns the seconds of each photo of a batch's report that is done."""
    rows = json.loads(report.read_text(encoding="utf-8"))["photos"]
    return [sum(row["seconds"].values()) for row in rows if row["status"] == "done"]


def lognormal(mean: float, spread: float = 0.4, count: int = 2000) -> list[float]:
    """Returns times about a mean whose logarithms have the standard deviation `spread`."""
    chance = random.Random(5)
    found = [chance.lognormvariate(0.0, spread) for _ in range(count)]
    return [one * mean * count / sum(found) for one in found]


def main() -> None:
    """Prints a table of farms, or the prediction for one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, help="report of a batch, whose times are used")
    parser.add_argument("--seconds", type=float, default=1.0, help="mean time of a photo on a core")
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=0, help="of one farm, instead of the table")
    parser.add_argument("--each", type=int, default=4, help="workers of a machine")
    parser.add_argument("--start", type=float, default=30.0, help="seconds until a machine is warm")
    parser.add_argument("--life", type=float, default=0.0, help="mean seconds until a machine is lost")
    parser.add_argument("--requests", type=float, default=0.0, help="that the storage answers in a second")
    options = parser.parse_args()
    times = times_of(options.report) if options.report else lognormal(options.seconds)
    farm = Farm(options.workers, options.each, options.start, life=options.life, requests=options.requests)
    if options.workers:
        farm = replace(farm, slow=0.0) if options.workers <= 8 else farm
        print(simulated(options.photos, times, farm))
        return
    print("| workers | machines lost after | hours | worker-hours | used | begun twice |")
    print("|---|---|---|---|---|---|")
    for workers in (16, 100, 1000, 10_000):
        for life in (0.0, 4 * 3600.0):
            found = simulated(options.photos, times, replace(farm, workers=workers, life=life))
            kept = f"{life / 3600:.0f} h" if life else "never"
            hours = f"{found.seconds / 3600:.2f} | {found.hours:,.0f}"
            print(f"| {workers:,} | {kept} | {hours} | {100 * found.used:.0f} % | {found.twice:,} |")


if __name__ == "__main__":
    main()
