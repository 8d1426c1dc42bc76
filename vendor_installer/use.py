# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages folders are in use, so that none is deleted under a running process.

A process that has a packages folder on its path holds a shared lock on a file inside; whoever wants to delete the
folder must get the exclusive one. Whoever starts a child takes the lock and hands it on as an open file, so it is held
from before the child's first import until its end, however it ends, also when the starter ends first. Windows needs
no such lock: it lets nobody rename a folder from which a library is loaded.
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
"""How the names of packages folders and of those that are being deleted begin."""


@contextlib.contextmanager
def in_use(folders: Iterable[Path]) -> Iterator[tuple[int, ...]]:
    """Holds packages folders for the length of the block; yields the open files that a child has to inherit.

    What is no packages folder of an environment is passed over. Raises InstallError when one has just been removed.
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
    """Returns the open, locked file; None where it is missing and may not be made: then nobody may delete either."""
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
    """Takes its name from a packages folder that is to be deleted; returns the new one, None where it is in use."""
    with _exclusive(folder / MARK) as free:
        return rename(folder) if free else None


def rename(folder: Path) -> Path | None:
    """Gives a folder a name by which it is found again when a kill leaves it half deleted; None where it cannot be."""
    doomed = folder.with_name(f"{REMOVED}{secrets.token_hex(4)}")
    try:
        return folder.rename(doomed)
    except OSError:
        return None


@contextlib.contextmanager
def _exclusive(mark: Path) -> Iterator[bool]:
    if sys.platform == "win32":
        yield True
        return
    import fcntl

    try:
        # Made where it is missing, so that nobody can take it between here and the renaming.
        handle = os.open(mark, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield not mark.exists()  # without the file nobody can hold it
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
