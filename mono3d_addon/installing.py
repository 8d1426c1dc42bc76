# SPDX-License-Identifier: GPL-3.0-or-later
"""The flag --install: installs missing packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import environment
from .core.user_path import user_path
from .display import StageLines
from .settings import SetupOptions


def install(components: Sequence[str], data_folder: Path, options: SetupOptions) -> None:
    """Prints what is missing and installs it; the flag --install is the user's consent to use the network.

    With a wheelhouse the network is not used. Raises Mono3DError with cause and remedy on failure.
    """
    wheelhouse = user_path(options.wheelhouse) if options.wheelhouse else None
    plans = environment.plans(
        components,
        data_folder,
        allow_network=wheelhouse is None,
        backend=None if options.backend == "auto" else options.backend,
        system=options.system or None,
        wheelhouse=wheelhouse,
    )
    for plan in plans:
        print(plan.summary(), flush=True)
    if plans:
        with StageLines() as lines:
            environment.install(plans, allow_network=wheelhouse is None, progress=lines.progress)
