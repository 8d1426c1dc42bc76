# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the runners that do the work outside Blender: the one place in this folder that knows which they are."""

from pathlib import Path

from .. import environment
from ..settings import Habits
from ..worker.runner import Runner
from . import state

_DESCRIBER_IDLE_SECONDS = 30.0


def worker(habits: Habits) -> Runner:
    """Returns the runner for reconstructions; restarts it if `habits` changed.

    Raises Mono3DError if its packages are not installed.
    """
    from ..worker.client import Worker

    current = state.current
    started_with = (habits.idle_minutes, habits.log_level)
    if current.worker is not None and current.worker_habits != started_with:
        current.forget_worker()
    if current.worker is None:
        folder = current.data_folder
        current.worker = Worker(
            "reconstruct",
            [environment.require(environment.WORKER, folder)],
            log_file(folder),
            folder,
            idle_seconds=60.0 * habits.idle_minutes,
            log_level=habits.log_level,
        )
        current.worker_habits = started_with
    return current.worker


def describer() -> Runner:
    """Returns the runner that reads photos for their description.

    Raises Mono3DError if its packages are not installed.
    """
    from ..worker.client import Worker

    current = state.current
    if current.describer is None:
        folder = current.data_folder
        packages = environment.require(environment.WORKER, folder)
        log = folder / "logs" / "describe.log"
        current.describer = Worker("describe", [packages], log, folder, idle_seconds=_DESCRIBER_IDLE_SECONDS)
    return current.describer


def log_file(folder: Path) -> Path:
    """Returns the worker's log file in the data folder `folder`."""
    return folder / "logs" / "worker.log"
