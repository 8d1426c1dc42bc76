# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of what is made from a weights file: a converted copy, a graph, and the verdicts on engines.

Everything in it can be made again, and is when a file has changed: its size or time of change differs, or, where only
the time differs, its SHA-256. Each weights file has a folder of its own under `cache/engines` in the data folder, named
by the model, the file's path and its state. The folder of a replaced file is removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Mono3DError
from . import file_lock
from .engines.verdict import Verdict
from .weights import sha256_of

ENGINES = Path("cache") / "engines"
_FORMAT = 3
"""To be raised when the same weights give another network, graph, copy or verdict than before."""
_DESCRIPTION = "files.json"
_MARK = "used"
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class EngineCache:
    """The cache of one weights file; `folder` need not exist."""

    folder: Path

    def intact(self, name: str) -> Path | None:
        """Returns the folder `name` if all its files are unchanged, else None. A damaged folder is removed."""
        place = self.folder / name
        try:
            described = json.loads((place / _DESCRIPTION).read_text(encoding="utf-8"))
            if described and all(_is_as_written(place / file, entry) for file, entry in described.items()):
                return place
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        self.discard(name)
        return None

    def discard(self, name: str) -> None:
        """Removes the folder `name`."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def discard_others(self, beginning: str, name: str) -> None:
        """Removes the folders whose names start with `beginning`, such as those of other versions, except `name`."""
        for other in self.folder.glob(f"{beginning}*"):
            if other.name != name:
                shutil.rmtree(other, ignore_errors=True)

    def make_once(self, name: str, size: int, fill: Callable[[Path], None]) -> Path | None:
        """Returns the intact folder `name`; if it is missing, `fill` fills it.

        Returns None when another process holds the lock, the disk has no room for `size` bytes, or the folder cannot
        be written. If `fill` raises, the exception passes through and nothing is left behind.
        """
        found = self.intact(name)
        if found is not None:
            return found
        with self.alone() as alone:
            # Another process may have finished it before this one got the lock.
            found = self.intact(name) if alone else None
            if alone and found is None and self.room_for(size):
                with self.making(name) as folder:
                    fill(folder)
                found = self.intact(name)
        return found

    @contextlib.contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Yields an empty folder to fill. It becomes the folder `name` when the block ends; an exception removes it.

        Also removes what a killed process left, and the cache of a former file at the same path. Call it only while
        holding the lock, see `alone`. Raises OSError when the folder cannot be written.
        """
        for left in self.folder.glob(".*.partial"):
            _remove(left)
        _remove_predecessors(self.folder)
        beside = self.folder / f".{secrets.token_hex(4)}.partial"
        beside.mkdir(parents=True)
        try:
            yield beside
            described = {path.name: _described(path) for path in sorted(beside.iterdir())}
            (beside / _DESCRIPTION).write_text(json.dumps(described), encoding="utf-8")
            shutil.rmtree(self.folder / name, ignore_errors=True)
            beside.rename(self.folder / name)
        finally:
            _remove(beside)

    def room_for(self, size: int) -> bool:
        """Returns whether the disk has room for `size` bytes and some spare."""
        existing = next(folder for folder in (self.folder, *self.folder.parents) if folder.is_dir())
        return shutil.disk_usage(existing).free > size + _SPARE_BYTES

    def remember_use(self) -> bool:
        """Marks the weights as used; returns whether they were already marked. False if the mark cannot be written."""
        mark = self.folder / _MARK
        with contextlib.suppress(OSError):
            if mark.is_file():
                return True
            self.folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
        return False

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Holds this folder's lock during the block if no other process does; yields whether it holds it."""
        with contextlib.ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(file_lock.held(self.folder / ".lock", _give_up))
            except (_Busy, OSError):
                yield False
            else:
                yield True

    def verdict(self, key: str) -> Verdict | None:
        """Returns the verdict recorded under `key`; None if there is none, or if it cannot be read."""
        try:
            return Verdict(**json.loads(self._record(key).read_text(encoding="utf-8"))["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record(self, key: str, verdict: Verdict) -> None:
        """Records a verdict. If it cannot be written, the engines are compared again the next time."""
        target = self._record(key)
        content = json.dumps({"key": key, "verdict": dataclasses.asdict(verdict)}, indent=1)
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{secrets.token_hex(4)}.partial")
            beside.write_text(content, encoding="utf-8")
            beside.replace(target)

    def _record(self, key: str) -> Path:
        return self.folder / f"agreement-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


class _Busy(Mono3DError):
    """Another process holds the lock."""


def _give_up() -> None:
    raise _Busy


def cache_for(model: str, weights: Path, data_folder: Path) -> EngineCache:
    """Returns the cache of the file `weights`, in its present state, of the model named `model`."""
    place = hashlib.sha256(str(weights.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return EngineCache(data_folder / ENGINES / f"{model}-{place}-{stamp(weights)}-{_FORMAT}")


def stamp(file: Path) -> str:
    """Returns size and time of change of a file as one word."""
    found = file.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def forget(model: str, data_folder: Path) -> int:
    """Removes the caches of a model's weights, and returns how many bytes that freed."""
    size = cached_bytes(model, data_folder)
    for folder in _folders(model, data_folder):
        shutil.rmtree(folder, ignore_errors=True)
    return size


def cached_bytes(model: str, data_folder: Path) -> int:
    """Returns the size in bytes of the caches of a model's weights."""
    return sum(_size(Path(folder, file)) for top in _folders(model, data_folder) for folder, file in _walk(top))


def _folders(model: str, data_folder: Path) -> list[Path]:
    return list((data_folder / ENGINES).glob(f"{model}-????????-*-*-*"))


def _walk(folder: Path) -> Iterator[tuple[str, str]]:
    for where, _, files in os.walk(folder):
        yield from ((where, file) for file in files)


def _size(path: Path) -> int:
    """Returns the size of a file; 0 if another process has just removed it."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove_predecessors(folder: Path) -> None:
    """Removes the caches of former files at the same path."""
    same_place = folder.name.rsplit("-", 3)[0]
    for other in folder.parent.glob(f"{same_place}-*-*-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _described(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"seen": [found.st_size, found.st_mtime_ns], "sha256": sha256_of(path)}


def _is_as_written(path: Path, entry: dict[str, Any]) -> bool:
    """Returns whether a file is unchanged: by size and time of change, and if only the time differs, by its hash."""
    found = path.stat()
    size, changed = entry["seen"]
    if found.st_size != size or (found.st_mtime_ns != changed and sha256_of(path) != entry["sha256"]):
        return False
    if found.st_mtime_ns != changed:
        # So in a copied data folder. With the time restored, the next check need not read the file.
        with contextlib.suppress(OSError):
            os.utime(path, ns=(changed, changed))
    return True
