# SPDX-License-Identifier: GPL-3.0-or-later
"""Records how long jobs took on this computer, to estimate the time of the next one. Imports no bpy.

How long the models themselves take is recorded by `depth.timings`, for all interfaces.
"""

from __future__ import annotations

from pathlib import Path

from ...core import recent
from ...settings import Settings

_FILE = "durations.json"
DECISIVE = ("model", "device", "engine", "network_size", "flip", "tiles", "detail", "surface")
"""Settings that determine a job's time."""


def expected(data_folder: Path, settings: Settings) -> float | None:
    """Returns the expected seconds of a job with these settings, the median of the last ones; None for the first."""
    import statistics  # not at the start of Blender, which this would delay by some milliseconds

    runs = recent.read(data_folder / _FILE).get(_kind(settings))
    return statistics.median(runs) if runs else None


def learn(data_folder: Path, settings: Settings, seconds: float) -> None:
    """Records that a job took `seconds`; does nothing if the file cannot be written."""
    recent.add(data_folder / _FILE, _kind(settings), round(seconds, 2))


def _kind(settings: Settings) -> str:
    words = [f"{getattr(settings, name)}" for name in DECISIVE]
    return " ".join([*words, *([f"{settings.poisson_depth}"] if settings.surface == "poisson" else [])])
