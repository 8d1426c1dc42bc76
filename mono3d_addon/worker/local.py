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

_KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
    "MALLOC_TOP_PAD_": str(16 * 2**20),
}
"""Has glibc keep freed memory of this size, in bytes, for the next photo.

It would go back to the system and be got from there again, zeroed, thousands of times for each photo.
"""


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
            variables=self._variables(),
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

    def _variables(self) -> dict[str, str]:
        """Returns the environment variables of a worker for photos, except those that the user has set.

        One of several workers gets its share of the processors.
        """
        share = {"OMP_NUM_THREADS": str(max(1, computer.processors() // self.jobs))} if self.jobs > 1 else {}
        return {name: value for name, value in {**share, **_KEPT_MEMORY}.items() if name not in os.environ}

    def _packages(self, *components: str) -> tuple[Path, ...]:
        return tuple(self.packages[name] for name in components if name in self.packages)
