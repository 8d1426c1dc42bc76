# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of finished photos in an output folder: what each result was made from.

One line of JSON per photo in a hidden file beside the results. It is only appended to, so that several runs may share a
folder; the last line of a photo counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.plain_name import comparable
from ..core.user_path import user_path
from ..settings import Settings

RECORD = ".mono3d-results.jsonl"
_FILES = ("mask", "depth_file", "weights")


class FinishedPhotos:
    """What is known of the finished photos in an output folder, for one run.

    The record is read once and then only what was appended to it since, by this run or by others that share the
    folder. A file is hashed once, and again only if it has changed. All methods may be called from any thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, dict[str, Any]] = {}
        self._read = 0
        self._digests: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()

    def made_from(self, photo: Path, settings: Settings, weights: str) -> dict[str, str] | None:
        """Returns the hashes of what a photo's results are made from; None if the photo cannot be read.

        `weights` is the hash of the network's weights. Masks and depth maps count by their content, not by their path;
        in a folder of them those count whose name begins with the photo's.
        """
        try:
            content = self._digest_of(photo)
        except OSError:
            return None
        values: dict[str, Any] = {
            key: value for key, value in dataclasses.asdict(settings).items() if key not in _FILES
        }
        for key in ("mask", "depth_file"):
            values[key] = self._companions(getattr(settings, key), photo)
        text = json.dumps(values, sort_keys=True)
        return {"photo": content, "settings": hashlib.sha256(text.encode()).hexdigest(), "weights": weights}

    def remember(self, name: str, source: dict[str, str], files: Iterable[Path]) -> None:
        """Appends the record of the photo whose results are called `name`; nothing if the folder cannot be written."""
        line = {"name": name, **source, "files": {path.name: path.stat().st_size for path in files}}
        with contextlib.suppress(OSError), (self._folder / RECORD).open("ab") as file:
            file.write((json.dumps(line) + "\n").encode())

    def is_finished(self, name: str, source: dict[str, str] | None, files: Iterable[Path]) -> bool:
        """Returns whether the results called `name` were made from `source`, and all `files` and textures are whole.

        Whole means: there, not empty, and of the recorded size.
        """
        last = self._line_of(name)
        if source is None or last is None or any(last.get(key) != value for key, value in source.items()):
            return False
        sizes = last.get("files")
        if not isinstance(sizes, dict) or not {path.name for path in files} <= sizes.keys():
            return False
        try:
            return all(0 < (self._folder / file).stat().st_size == size for file, size in sizes.items())
        except OSError:
            return False

    def _line_of(self, name: str) -> dict[str, Any] | None:
        """Returns the last line of a photo, those included that were appended since the last call."""
        with self._lock:
            try:
                with (self._folder / RECORD).open("rb") as file:
                    if file.seek(0, os.SEEK_END) < self._read:
                        # Somebody has replaced it.
                        self._lines, self._read = {}, 0
                    file.seek(self._read)
                    added = file.read()
            except OSError:
                return None
            # Another run may be writing its last line; a killed one may have left half a line.
            whole, _, _ = added.rpartition(b"\n")
            self._read += len(whole) + 1 if whole else 0
            for line in whole.splitlines():
                with contextlib.suppress(ValueError):
                    found = json.loads(line)
                    if isinstance(found, dict):
                        self._lines[str(found.get("name"))] = found
            return self._lines.get(name)

    def _companions(self, place: str, photo: Path) -> list[Any]:
        if not place:
            return []
        path = user_path(place)
        try:
            if not path.is_dir():
                return [self._digest_of(path)]
            stem = comparable(photo.stem)
            near = sorted(item for item in path.iterdir() if comparable(item.name).startswith(stem))
            return [
                [item.name.encode(errors="replace").decode(), self._digest_of(item)] for item in near if item.is_file()
            ]
        except OSError:
            return [place]

    def _digest_of(self, path: Path) -> str:
        """Returns the SHA-256 of a regular file. Raises OSError for anything else, which reading might never end."""
        about = path.stat()
        key = (str(path), about.st_mtime_ns, about.st_size)
        with self._lock:
            known = self._digests.get(key)
        if known is None:
            known = _digest_of(path)
            with self._lock:
                self._digests[key] = known
        return known


def _digest_of(path: Path) -> str:
    """Returns the SHA-256 of a regular file. Raises OSError for anything else, which reading might never end."""
    if not path.is_file():
        raise OSError(f"{path} is no file that can be read")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
