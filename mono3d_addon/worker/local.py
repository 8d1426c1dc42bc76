# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes runners that are child processes on this computer.

The one place where a program outside Blender decides what does its work; others may be added beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core import computer
from ..environment import SCENE, VTP, WORKER
from .client import Worker


@dataclass(frozen=True)
class LocalRunners:
    """Makes workers; satisfies `runner.Runners`.

    data_folder    folder with weights, cache and logs
    packages       folder of installed packages by component (`environment.WORKER` ...); a component that is absent
                   must be importable by the interpreter itself
    is_expendable  whether Linux, short of memory, should kill a worker before this process
    is_bare        whether the workers for photos are bare: without packages, and with numpy alone of the interpreter's
    allowed        extras that these may use nonetheless, if the interpreter has them
    jobs           how many workers for photos share the processors
    """

    data_folder: Path
    packages: Mapping[str, Path]
    is_expendable: bool = False
    is_bare: bool = False
    allowed: tuple[str, ...] = ()
    jobs: int = 1

    def for_photos(self, name: str) -> Worker:
        """Returns a worker for photos, not started; its log is `logs/NAME.log` in the data folder."""
        return Worker(
            "reconstruct",
            self._packages(WORKER, VTP),
            self.data_folder / "logs" / f"{name}.log",
            self.data_folder,
            is_expendable=self.is_expendable,
            is_bare=self.is_bare,
            allowed=self.allowed,
            variables=self._share(),
        )

    def for_scenes(self, idle_seconds: float = 0.0) -> Worker:
        """Returns a worker that writes .blend files, not started.

        It ends after `idle_seconds` without work; 0: never.
        """
        # Keep it apart from the user's Blender settings and add-ons, and from the desktop's cache.
        private = {
            "BLENDER_USER_RESOURCES": str(self.data_folder / "cache" / "blender"),
            "XDG_CACHE_HOME": str(self.data_folder / "cache"),
        }
        return Worker(
            "scene",
            self._packages(SCENE),
            self.data_folder / "logs" / "scene.log",
            self.data_folder,
            idle_seconds=idle_seconds,
            variables=private,
        )

    def _share(self) -> dict[str, str]:
        """Returns the environment variable that limits the threads of one of several workers, unless the user did."""
        if self.jobs == 1 or "OMP_NUM_THREADS" in os.environ:
            return {}
        return {"OMP_NUM_THREADS": str(max(1, computer.processors() // self.jobs))}

    def _packages(self, *components: str) -> tuple[Path, ...]:
        return tuple(self.packages[name] for name in components if name in self.packages)
