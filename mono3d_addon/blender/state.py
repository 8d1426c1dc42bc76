# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on knows while it is registered: the one place for it.

Operators change it, panels only read it, so that drawing computes nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..worker.client import Worker
    from .installation import Installation, Planning
    from .jobs import Run
    from .shape import Shaping
    from .weights_download import WeightsDownload

_LINE = 34
"""Characters of a sidebar's line at its usual width."""


@dataclass(frozen=True)
class ModelLine:
    """What a panel shows of a model: its state in words, and what the button offers (empty: no button)."""

    text: str
    action: str = ""


@dataclass
class State:
    """Everything that panels show and operators share.

    checked       whether the installation was looked at; until then a panel offers nothing
    setup         lines that say what must be installed; empty when all is there
    installed     lines about the installed packages: versions, backend, size, place
    update        whether other packages than those would be installed today
    models        the state of every model's weights, by name
    messages      lines about the last job, newest last
    failed        whether the last job failed, in part at least
    data_folder   where packages, weights and logs are
    worker        the worker process, kept between jobs
    run           photos being worked on
    shaping       objects that are getting another shape
    planning      what must be installed is being found out
    installation  packages being installed
    download      weights being downloaded
    """

    checked: bool = False
    setup: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    update: bool = False
    models: Mapping[str, ModelLine] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    failed: bool = False
    data_folder: Path = field(default_factory=Path)
    worker: Worker | None = None
    run: Run | None = None
    shaping: Shaping | None = None
    planning: Planning | None = None
    installation: Installation | None = None
    download: WeightsDownload | None = None

    def say(self, *sentences: str, failed: bool = False) -> None:
        """Shows sentences to the user, wrapped to the sidebar."""
        self.messages = wrapped(*sentences)
        self.failed = failed

    def forget_worker(self) -> None:
        """Ends the worker process, and with it a running job."""
        if self.worker is not None:
            self.worker.stop()
        self.worker = None

    def close(self) -> None:
        """Ends whatever runs."""
        if self.run is not None:
            self.run.cancel()
        if self.installation is not None:
            self.installation.cancel()
        if self.download is not None:
            self.download.cancel()
        if self.shaping is not None:
            self.shaping.close()
        self.forget_worker()
        self.run = self.shaping = self.installation = self.download = None


def wrapped(*sentences: str) -> tuple[str, ...]:
    """Returns the sentences in lines that fit the sidebar; what has lines of its own keeps them."""
    lines = [line for sentence in sentences for line in sentence.splitlines()]
    return tuple(part for line in lines for part in textwrap.wrap(line.strip(), _LINE))


current = State()


def reset() -> None:
    """Ends whatever runs and starts anew."""
    current.close()
    current.__dict__.update(State().__dict__)
