# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result is made from, as hashes: the photo, the settings with the files that they name, the weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

from ..core.plain_name import comparable
from ..core.user_path import user_path
from ..settings import Settings

_FILES = ("mask", "depth_file", "weights")
_IDENTITY = 20
"""Hexadecimal digits of an identity: two of a thousand million results are the same with a chance of 1 : 2,000,000."""


class Digests:
    """Hashes files, each once, and again only if it has changed. All methods may be called from any thread.

    `most` is how many are remembered, the last ones; 0: all.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._known: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()

    def made_from(self, photo: Path, settings: Settings, weights: str, compress: str = "none") -> dict[str, str] | None:
        """Returns the hashes of what a photo's results are made from; None if the photo cannot be read.

        `weights` is the hash of the network's weights. Masks and depth maps count by their content, not by their path;
        in a folder of them those count whose name begins with the photo's. `compress` is one of `settings.COMPRESS`.
        """
        try:
            content = self.of(photo)
        except OSError:
            return None
        values: dict[str, Any] = {
            key: value for key, value in dataclasses.asdict(settings).items() if key not in _FILES
        }
        for key in ("mask", "depth_file"):
            values[key] = self._companions(getattr(settings, key), photo)
        if compress != "none":
            values["compress"] = compress
        text = json.dumps(values, sort_keys=True)
        return {"photo": content, "settings": hashlib.sha256(text.encode()).hexdigest(), "weights": weights}

    def of(self, path: Path) -> str:
        """Returns the SHA-256 of a regular file. Raises OSError for anything else, which reading might never end."""
        about = path.stat()
        key = (str(path), about.st_mtime_ns, about.st_size)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = _digest_of(path)
            with self._lock:
                self._known[key] = known
                if 0 < self._most < len(self._known):
                    self._known.pop(next(iter(self._known)))
        return known

    def _companions(self, place: str, photo: Path) -> list[Any]:
        if not place:
            return []
        path = user_path(place)
        try:
            if not path.is_dir():
                return [self.of(path)]
            stem = comparable(photo.stem)
            near = sorted(item for item in path.iterdir() if comparable(item.name).startswith(stem))
            return [[item.name.encode(errors="replace").decode(), self.of(item)] for item in near if item.is_file()]
        except OSError:
            return [place]


def identity(*parts: object) -> str:
    """Returns the name of all that `parts`, values that JSON knows, say: hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_IDENTITY]


def _digest_of(path: Path) -> str:
    """Returns the SHA-256 of a regular file. Raises OSError for anything else, which reading might never end."""
    if not path.is_file():
        raise OSError(f"{path} is no file that can be read")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
