# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of the data folder, and helpers for files.

environments/<component>-<python>-<platform>-<backend>/manifest.json   what is installed; written last
environments/.../packages-<lock digest>-<random>/                      the packages folder that the manifest names
installer-files/downloads/  .../temporary/  .../tools/pip-<version>/   removed as a whole
logs/install.log  logs/install.log.1  install.lock

The data folder may contain other files of the user. It may even be the home folder, whose "Downloads" is the same as
"downloads" on Windows and macOS. So folders that are removed as a whole lie in `installer-files`.
"""

from __future__ import annotations

import contextlib
import ntpath
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, TypeVar

_AnyPath = TypeVar("_AnyPath", bound=PurePath)
_LONG_LOG = 2_000_000
"""Size of the log in bytes, some dozens of installations, at which a new one is started."""


@dataclass(frozen=True)
class Folders:
    """Paths below one data folder; none is created here."""

    data: Path

    @property
    def environments(self) -> Path:
        """Folder of all installed environments."""
        return self.data / "environments"

    @property
    def own(self) -> Path:
        """Folder of everything that the installer needs only temporarily."""
        return self.data / "installer-files"

    @property
    def downloads(self) -> Path:
        """Finished downloads."""
        return self.own / "downloads"

    @property
    def temporary(self) -> Path:
        """Temporary files of the child processes."""
        return self.own / "temporary"

    @property
    def tools(self) -> Path:
        """Tools of the installer: pip."""
        return self.own / "tools"

    @property
    def log(self) -> Path:
        """Output of the child processes."""
        return self.data / "logs" / "install.log"

    @property
    def install_lock(self) -> Path:
        """File that an installation locks while it runs."""
        return self.data / "install.lock"

    def environment(self, name: str) -> Path:
        """Returns the folder of the environment named like its lock."""
        return self.environments / name

    def rotate_log(self) -> None:
        """Starts a new log if the current one is large; the old one is kept as install.log.1."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > _LONG_LOG:
                self.log.replace(self.log.with_name(f"{self.log.name}.1"))

    def discard(self, *folders: Path) -> None:
        """Removes folders below `own`, and `own` itself once it is empty."""
        for folder in folders:
            remove_tree(folder)
        with contextlib.suppress(OSError):
            self.own.rmdir()


def long_path(path: _AnyPath) -> _AnyPath:
    """Returns an absolute Windows path with the prefix that allows more than 260 characters; others unchanged.

    Paths inside wheels have up to 170 characters, and Blender's folder for extensions about as many.
    """
    if not isinstance(path, PureWindowsPath) or not path.is_absolute() or str(path).startswith("\\\\?"):
        return path
    # After the prefix, Windows resolves neither ".." nor ".".
    whole = ntpath.normpath(path)
    return type(path)("\\\\?\\UNC" + whole[1:] if whole.startswith("\\\\") else "\\\\?\\" + whole)


def existing_parent(path: Path) -> Path:
    """Returns the nearest folder above (or equal to) `path` that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def remove_tree(path: Path) -> bool:
    """Removes a folder as far as possible, including read-only files; returns whether it is gone."""

    def retry(function: Callable[..., Any], failed: str, _: object) -> None:
        with contextlib.suppress(OSError):
            Path(failed).chmod(stat.S_IRWXU)
            function(failed)

    whole = long_path(path)
    if sys.version_info >= (3, 12):
        shutil.rmtree(whole, onexc=retry)
    else:
        shutil.rmtree(whole, onerror=retry)
    return not path.exists()


def size_text(count: int) -> str:
    """Returns a number of bytes as text: '370 MB', '1.2 GB', '0 MB'."""
    return f"{count / 1e9:.1f} GB" if count >= 999_500_000 else f"{count / 1e6:.0f} MB"


def file_sizes(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yields every file below `folder` with its size in bytes; skips files that disappear meanwhile."""
    whole = long_path(folder)
    for root, _, names in os.walk(whole):
        for name in names:
            path = Path(root) / name
            with contextlib.suppress(OSError):
                yield folder / path.relative_to(whole), path.lstat().st_size
