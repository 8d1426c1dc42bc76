# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as users type them."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(text: str) -> Path:
    """Returns the path that `text` names; `~` at its start is the home folder, as in a shell.

    A name such as `~x.jpg`, which is a file here or belongs to no user of this computer, is a file name.
    """
    path = Path(text)
    if not text.startswith("~") or (path.parts[0] != "~" and exists(path)):
        return path
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def exists(path: Path) -> bool:
    """Returns whether there is a file or folder; False also for names that the file system refuses as too long."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for long names


def is_folder(path: Path) -> bool:
    """Returns whether there is a folder; False also for names that the file system refuses as too long."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises for long names
