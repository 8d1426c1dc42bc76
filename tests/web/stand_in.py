# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose workers need no network and no Blender, and that waits seconds where the real one waits longer.

It is the real server with real worker processes; only what the tasks do and how long it is patient differ:
`python -m tests.web.stand_in web ...`. Tests of limits, queue and timeouts use it. A photo's depth is a ramp, the
surface `poisson` never ends until the job is cancelled, and a scene is a file with a few bytes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from mono3d_addon.core.stages import Progress
from mono3d_addon.session import Session
from mono3d_addon.worker import client, protocol, reconstruct_task, server

PATIENCE = 4.0
"""Seconds without a byte after which a request is refused."""

SWEEP = 0.5
"""Seconds between two searches for expired results."""

_START = """\
import json, sys
before, behind = json.loads(sys.argv.pop(1))
sys.path[:] = [*before, *sys.path, *behind]
from tests.web.stand_in import work
work(sys.argv[1:])
"""


def run(request: dict[str, Any], progress: Progress, session: Session) -> dict[str, Any]:
    """Does the tasks "reconstruct" and "scene"."""
    if request["task"] == "scene":
        time.sleep(1.0)
        Path(request["blend"]).write_bytes(b"BLENDER")
        return {"seconds": {}}
    settings = request["settings"]
    while settings["surface"] == "poisson":
        progress("Building the surface", 0.5)
        time.sleep(0.02)
    if not settings["depth_file"]:
        depth = Path(request["work"]) / "ramp.npy"
        np.save(depth, np.tile(np.linspace(2.0, 4.0, 64, dtype=np.float32), (48, 1)))
        request = request | {"settings": settings | {"depth_file": str(depth)}}
    return reconstruct_task.run(request, progress, session)


def work(arguments: list[str]) -> None:
    """Serves requests as the worker process does."""
    tasks = {**protocol.TASKS, "reconstruct": __name__, "scene": __name__}
    with mock.patch.object(protocol, "TASKS", tasks):
        server.main(arguments)


def main(arguments: list[str]) -> int:
    """Runs the command with stand-in workers."""
    # These modules need the packages of the server.
    from mono3d_addon import cli
    from mono3d_addon.web import body, connections, service

    with (
        mock.patch.object(client, "_START", _START),
        mock.patch.object(body, "_SILENCE", PATIENCE),
        mock.patch.object(connections, "HEADER_SECONDS", PATIENCE),
        mock.patch.object(service, "_SWEEP_SECONDS", SWEEP),
    ):
        return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
