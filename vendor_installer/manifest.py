# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of an installed environment: the file that marks it as complete.

It names the packages folder, is written last and replaces the previous one atomically. If an installation fails, the
previous manifest and its packages folder remain. A packages folder that no manifest names can be deleted.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .folders import Folders, size_text
from .graphics import BACKEND_NAMES

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Installed:
    """An installed component.

    packages          packages folder; goes first in a child process's module search path
    lock_digest       digest of the plan (`plans.digest_of`)
    hashes_complete   whether every file was pinned by its hash
    versions          name -> version of the installed packages
    system            name -> version of the packages that the interpreter provides itself
    files             name of the package -> bytes of its unpacked files
    stored_bytes      bytes on disk
    seconds           duration of the installation
    installed_at      date and time in UTC, ISO 8601
    """

    component: str
    python_tag: str
    platform: str
    backend: str
    packages: Path
    lock_digest: str
    hashes_complete: bool
    versions: Mapping[str, str]
    system: Mapping[str, str]
    files: Mapping[str, int]
    stored_bytes: int
    seconds: float
    installed_at: str

    @property
    def name(self) -> str:
        """Name of the environment and of its lock."""
        return f"{self.component}-{self.python_tag}-{self.platform}-{self.backend}"

    def summary(self) -> str:
        """Returns a description for people, a few lines of text: versions, backend, size, date, folder."""
        largest = sorted(self.versions, key=lambda name: -self.files.get(name, 0))[:5]
        lines = [
            f"{self.component}: " + ", ".join(f"{name} {self.versions[name]}" for name in largest),
            *([f"  provided by this Python: {', '.join(map(' '.join, self.system.items()))}"] if self.system else []),
            f"  for {BACKEND_NAMES.get(self.backend, self.backend)}, {size_text(self.stored_bytes)}, "
            f"installed on {self.installed_at[:10]}"
            + ("" if self.hashes_complete else ", some files not pinned by a hash"),
            f"  in {self.packages.parent}",
        ]
        return "\n".join(lines)


def write(installed: Installed) -> None:
    """Writes the manifest beside the packages folder, replacing the previous one atomically."""
    folder = installed.packages.parent
    values = dataclasses.asdict(installed) | {"packages": installed.packages.name, "format": FORMAT}
    partial = folder / f".{NAME}.{secrets.token_hex(4)}.partial"
    with partial.open("w", encoding="utf-8") as sink:
        json.dump(values, sink, indent=1)
        sink.flush()
        os.fsync(sink.fileno())
    partial.replace(folder / NAME)


def read(folder: Path) -> Installed | None:
    """Returns the content of an environment's manifest; None if there is none or its packages folder is missing."""
    try:
        values = json.loads((folder / NAME).read_text("utf-8"))
        if values.pop("format") != FORMAT:
            return None
        packages = folder / Path(values.pop("packages")).name
        installed = Installed(packages=packages, **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return installed if packages.is_dir() else None


def running_tag() -> str:
    """Returns the tag of the running Python, such as 'cp311'."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def find(
    component: str, data_folder: Path, python_tag: str | None = None, backend: str | None = None
) -> Installed | None:
    """Returns the installed component for a Python (by default the running one), or None.

    Reads one small file per backend. Without `backend`, returns the most recent installation.

    """
    prefix = f"{component}-{python_tag or running_tag()}-"
    environments = Folders(data_folder).environments
    try:
        names = [item.name for item in os.scandir(environments) if item.name.startswith(prefix)]
    except OSError:
        return None
    found = [item for item in map(read, (environments / name for name in names)) if item is not None]
    if backend is not None:
        found = [item for item in found if item.backend == backend]
    return max(found, key=lambda item: item.installed_at, default=None)


def find_all(data_folder: Path) -> tuple[Installed, ...]:
    """Returns every installed environment, sorted by name."""
    try:
        folders = sorted(Path(item.path) for item in os.scandir(Folders(data_folder).environments) if item.is_dir())
    except OSError:
        return ()
    return tuple(item for item in map(read, folders) if item is not None)
