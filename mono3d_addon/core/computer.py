# SPDX-License-Identifier: GPL-3.0-or-later
"""What of this computer a process may use."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path


def processors(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Returns how many processors this process may use; `quota` is Linux's file with a container's share."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text(encoding="ascii").split()
        return max(1, min(count, round(int(share) / int(period))))
    # No such file outside Linux; the word "max" instead of a number where there is no limit.
    except (OSError, ValueError, ZeroDivisionError):
        return count


def threads() -> int:
    """Returns how many threads to compute with: the user's own OMP_NUM_THREADS, else one for each processor."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) > 0 else processors()


def free_memory(meminfo: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Returns the memory that a process can still get, in bytes; None if the system does not say.

    A container's limit counts. Where a system tells only its whole memory (macOS), half of that.
    """
    if sys.platform == "win32":
        return _free_on_windows()
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        except (OSError, ValueError):
            return None
    try:
        limit, used = (int((group / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current"))
        return max(0, min(free, limit - used))
    # No such files outside containers; the word "max" where there is no limit.
    except (OSError, ValueError):
        return free


def _free_on_windows() -> int | None:
    """Returns `ullAvailPhys` of Windows' structure MEMORYSTATUSEX."""
    status = (ctypes.c_uint64 * 8)()
    # Its first two fields are of 32 bits: the structure's own size, and the load in percent.
    ctypes.c_uint32.from_buffer(status).value = ctypes.sizeof(status)
    done = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status[2]) if done else None


def resident_memory(process: int, processes: Path = Path("/proc")) -> int | None:
    """Returns the bytes of memory that a process occupies; None if the system does not say (outside Linux)."""
    try:
        pages = int((processes / str(process) / "statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
