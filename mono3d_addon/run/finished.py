# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of finished photos in an output folder: what each result was made from.

One line of JSON per photo in a hidden file beside the results. It is only appended to, so that several runs may share a
folder; the last line of a photo counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..settings import Settings
from .made_from import Digests

RECORD = ".mono3d-results.jsonl"


class FinishedPhotos:
    """What is known of the finished photos in an output folder, for one run.

    The record is read once and then only what was appended to it since, by this run or by others that share the
    folder. A file is hashed once, and again only if it has changed. All methods may be called from any thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, dict[str, Any]] = {}
        self._read = 0
        self._digests = Digests()
        self._lock = threading.Lock()

    def made_from(self, photo: Path, settings: Settings, weights: str, compress: str = "none") -> dict[str, str] | None:
        """Returns the hashes of what a photo's results are made from, as `Digests.made_from` does."""
        return self._digests.made_from(photo, settings, weights, compress)

    def remember(self, name: str, source: Mapping[str, str], files: Iterable[Path]) -> None:
        """Appends the record of the photo whose results are called `name`; nothing if the folder cannot be written."""
        line = {"name": name, **source, "files": {path.name: path.stat().st_size for path in files}}
        with contextlib.suppress(OSError), (self._folder / RECORD).open("ab") as file:
            file.write((json.dumps(line) + "\n").encode())

    def is_finished(self, name: str, source: Mapping[str, str] | None, files: Iterable[Path]) -> bool:
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
