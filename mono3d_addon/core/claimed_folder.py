# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary folders that the next run removes if this one is killed.

Each holds a file that its process keeps locked. The system releases the lock when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

LOCK = ".in-use"
_GRACE = 60.0
"""Seconds for which a folder without a lock may be one that another process is just creating."""
_TRIES = 10
_HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)
"""What the system says of a lock that another process holds."""


class ClaimedFolder:
    """A new folder in `parent` (default: the system's for temporary files), named `prefix`, a random word, `suffix`.

    Raises OSError if it cannot be created.
    """

    def __init__(self, prefix: str, suffix: str = "", parent: Path | None = None) -> None:
        for _ in range(_TRIES):
            self.path = Path(tempfile.mkdtemp(suffix, prefix, parent))
            self._handle: int | None = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            # Before it was locked, another process may have taken it for abandoned.
            if _try_lock(self._handle) is not False and (self.path / LOCK).exists():
                break
            self.remove()
        else:
            raise BlockingIOError(errno.EAGAIN, "Other processes remove new folders", str(self.path))

    def remove(self) -> None:
        """Removes the folder with all in it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        shutil.rmtree(self.path, ignore_errors=True)


def remove_abandoned(parent: Path, prefix: str, suffix: str = "") -> None:
    """Removes the claimed folders of this user's killed processes from `parent`; follows no links, never raises."""
    with contextlib.suppress(OSError):
        for folder in list(parent.iterdir()):
            if folder.name.startswith(prefix) and folder.name.endswith(suffix):
                with contextlib.suppress(OSError):
                    if _is_own_folder(folder):
                        _remove_if_abandoned(folder)


def is_claimed(folder: Path) -> bool:
    """Returns whether a process holds a claimed folder, which this one does not."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        return not _try_lock(handle)
    finally:
        os.close(handle)


def _is_own_folder(folder: Path) -> bool:
    """Returns whether a path is a folder, not a link to one, of this user."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and (sys.platform == "win32" or status.st_uid == os.geteuid())


def _remove_if_abandoned(folder: Path) -> None:
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        if time.time() - folder.stat().st_mtime > _GRACE:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        is_abandoned = _try_lock(handle) is True
        # A process that is just creating the folder learns from the lock, or from what is left, that it is gone.
        if is_abandoned and sys.platform != "win32":
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
    # Windows removes no open file, and so none of a folder that is just being created.
    if is_abandoned and sys.platform == "win32":
        shutil.rmtree(folder, ignore_errors=True)


def _try_lock(handle: int) -> bool | None:
    """Returns whether this process holds the lock now, and not another; None on file systems without locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
