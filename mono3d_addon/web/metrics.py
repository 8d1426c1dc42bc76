# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server counts, and its text for Prometheus (prometheus.io, text format 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

_BOUNDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_MOST_STAGES = 100

Labels = Mapping[str, str]
Sample = tuple[Labels, float]


class Counts:
    """What has happened since the server's start. Use it in the event loop's thread only.

    ended      jobs and rebuilds by the state in which they ended
    answers    responses by status
    deaths     workers that were killed or crashed
    full_disk  failures because the disk was full
    """

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.deaths = 0
        self.full_disk = 0
        self._stages: dict[str, tuple[int, float]] = {}
        self._buckets = [0] * len(_BOUNDS)
        self._times = (0, 0.0)

    def note_result(self, seconds: Mapping[str, float], total: float) -> None:
        """Notes the seconds of each stage of a job, and of the whole with the time in the queue."""
        for stage, spent in seconds.items():
            if stage in self._stages or len(self._stages) < _MOST_STAGES:
                count, before = self._stages.get(stage, (0, 0.0))
                self._stages[stage] = count + 1, before + spent
        self._times = self._times[0] + 1, self._times[1] + total
        for number, bound in enumerate(_BOUNDS):
            self._buckets[number] += total <= bound

    def lines(self) -> list[str]:
        """Returns the lines of these counts."""
        found = counter("mono3d_jobs_ended", "Jobs and rebuilds that ended.", _by("state", self.ended))
        found += counter("mono3d_responses", "Responses by status.", _by("status", self.answers))
        found += counter("mono3d_worker_deaths", "Workers that were killed or crashed.", [({}, self.deaths)])
        found += counter("mono3d_disk_full", "Failures because the disk was full.", [({}, self.full_disk)])
        found += _head("mono3d_stage_seconds", "Seconds of each stage of a job.", "summary")
        for stage, (count, spent) in sorted(self._stages.items()):
            found += [_line("mono3d_stage_seconds_count", {"stage": stage}, count)]
            found += [_line("mono3d_stage_seconds_sum", {"stage": stage}, spent)]
        found += _head("mono3d_job_seconds", "Seconds from a request to its result.", "histogram")
        count, spent = self._times
        for bound, below in (*zip(_BOUNDS, self._buckets, strict=True), ("+Inf", count)):
            found.append(_line("mono3d_job_seconds_bucket", {"le": str(bound)}, below))
        return [*found, _line("mono3d_job_seconds_count", {}, count), _line("mono3d_job_seconds_sum", {}, spent)]


def gauge(name: str, text: str, samples: Iterable[Sample]) -> list[str]:
    """Returns the lines of a value that may rise and fall."""
    return [*_head(name, text, "gauge"), *(_line(name, labels, value) for labels, value in samples)]


def counter(name: str, text: str, samples: Iterable[Sample]) -> list[str]:
    """Returns the lines of a value that only rises."""
    name = f"{name}_total"
    return [*_head(name, text, "counter"), *(_line(name, labels, value) for labels, value in samples)]


def memory_of(process: int | str) -> float | None:
    """Returns the bytes of memory that a process uses; None where the system does not tell."""
    try:
        words = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").split()
        return float(words[words.index("VmRSS:") + 1]) * 1024.0
    except (OSError, ValueError, IndexError):
        return None


def _by(label: str, counts: Mapping[str, int] | Mapping[int, int]) -> list[Sample]:
    return [({label: str(name)}, value) for name, value in sorted(counts.items(), key=str)]


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: Labels, value: float) -> str:
    told = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels.items())
    return f"{name}{{{told}}} {value:.10g}" if told else f"{name} {value:.10g}"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
