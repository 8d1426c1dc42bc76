# SPDX-License-Identifier: GPL-3.0-or-later
"""Private folders with visitors' photos and results, outside the web root, removed when no longer needed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import Mono3DError

_LOCK = "in-use"
_PORT = "port"


class ServerFolder:
    """The private folder of one running server, below `parent`.

    A server that keeps its jobs takes over the folder of one that has ended, that of its own `port` if there is one.
    Folders that nobody takes are removed once nothing in them has changed for `keep_seconds`; those of servers that do
    not keep their jobs, which are those without a `port`, at once. Each running server holds a file lock of the
    operating system. Raises Mono3DError when no folder can be created.
    """

    def __init__(self, parent: Path, port: int | None = None, keep_seconds: float = 0.0) -> None:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            parent.chmod(0o700)
            taken = _taken_over(parent, port) if port is not None else None
            self.path, self._lock = taken or _own_folder(parent)
            self.uploads = self.path / "uploads"
            self.jobs = self.path / "jobs"
            # What a server that was killed was just receiving.
            shutil.rmtree(self.uploads, ignore_errors=True)
            for folder in (self.uploads, self.jobs):
                folder.mkdir(mode=0o700, exist_ok=True)
            if port is not None:
                (self.path / _PORT).write_text(str(port), encoding="ascii")
        except OSError as error:
            raise Mono3DError(
                f"Nothing can be written to '{parent}' ({error.strerror or error}); choose another --data-folder."
            ) from error
        _remove_old(parent, self.path, keep_seconds)

    def close(self) -> None:
        """Releases the folder for the next server, or removes it if there are no jobs in it to keep."""
        shutil.rmtree(self.uploads, ignore_errors=True)
        keeps_jobs = (self.path / _PORT).exists() and any(self.jobs.iterdir())
        if not keeps_jobs and sys.platform != "win32":
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        if not keeps_jobs:
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


def _taken_over(parent: Path, port: int) -> tuple[Path, BinaryIO] | None:
    """Returns the folder of a server that has ended, and its lock; None if there is none."""
    left = [folder for folder in parent.glob("server-*") if not folder.is_symlink() and _port_of(folder) is not None]
    for folder in sorted(left, key=lambda folder: (_port_of(folder) != port, folder.name)):
        # Another server may remove it meanwhile.
        with contextlib.suppress(OSError):
            if (lock := _locked(folder / _LOCK)) is not None:
                if (folder / "jobs").is_dir() and os.path.samestat(os.fstat(lock.fileno()), (folder / _LOCK).stat()):
                    return folder, lock
                lock.close()
    return None


def _port_of(folder: Path) -> int | None:
    try:
        return int((folder / _PORT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _remove_old(parent: Path, own: Path, keep_seconds: float) -> None:
    """Removes the folders of other servers that have ended, once nothing in them is young enough to be kept."""
    for folder in parent.glob("server-*"):
        if folder == own or folder.is_symlink():
            continue
        with contextlib.suppress(OSError):
            lock = _locked(folder / _LOCK)
            if lock is not None:
                with lock:
                    changes = [job.stat().st_mtime for job in folder.glob("jobs/*/*.json")]
                    is_young = time.time() - max(changes, default=0.0) <= keep_seconds
                    if is_young and _port_of(folder) is not None:
                        continue
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
        self._removal: asyncio.Future[None] | None = None

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

    async def removed(self) -> None:
        """Waits until the folder is removed, if that has begun."""
        if self._removal is not None:
            await asyncio.shield(self._removal)

    def _remove_if_free(self) -> None:
        if self._is_released and self._users == 0:
            self._removal = asyncio.get_running_loop().run_in_executor(None, _remove, self.path)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def empty(folder: Path, *keep: str) -> None:
    """Removes all in a folder except the entries of the names `keep`."""
    for path in folder.iterdir():
        if path.name not in keep:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()


def size_of(folder: Path) -> int:
    """Returns the total bytes of all files below `folder`; files that vanish meanwhile are ignored."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total
