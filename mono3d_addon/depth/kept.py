# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of a weights file and kept for the next time: a converted copy, a graph, and which engines agreed.

All of it can be made again, and is, whenever a file is not as it was written. Each weights file has a folder of its
own under `cache/engines` in the data folder, named by the model, the file's place and its state; the folder of a
replaced file goes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Mono3DError
from . import file_lock
from .engines.verdict import Verdict
from .weights import sha256_of

ENGINES = Path("cache") / "engines"
_DESCRIPTION = "files.json"
_MARK = "used"
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class Kept:
    """What is kept for one weights file; `folder` need not exist."""

    folder: Path

    def whole(self, name: str) -> Path | None:
        """Returns the folder `name` when every file in it is as it was written, else None; a spoilt one is removed."""
        place = self.folder / name
        try:
            described = json.loads((place / _DESCRIPTION).read_text(encoding="utf-8"))
            if described and all(_is_as_written(place / file, entry) for file, entry in described.items()):
                return place
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        shutil.rmtree(place, ignore_errors=True)
        return None

    @contextlib.contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Yields an empty folder to fill; when the block ends well it becomes the folder `name`, else it goes.

        What a killed process left is cleared away: call it where no other process is making something, see `alone`.
        Raises OSError when nothing can be written.
        """
        for left in self.folder.glob(".*.partial"):
            _remove(left)
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
        """Tells whether the disk takes `size` bytes more and is not full then."""
        existing = next(folder for folder in (self.folder, *self.folder.parents) if folder.is_dir())
        return shutil.disk_usage(existing).free > size + _SPARE_BYTES

    def remember_use(self) -> bool:
        """Marks the weights as used; tells whether they had been before. False too where nothing can be written."""
        mark = self.folder / _MARK
        with contextlib.suppress(OSError):
            if mark.is_file():
                return True
            self.folder.mkdir(parents=True, exist_ok=True)
            _remove_predecessors(self.folder)
            mark.touch()
        return False

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Holds this folder's lock for the block if no other process has it; yields whether it does."""
        with contextlib.ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(file_lock.held(self.folder / ".lock", _give_up))
            except (_Busy, OSError):
                yield False
            else:
                yield True

    def verdict(self, key: str) -> Verdict | None:
        """Returns what was recorded under `key`; None where nothing is, or nothing that makes sense."""
        try:
            return Verdict(**json.loads(self._record(key).read_text(encoding="utf-8"))["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record(self, key: str, verdict: Verdict) -> None:
        """Records a verdict. Where nothing can be written, the comparison is made again the next time."""
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
    """Another process is at it."""


def _give_up() -> None:
    raise _Busy


def kept_for(model: str, weights: Path, data_folder: Path) -> Kept:
    """Returns what is kept for the file `weights` of the model named `model`, as the file is now."""
    place = hashlib.sha256(str(weights.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return Kept(data_folder / ENGINES / f"{model}-{place}-{stamp(weights)}")


def stamp(file: Path) -> str:
    """Returns what changes when the file is replaced."""
    found = file.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def forget(model: str, data_folder: Path) -> int:
    """Removes all that is kept for a model's weights, and returns how many bytes that was."""
    size = kept_bytes(model, data_folder)
    for folder in _folders(model, data_folder):
        shutil.rmtree(folder, ignore_errors=True)
    return size


def kept_bytes(model: str, data_folder: Path) -> int:
    """Returns how many bytes are kept for a model's weights."""
    return sum(
        path.stat().st_size for folder in _folders(model, data_folder) for path in folder.rglob("*") if path.is_file()
    )


def _folders(model: str, data_folder: Path) -> list[Path]:
    return list((data_folder / ENGINES).glob(f"{model}-????????-*-*"))


def _remove_predecessors(folder: Path) -> None:
    """Removes what was kept for the file that lay in the same place before."""
    same_place = folder.name.rsplit("-", 2)[0]
    for other in folder.parent.glob(f"{same_place}-*-*"):
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
    """Tells whether a file is what it was: by its size and time of change, and where only the time differs, by hash."""
    found = path.stat()
    size, changed = entry["seen"]
    return found.st_size == size and (found.st_mtime_ns == changed or sha256_of(path) == entry["sha256"])
