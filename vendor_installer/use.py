# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on packages folders, so that none is deleted while a process uses it.

A process that uses a packages folder holds a shared lock on a file in it; deleting the folder requires the exclusive
lock. The parent takes the shared lock and the child inherits the open file, so the lock is held from before the
child's first import until its end, even if the parent ends first. Windows needs no lock: a folder from which a library
is loaded cannot be renamed there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import InstallError

MARK = ".in-use"
PACKAGES, REMOVED = "packages-", ".removed-"
"""Prefixes of packages folders and of folders that are being deleted."""


@contextlib.contextmanager
def in_use(folders: Iterable[Path]) -> Iterator[tuple[int, ...]]:
    """Locks packages folders during the block; yields the file descriptors that a child has to inherit.

    Ignores other folders. Raises InstallError if a packages folder has just been removed.
    """
    with contextlib.ExitStack() as stack:
        handles = []
        for folder in folders:
            if sys.platform != "win32" and folder.name.startswith(PACKAGES):
                handle = _shared(folder)
                if handle is not None:
                    stack.callback(os.close, handle)
                    handles.append(handle)
        yield tuple(handles)


def _shared(folder: Path) -> int | None:
    """Returns the descriptor of the locked file; None if it cannot be created, as then the folder is read-only."""
    assert sys.platform != "win32"
    import fcntl

    try:
        handle = _opened(folder / MARK)
    except FileNotFoundError as error:
        raise _gone(folder) from error
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), (folder / MARK).stat()):
            raise FileNotFoundError(folder)
    except OSError as error:
        os.close(handle)
        raise _gone(folder) from error
    return handle


def _opened(mark: Path) -> int:
    try:
        return os.open(mark, os.O_RDONLY)
    except FileNotFoundError:
        return os.open(mark, os.O_RDONLY | os.O_CREAT, 0o644)


def _gone(folder: Path) -> InstallError:
    return InstallError(
        f"The packages in '{folder}' have just been removed or replaced: try again, or install them again."
    )


def rename_unused(folder: Path) -> Path | None:
    """Renames a packages folder for deletion; returns the new path, None if the folder is in use."""
    with _exclusive(folder / MARK) as free:
        return rename(folder) if free else None


def rename(folder: Path) -> Path | None:
    """Renames a folder so that its deletion can be resumed after a crash; returns None if it cannot be renamed."""
    renamed = folder.with_name(f"{REMOVED}{secrets.token_hex(4)}")
    try:
        return folder.rename(renamed)
    except OSError:
        return None


@contextlib.contextmanager
def _exclusive(mark: Path) -> Iterator[bool]:
    if sys.platform == "win32":
        yield True
        return
    import fcntl

    try:
        # Created if missing, so that no process can lock it between here and the renaming.
        handle = os.open(mark, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield not mark.exists()  # without the file there can be no lock
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except OSError:
        free = False
    try:
        yield free
    finally:
        os.close(handle)
