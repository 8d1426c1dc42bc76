# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock between processes, held by the operating system.

The system releases it when the process ends, however it ends, so there are no stale locks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_INTERVAL = 0.1
_BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@contextlib.contextmanager
def held(path: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the lock of the file `path` during the block. The file is created if needed, and is not removed.

    Calls `while_waiting` about ten times a second while another process holds the lock; an exception from it ends the
    wait. Raises OSError when the file cannot be created.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    try:
        while not _try_lock(handle):
            while_waiting()
            time.sleep(_INTERVAL)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    """Returns whether this process holds the lock now; also True on file systems without locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY
    return True
