# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that others start, as the tests see them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def children(process: int) -> set[int]:
    """Returns the processes that a process started and that still run."""
    found = subprocess.run(["ps", "--ppid", str(process), "-o", "pid="], capture_output=True, text=True, check=False)
    return {int(word) for word in found.stdout.split()}


def exists(process: int) -> bool:
    """Returns whether a process runs, by Linux's /proc; one that has ended and is not yet reaped does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def comes(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Waits for a condition; returns whether it holds in the end."""
    ends = time.monotonic() + seconds
    while not holds() and time.monotonic() < ends:
        time.sleep(0.05)
    return holds()
