# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the runners that do the work outside Blender: the one place in this folder that knows which they are.

Both have the packages that are installed at the moment of the call, or none: a runner that was made before an
installation or a removal is replaced.
"""

from pathlib import Path

from .. import environment
from ..settings import Habits
from ..worker.runner import Runner
from . import state

_DESCRIBER_IDLE_SECONDS = 30.0


def worker(habits: Habits) -> Runner:
    """Returns the runner for reconstructions; a new one if `habits` or the installed packages changed."""
    from ..worker.client import Worker

    current = state.current
    folder = current.data_folder
    packages = environment.worker_packages(folder)
    wanted = (habits.idle_minutes, habits.log_level, packages)
    if current.worker is not None and current.worker_made != wanted:
        current.forget_worker()
    if current.worker is None:
        current.worker = Worker(
            "reconstruct",
            packages,
            log_file(folder),
            folder,
            idle_seconds=60.0 * habits.idle_minutes,
            log_level=habits.log_level,
            is_bare=not packages,
        )
        current.worker_made = wanted
    return current.worker


def describer() -> Runner:
    """Returns the runner that reads photos for their description; a new one if the installed packages changed."""
    from ..worker.client import Worker

    current = state.current
    folder = current.data_folder
    packages = environment.worker_packages(folder)
    if current.describer is not None and current.describer_made != packages:
        current.forget_describer()
    if current.describer is None:
        log = folder / "logs" / "describe.log"
        current.describer = Worker(
            "describe", packages, log, folder, idle_seconds=_DESCRIBER_IDLE_SECONDS, is_bare=not packages
        )
        current.describer_made = packages
    return current.describer


def log_file(folder: Path) -> Path:
    """Returns the worker's log file in the data folder `folder`."""
    return folder / "logs" / "worker.log"
