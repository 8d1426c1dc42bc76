# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of checksums, as `sha256sum --check` reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Writes the SHA-256 of all files in `folder`, subfolders included, to a file in it.

    Raises OSError when one cannot be read or the list cannot be written.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names if name != NAME]
    (folder / NAME).write_text("".join(lines), encoding="utf-8", newline="\n")
