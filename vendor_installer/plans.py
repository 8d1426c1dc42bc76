# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an installation: packages, sizes, folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import locks, manifest
from .component import Component
from .folders import size_text
from .graphics import BACKEND_NAMES, Graphics
from .interpreter import Interpreter


@dataclass(frozen=True)
class PlannedPackage:
    """One package of a plan.

    locked         its line of the lock
    source         where the file comes from, for people
    extra_index    address of a package index to use beside pip's own; empty for none
    downloaded     whether the file is on this machine already
    wheel          its file in a wheelhouse
    wheel_sha256   SHA-256 of `wheel` from the wheelhouse's list
    """

    locked: locks.LockedFile
    source: str
    extra_index: str = ""
    downloaded: bool = False
    wheel: Path | None = None
    wheel_sha256: str | None = None

    @property
    def name(self) -> str:
        """Name of the package."""
        return self.locked.name

    @property
    def version(self) -> str:
        """Its exact version."""
        return self.locked.version

    @property
    def hashed(self) -> bool:
        """Whether the lock pins the file by its hash."""
        return self.locked.sha256 is not None


@dataclass(frozen=True)
class Request:
    """The arguments of `plan`, from which the plan can be made again."""

    component: str
    data_folder: Path
    backend: str | None
    python: str
    system: tuple[str, ...]
    locks_folder: Path | None
    wheelhouse: Path | None
    target: tuple[str, str] | None


@dataclass(frozen=True)
class Plan:
    """What will be installed and where; made by `plan`, carried out by `install`.

    system            name and version of each package that the interpreter provides itself
    target            folder of the environment
    download_bytes    bytes that are still to be downloaded
    stored_bytes      bytes on disk after the installation
    notes             sentences for the user
    sources_checked   whether the package indexes were queried, or are not needed because of a wheelhouse
    installed         what is installed in `target` now
    graphics          the graphics card that was detected; None if none was looked for
    """

    request: Request
    component: Component
    interpreter: Interpreter
    backend: str
    lock: locks.Lock
    packages: tuple[PlannedPackage, ...]
    system: tuple[tuple[str, str], ...]
    data_folder: Path
    target: Path
    download_bytes: int
    stored_bytes: int
    notes: tuple[str, ...]
    sources_checked: bool
    installed: manifest.Installed | None
    graphics: Graphics | None = None

    @property
    def python(self) -> str:
        """The interpreter's path."""
        return self.interpreter.executable

    @property
    def digest(self) -> str:
        """SHA-256 of what the plan installs; see `digest_of`."""
        return digest_of(self.lock, (name for name, _ in self.system))

    @property
    def done(self) -> bool:
        """Whether exactly this is installed already."""
        return self.installed is not None and self.installed.lock_digest == self.digest

    def summary(self) -> str:
        """Returns the plan for people, a few lines of text: packages, sizes, folder."""
        download = f"download {size_text(self.download_bytes)}" if self.download_bytes else "nothing to download"
        largest = sorted(self.packages, key=lambda item: -item.locked.stored)
        lines = [
            f"{self.component.name}: {self.component.purpose}",
            f"  {len(self.packages)} packages for Python {self.interpreter.version} "
            f"({self.lock.platform}, {BACKEND_NAMES.get(self.backend, self.backend)}): "
            + ", ".join(f"{item.name} {item.version}" for item in largest[:5])
            + (f" and {len(self.packages) - 5} smaller ones" if len(self.packages) > 5 else ""),
            *([f"  Found: {self.graphics.text}"] if self.graphics else []),
            f"  {download}, on disk {size_text(self.stored_bytes)}, in {self.target}",
        ]
        if self.done:
            lines.append("  Already installed.")
        if self.system:
            lines.append(
                "  Provided by this Python: " + ", ".join(f"{name} {version}" for name, version in self.system)
            )
        unhashed = [item.name for item in self.packages if not item.hashed]
        if unhashed:
            lines.append(f"  Not pinned by a hash, which is not known yet: {', '.join(unhashed)}.")
        return "\n".join((*lines, *(f"  {note}" for note in self.notes)))


def digest_of(lock: locks.Lock, system: Iterable[str]) -> str:
    """Returns the SHA-256 of a lock and the names of the packages that the interpreter provides itself."""
    return hashlib.sha256("\n".join((lock.digest, *sorted(system))).encode()).hexdigest()
