# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation in a thread. Imports no bpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .background import Background, Progress

_POLL_SECONDS = 0.1

COMPONENTS = ("worker",)
"""Sets of packages that the add-on needs beside Blender."""


@dataclass(frozen=True)
class Wish:
    """What to install: `backend` None for the best one on this machine, `wheelhouse` None for the network.

    `again` also replaces installed packages that are outdated, `repair` replaces them in any case.
    """

    data_folder: Path
    backend: str | None = None
    wheelhouse: Path | None = None
    again: bool = False
    repair: bool = False


class Planning(Background):
    """Plans an installation: queries the interpreter, the graphics driver and, if allowed, the network."""

    def __init__(self, wish: Wish, *, allow_network: bool = False) -> None:
        super().__init__("mono3d plan")
        self._wish = wish
        self._allow_network = allow_network
        self.plans: tuple[Any, ...] = ()

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Plans. Raises Mono3DError."""
        from ... import environment

        wish = self._wish
        self.plans = environment.plans(
            COMPONENTS,
            wish.data_folder,
            allow_network=self._allow_network,
            backend=wish.backend,
            wheelhouse=wish.wheelhouse,
            again=wish.again or wish.repair,
        )


class Installation(Background):
    """Installs packages; if cancelled, what was installed before is unchanged."""

    def __init__(self, wish: Wish) -> None:
        super().__init__("mono3d install")
        self._wish = wish

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Plans and installs. Raises Mono3DError."""
        from ... import environment
        from ...errors import Mono3DError

        wish = self._wish
        online = wish.wheelhouse is None
        progress("Querying the package indexes", 0.0)
        # A network or driver that does not respond cannot be interrupted: the thread is abandoned, it changes nothing.
        planning = Planning(wish, allow_network=online)
        planning.start()
        while planning.running:
            planning.wait(_POLL_SECONDS)
            if cancelled():
                return
        if planning.error:
            raise Mono3DError(planning.error)
        environment.install(
            planning.plans, allow_network=online, progress=progress, cancelled=cancelled, repair=wish.repair
        )


class Removal(Background):
    """Removes the packages. Cannot be cancelled: a half-removed installation is useless."""

    can_be_cancelled = False

    def __init__(self, data_folder: Path) -> None:
        super().__init__("mono3d uninstall")
        self._data_folder = data_folder
        self.waits = False

    def work(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        """Removes them; `waits` is then true if files in use stay until the next start. Raises Mono3DError."""
        from ... import environment

        progress("Removing the packages", 0.0)
        self.waits = environment.uninstall(COMPONENTS, self._data_folder)
