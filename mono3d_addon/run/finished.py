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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..core.plain_name import comparable
from ..core.user_path import user_path
from ..settings import Settings

RECORD = ".mono3d-results.jsonl"
_FILES = ("mask", "depth_file", "weights")


def made_from(photo: Path, settings: Settings, weights: str) -> dict[str, str] | None:
    """Returns the hashes of what a photo's results are made from; None if the photo cannot be read.

    `weights` is the hash of the network's weights. Masks and depth maps count by their content, not by their path; in a
    folder of them those count whose name begins with the photo's.
    """
    try:
        content = _digest_of(photo)
    except OSError:
        return None
    values: dict[str, Any] = {key: value for key, value in dataclasses.asdict(settings).items() if key not in _FILES}
    for key in ("mask", "depth_file"):
        values[key] = _companions(getattr(settings, key), photo)
    text = json.dumps(values, sort_keys=True)
    return {"photo": content, "settings": hashlib.sha256(text.encode()).hexdigest(), "weights": weights}


def remember(folder: Path, name: str, source: dict[str, str], files: Iterable[Path]) -> None:
    """Appends the record of the photo whose results are called `name`; does nothing if the folder cannot be written."""
    line = {"name": name, **source, "files": {path.name: path.stat().st_size for path in files}}
    with contextlib.suppress(OSError), (folder / RECORD).open("ab") as file:
        file.write((json.dumps(line) + "\n").encode())


def is_finished(folder: Path, name: str, source: dict[str, str] | None, files: Iterable[Path]) -> bool:
    """Returns whether the results called `name` were made from `source`, and all `files` and their textures are whole.

    Whole means: there, not empty, and of the recorded size.
    """
    last = next((line for line in _lines_backwards(folder) if line.get("name") == name), None)
    if source is None or last is None or any(last.get(key) != value for key, value in source.items()):
        return False
    sizes = last.get("files")
    if not isinstance(sizes, dict) or not {path.name for path in files} <= sizes.keys():
        return False
    try:
        return all(0 < (folder / file).stat().st_size == size for file, size in sizes.items())
    except OSError:
        return False


def _lines_backwards(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = (folder / RECORD).read_bytes().splitlines()
    except OSError:
        return
    for line in reversed(lines):
        # A killed run may truncate its last line.
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found


def _companions(place: str, photo: Path) -> list[Any]:
    if not place:
        return []
    path = user_path(place)
    try:
        if not path.is_dir():
            return [_digest_of(path)]
        stem = comparable(photo.stem)
        near = sorted(item for item in path.iterdir() if comparable(item.name).startswith(stem))
        return [[item.name.encode(errors="replace").decode(), _digest_of(item)] for item in near if item.is_file()]
    except OSError:
        return [place]


def _digest_of(path: Path) -> str:
    """Returns the SHA-256 of a regular file. Raises OSError for anything else, which reading might never end."""
    if not path.is_file():
        raise OSError(f"{path} is no file that can be read")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
