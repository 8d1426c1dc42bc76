# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run, as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..core.files import atomic_write
from ..version import version

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class Record:
    """The outcome of one photo: times in seconds, camera and distances as in the camera file, paths of its files."""

    photo: str
    status: Status
    message: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    camera: dict[str, Any] = field(default_factory=dict)
    distances: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    engine: str = ""
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def totals(records: Sequence[Record]) -> dict[str, int]:
    """Returns how many photos are done, failed and skipped."""
    return {status: sum(record.status == status for record in records) for status in ("done", "failed", "skipped")}


def write_report(path: Path, records: Sequence[Record], seconds: float) -> None:
    """Writes all records as one JSON object. Raises Mono3DError when the file cannot be written."""
    document = {
        "mono3d": version(),
        "seconds": round(seconds, 3),
        **totals(records),
        "photos": [as_row(record) for record in records],
    }
    with atomic_write(path) as beside:
        # File names that are not valid text are written with escapes, which JSON reads back unchanged.
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")


def as_row(record: Record) -> dict[str, Any]:
    """Returns the entry of a photo in reports."""
    values = dataclasses.asdict(record)
    values["seconds"] = {stage: round(time, 3) for stage, time in record.seconds.items()}
    return values
