# SPDX-License-Identifier: GPL-3.0-or-later
"""The file lock that allows one installation at a time in a data folder.

The operating system releases the lock when the process ends, however it ends, so no lock becomes stale. The file
contains the owner's process id, for the message only.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .errors import InstallError


class Busy(InstallError):
    """Another installation holds the lock."""


# On Windows a locked byte cannot be read, so it lies beyond the text.
_LOCKED_BYTE = 4096


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock file `path` for the length of the block.

    Raises Busy at once when another installation holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _lock(handle)
        except OSError as error:
            owner = _owner(path)
            raise Busy(
                f"Another installation{owner} is using this data folder: wait until it has finished, then try again."
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def _owner(path: Path) -> str:
    with contextlib.suppress(OSError):
        text = path.read_text("ascii", "replace").strip()
        return f" (process {text})" if text.isdigit() else ""
    return ""


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
