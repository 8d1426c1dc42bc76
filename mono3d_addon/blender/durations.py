# SPDX-License-Identifier: GPL-3.0-or-later
"""How long jobs took on this computer, so that the next one's time can be told. Imports no bpy."""

from __future__ import annotations

import contextlib
import json
import statistics
from pathlib import Path

from ..core.files import atomic_write
from ..errors import Mono3DError
from ..settings import Settings

_FILE = "durations.json"
_DECISIVE = ("model", "device", "engine", "network_size", "flip", "tiles", "detail", "surface")
"""Settings that a job's time depends on."""

_KEPT_RUNS = 5
_KEPT_KINDS = 100


def expected(data_folder: Path, settings: Settings) -> float | None:
    """Returns the usual seconds of a job with these settings: the median of the last ones; None for the first."""
    runs = _read(data_folder).get(_kind(settings))
    return statistics.median(runs) if runs else None


def learn(data_folder: Path, settings: Settings, seconds: float) -> None:
    """Remembers that a job took `seconds`; where nothing can be written, nothing is remembered."""
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
    """Returns the remembered seconds by kind of job; what cannot be read is forgotten."""
    try:
        found = json.loads((data_folder / _FILE).read_text(encoding="utf-8"))
        return {str(kind): [float(one) for one in runs][-_KEPT_RUNS:] for kind, runs in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
