# SPDX-License-Identifier: GPL-3.0-or-later
"""Who writes the .blend files of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..worker.runner import Runner


class SceneWriter(Protocol):
    """Writes what needs Blender: through a runner, or in the Blender that runs the batch."""

    def write(self, folder: Path, blend: Path) -> dict[str, float]:
        """Writes the scene of the reconstruction saved in `folder` to `blend`; returns the seconds of each stage."""
        ...

    def close(self) -> None:
        """Releases what it holds."""
        ...


class RunnerSceneWriter:
    """Writes scenes without Blender: `runner` does the task "scene" with the `bpy` wheel."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def write(self, folder: Path, blend: Path) -> dict[str, float]:
        """Writes the scene of the reconstruction saved in `folder` to `blend`; returns the seconds of each stage."""
        result = self._runner.submit({"task": "scene", "folder": str(folder), "blend": str(blend)}).wait()
        seconds: dict[str, float] = result["seconds"]
        return seconds

    def close(self) -> None:
        """Stops the runner."""
        self._runner.stop()
