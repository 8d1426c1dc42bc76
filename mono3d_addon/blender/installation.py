# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation in a thread. Imports no bpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .background import Background, Progress

COMPONENTS = ("worker",)
"""What the add-on needs beside Blender."""


@dataclass(frozen=True)
class Wish:
    """What to install: `backend` None for the best one here, `wheelhouse` None for the network.

    `again` installs also what is there, when its packages are other ones by now; `repair` in any case.
    """

    data_folder: Path
    backend: str | None = None
    wheelhouse: Path | None = None
    again: bool = False
    repair: bool = False


class Installation(Background):
    """Installs what is wished; when it is cancelled, what was there before is unchanged."""

    def __init__(self, wish: Wish) -> None:
        super().__init__("mono3d install")
        self._wish = wish

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Plans and installs. Raises Mono3DError."""
        from .. import environment

        wish = self._wish
        online = wish.wheelhouse is None
        plans = environment.plans(
            COMPONENTS,
            wish.data_folder,
            allow_network=online,
            backend=wish.backend,
            wheelhouse=wish.wheelhouse,
            again=wish.again or wish.repair,
        )
        environment.install(plans, allow_network=online, progress=progress, cancelled=cancelled, repair=wish.repair)
