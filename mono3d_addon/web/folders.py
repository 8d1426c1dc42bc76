# SPDX-License-Identifier: GPL-3.0-or-later
"""Private folders with visitors' photos and results, outside the web root, removed when no longer needed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import Mono3DError

_LOCK = "in-use"


class ServerFolder:
    """The private folder of one running server, below `parent`. Folders of servers that crashed are removed.

    Each running server holds a file lock of the operating system. Raises Mono3DError when no folder can be created.
    """

    def __init__(self, parent: Path) -> None:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            parent.chmod(0o700)
            self.path, self._lock = _own_folder(parent)
        except OSError as error:
            raise Mono3DError(
                f"Nothing can be written to '{parent}' ({error.strerror or error}); choose another --data-folder."
            ) from error
        _remove_dead(parent, self.path)
        self.uploads = self.path / "uploads"
        self.jobs = self.path / "jobs"
        for folder in (self.uploads, self.jobs):
            folder.mkdir(mode=0o700)

    def close(self) -> None:
        """Removes the folder."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _own_folder(parent: Path) -> tuple[Path, BinaryIO]:
    """Returns a new folder and its lock."""
    while True:
        path = parent / f"server-{secrets.token_hex(8)}"
        path.mkdir(mode=0o700)
        # A server that starts at the same moment may remove a folder that is not locked yet; then try again.
        with contextlib.suppress(FileNotFoundError):
            if (lock := _locked(path / _LOCK)) is not None:
                if os.path.samestat(os.fstat(lock.fileno()), (path / _LOCK).stat()):
                    return path, lock
                lock.close()


def _remove_dead(parent: Path, own: Path) -> None:
    for folder in parent.glob("server-*"):
        if folder == own or folder.is_symlink():
            continue
        with contextlib.suppress(OSError):
            lock = _locked(folder / _LOCK)
            if lock is not None:
                with lock:
                    # Windows cannot delete an open file; elsewhere the lock is held until the folder is removed.
                    if sys.platform == "win32":
                        lock.close()
                    shutil.rmtree(folder, ignore_errors=True)


def _locked(path: Path) -> BinaryIO | None:
    """Opens the file at `path`, creates it if missing, and locks it; None if another process holds the lock."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "r+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


class SharedFolder:
    """A folder that is removed once it is released and no longer in use. Use it in the event loop's thread only."""

    def __init__(self, path: Path, parent: SharedFolder | None = None) -> None:
        self.path = path
        self._parent = parent
        self._users = 0
        self._is_released = False

    @contextlib.contextmanager
    def used(self) -> Iterator[Path]:
        """Keeps the folder and its parent during the block."""
        with self._parent.used() if self._parent else contextlib.nullcontext():
            self._users += 1
            try:
                yield self.path
            finally:
                self._users -= 1
                self._remove_if_free()

    def release(self) -> None:
        """Removes the folder as soon as it is not in use."""
        self._is_released = True
        self._remove_if_free()

    def _remove_if_free(self) -> None:
        if self._is_released and self._users == 0:
            asyncio.get_running_loop().run_in_executor(None, _remove, self.path)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def size_of(folder: Path) -> int:
    """Returns the total bytes of all files below `folder`; files that vanish meanwhile are ignored."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total
