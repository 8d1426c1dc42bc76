# SPDX-License-Identifier: GPL-3.0-or-later
"""Records how long jobs took on this computer, to estimate the time of the next one. Imports no bpy."""

from __future__ import annotations

import contextlib
import json
import statistics
from pathlib import Path

from ...core.files import atomic_write
from ...errors import Mono3DError
from ...settings import Settings

_FILE = "durations.json"
_DECISIVE = ("model", "device", "engine", "network_size", "flip", "tiles", "detail", "surface")
"""Settings that determine a job's time."""

_KEPT_RUNS = 5
_KEPT_KINDS = 100


def expected(data_folder: Path, settings: Settings) -> float | None:
    """Returns the expected seconds of a job with these settings, the median of the last ones; None for the first."""
    runs = _read(data_folder).get(_kind(settings))
    return statistics.median(runs) if runs else None


def learn(data_folder: Path, settings: Settings, seconds: float) -> None:
    """Records that a job took `seconds`; does nothing if the file cannot be written."""
    known = _read(data_folder)
    runs = [*known.pop(_kind(settings), []), round(seconds, 2)]
    known[_kind(settings)] = runs[-_KEPT_RUNS:]
    newest = dict(list(known.items())[-_KEPT_KINDS:])
    with contextlib.suppress(OSError, Mono3DError):
        data_folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(data_folder / _FILE) as beside:
            beside.write_text(json.dumps(newest, indent=1), encoding="utf-8")


def _kind(settings: Settings) -> str:
    words = [f"{getattr(settings, name)}" for name in _DECISIVE]
    return " ".join([*words, *([f"{settings.poisson_depth}"] if settings.surface == "poisson" else [])])


def _read(data_folder: Path) -> dict[str, list[float]]:
    """Returns the recorded seconds by kind of job; an unreadable file counts as empty."""
    try:
        found = json.loads((data_folder / _FILE).read_text(encoding="utf-8"))
        return {str(kind): [float(one) for one in runs][-_KEPT_RUNS:] for kind, runs in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
