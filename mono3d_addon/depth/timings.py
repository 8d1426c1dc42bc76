# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each model takes for a picture on this computer, by device: recorded when it runs, shown where it is chosen.

Only the network's own time counts, at the size that it was trained with: neither loading nor meshing. Standard library
only.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from ..core import recent

RECORD = Path("cache") / "model_seconds.json"
_MOST_PER_PROCESS = 5
"""What a process records of a model: the file keeps no more, and tiles run a model many times for one photo."""


class Timer:
    """Records the seconds of one model in a data folder."""

    def __init__(self, model: str, data_folder: Path) -> None:
        self._model = model
        self._file = data_folder / RECORD
        self._recorded: dict[str, int] = {}

    def __call__(self, device: str, seconds: float) -> None:
        """Records that a picture took `seconds` on a device; does nothing if the file cannot be written."""
        count = self._recorded[device] = self._recorded.get(device, 0) + 1
        if count <= _MOST_PER_PROCESS:
            recent.add(self._file, f"{self._model} {device}", round(seconds, 4))


def measured(data_folder: Path) -> Mapping[str, Mapping[str, float]]:
    """Returns the seconds per picture, the median of the last ones, by model and device; the device used last last."""
    found: dict[str, dict[str, float]] = {}
    for key, seconds in recent.read(data_folder / RECORD).items():
        model, _, device = key.partition(" ")
        if seconds and device:
            found.setdefault(model, {})[device] = statistics.median(seconds)
    return found
