# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds files that belong to a photo, such as its mask or depth map: one file, or a folder with one per photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import Mono3DError


def companion(place: str, photo: Path, what: str, ends: Sequence[str], suffixes: Sequence[str]) -> Path:
    """Returns the file that `place` names for `photo`.

    place     path of a file, which is returned unchanged, or of a folder
    what      kind of file, for messages ("mask")
    ends      what may follow the photo's name in the folder, in order of preference ("", "_mask")
    suffixes  accepted suffixes, in order of preference (".png",)

    Raises Mono3DError if `place` does not exist or the folder has no file for this photo.
    """
    path = Path(place).expanduser()
    if path.is_dir():
        return _in_folder(path, photo, what, ends, suffixes)
    if not path.exists():
        raise Mono3DError(f"There is no {what} '{path}'; choose a file, or a folder with one of each photo's name.")
    return path


def _in_folder(folder: Path, photo: Path, what: str, ends: Sequence[str], suffixes: Sequence[str]) -> Path:
    try:
        names = {item.name.casefold(): item for item in folder.iterdir()}
    except OSError as error:
        raise Mono3DError(f"The folder '{folder}' cannot be read ({error.strerror or error}).") from error
    for end in ends:
        for suffix in suffixes:
            found = names.get(f"{photo.stem}{end}{suffix}".casefold())
            if found is not None and not found.is_dir() and not _is_same(found, photo):
                return found
    wanted = " or ".join(f"{photo.stem}{end}{suffixes[0]}" for end in ends)
    raise Mono3DError(f"The folder '{folder}' holds no {what} for '{photo.name}'; it would be called {wanted}.")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
