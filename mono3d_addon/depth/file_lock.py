# SPDX-License-Identifier: GPL-3.0-or-later
"""One process at a time, by a lock that the operating system holds.

It lets go of the lock when the process ends, however it ends, so there is no stale lock to recognise.
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
    """Holds the lock of the file `path`, which is made and stays, for the length of the block.

    Calls `while_waiting` about ten times a second as long as another process has it; what that raises ends the wait.
    Raises OSError when the file cannot be made.
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
    """Tells whether this process now has the lock, or whether the file system knows no locks, as some of networks."""
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
