# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is doing now, as lines for Prometheus."""

from __future__ import annotations

import os
import shutil
from collections import Counter

from ..version import version
from .jobs import STATES
from .metrics import gauge, memory_of
from .service import Service


def lines(service: Service) -> list[str]:
    """Returns the lines of all counts and of the present state."""
    jobs = list(service.shelf)
    states = Counter(job.state for job in jobs)
    pool = service.pool
    found = gauge("mono3d_info", "The program.", [({"version": version()}, 1)])
    found += gauge("mono3d_jobs", "Jobs that are kept, by state.", [({"state": one}, states[one]) for one in STATES])
    found += gauge("mono3d_queue", "Requests that wait for a worker.", [({}, pool.waiting)])
    found += gauge("mono3d_workers", "Workers by state.", [({"state": one}, n) for one, n in pool.workers().items()])
    processes = {"server": os.getpid(), **{f"worker {number}": id for number, id in enumerate(pool.processes(), 1)}}
    memory = [({"process": name}, used) for name, id in processes.items() if (used := memory_of(id)) is not None]
    found += gauge("mono3d_memory_bytes", "Memory of the processes.", memory)
    disk = {"results": service.shelf.bytes, "most": service.options.max_gigabytes * 1e9}
    disk["free"] = shutil.disk_usage(service.folder.path).free
    text = "Bytes that results take, that they may take, and that are free on their disk."
    found += gauge("mono3d_disk_bytes", text, [({"of": name}, size) for name, size in disk.items()])
    return [*found, *service.counts.lines()]
