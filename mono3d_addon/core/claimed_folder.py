# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary folders that the next run removes if this one is killed.

Each holds a file that its process keeps locked. The system releases the lock when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
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


class ClaimedFolder:
    """A new folder in `parent` (default: the system's for temporary files), named `prefix`, a random word, `suffix`.

    Raises OSError if it cannot be created.
    """

    def __init__(self, prefix: str, suffix: str = "", parent: Path | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(suffix, prefix, parent))
        self._handle: int | None = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        _try_lock(self._handle)

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
                    if _is_own_folder(folder) and _is_abandoned(folder):
                        shutil.rmtree(folder, ignore_errors=True)


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


def _is_abandoned(folder: Path) -> bool:
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > _GRACE
    try:
        return _try_lock(handle)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    """Returns whether this process holds the lock now; False on file systems without locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
