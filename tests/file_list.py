# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in folders before and after, to tell what a program wrote."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mono3d_addon.run.finished import RECORD

Listing = dict[str, tuple[int, int]]


def listing(folders: Iterable[Path], without: Iterable[Path] = ()) -> Listing:
    """Returns size and time of change in nanoseconds of each file in the folders, by path; `without` are left out."""
    left_out = {str(path) for path in without}
    found: Listing = {}
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = [name for name in inner if f"{place}/{name}" not in left_out]
            for name in names:
                status = os.lstat(f"{place}/{name}")
                found[f"{place}/{name}"] = status.st_size, status.st_mtime_ns
    return found


def changed(before: Listing, after: Listing) -> list[str]:
    """Returns the paths that were added, removed or written."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def results(folder: Path) -> list[Path]:
    """Returns the files in an output folder, without the record of finished photos."""
    return [path for path in folder.iterdir() if path.name != RECORD]
