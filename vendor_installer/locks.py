# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files: the exact files of a component for one Python, platform and backend, as pip requirements.

A line is `name==version --hash=sha256:...  # file=... bytes=... stored=... index=...`. If the hash could not be read
when the lock was made, the line has no `--hash` but `hash=unknown`, and `about=yes` marks its sizes as estimates.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import InstallError

FOLDER = Path(__file__).parent / "locks"

_LINE = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)\s+#(?P<notes>.*)$"
)


@dataclass(frozen=True)
class LockedFile:
    """One wheel.

    sha256            in hexadecimal; None if unknown
    file              name of the wheel; empty if unknown
    bytes             bytes to download
    stored            bytes on disk after unpacking without the trimmed files
    index             key of INDEXES; empty for pip's own index
    sizes_estimated   whether the sizes are those of a similar file, because this one could not be read
    """

    name: str
    version: str
    sha256: str | None
    file: str
    bytes: int
    stored: int
    index: str = ""
    sizes_estimated: bool = False

    def requirement(self) -> str:
        """Returns the requirement for pip, with the hash if it is known."""
        hashed = f" --hash=sha256:{self.sha256}" if self.sha256 else ""
        return f"{self.name}=={self.version}{hashed}"

    def line(self) -> str:
        """Returns the line of the lock file."""
        notes = [f"file={self.file}"] if self.file else []
        notes += [f"bytes={self.bytes}", f"stored={self.stored}"]
        notes += ["about=yes"] if self.sizes_estimated else []
        notes += [f"index={self.index}"] if self.index else []
        notes += [] if self.sha256 else ["hash=unknown"]
        return f"{self.requirement()}  # {' '.join(notes)}"


@dataclass(frozen=True)
class Lock:
    """The files of one component for one Python, platform and backend."""

    component: str
    python_tag: str
    platform: str
    backend: str
    files: tuple[LockedFile, ...]

    @property
    def name(self) -> str:
        """Name of the lock and of the environment installed from it."""
        return lock_name(self.component, self.python_tag, self.platform, self.backend)

    @property
    def digest(self) -> str:
        """SHA-256 of the lines of the lock file."""
        return hashlib.sha256("\n".join(item.line() for item in self.files).encode()).hexdigest()

    @property
    def complete(self) -> bool:
        """Whether every file is pinned by its hash."""
        return all(item.sha256 for item in self.files)

    def text(self) -> str:
        """Returns the content of the lock file."""
        missing = [item.name for item in self.files if not item.sha256]
        hashes = f"INCOMPLETE, not pinned: {', '.join(missing)}" if missing else "complete"
        head = (
            "# Made by `python -m vendor_installer lock`; do not edit by hand.",
            f"# {self.name}",
            f"# hashes: {hashes}",
        )
        return "\n".join((*head, *(item.line() for item in self.files))) + "\n"


def normalized_name(name: str) -> str:
    """Returns a package's name in the normalized form of the Python packaging specifications."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lock_name(component: str, python_tag: str, platform: str, backend: str) -> str:
    """Returns the name of the lock, which is also the name of the environment's folder."""
    return f"{component}-{python_tag}-{platform}-{backend}"


def parse(text: str, name: str) -> Lock:
    """Returns the lock with the content `text` and the name `name` (see `lock_name`).

    Raises InstallError if a line cannot be parsed.
    """
    component, python_tag, platform, backend = name.split("-", 3)
    files = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise InstallError(f"The lock '{name}' is damaged at '{line[:60]}': install the add-on again.")
        notes = dict(part.split("=", 1) for part in match["notes"].split())
        hashes = re.findall(r"[0-9a-f]{64}", match["hashes"])
        files.append(
            LockedFile(
                name=match["name"],
                version=match["version"],
                sha256=hashes[0] if hashes else None,
                file=notes.get("file", ""),
                bytes=int(notes["bytes"]),
                stored=int(notes["stored"]),
                index=notes.get("index", ""),
                sizes_estimated=notes.get("about") == "yes",
            )
        )
    return Lock(component, python_tag, platform, backend, tuple(files))


def load(component: str, python_tag: str, platform: str, backend: str, folder: Path | None = None) -> Lock | None:
    """Returns the lock, or None if there is none for this combination."""
    name = lock_name(component, python_tag, platform, backend)
    path = (folder or FOLDER) / f"{name}.txt"
    return parse(path.read_text("utf-8"), name) if path.is_file() else None


def available(component: str, folder: Path | None = None) -> tuple[str, ...]:
    """Returns the names of the locks that exist for a component, sorted."""
    return tuple(sorted(path.stem for path in (folder or FOLDER).glob(f"{component}-*.txt")))
