# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds files that belong to a photo, such as its mask or depth map: one file, or a folder with one per photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import Mono3DError
from ..plain_name import comparable
from ..user_path import exists, is_folder, user_path

MASK = ("mask", ("", "_mask", "-mask", ".mask"), (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"))
DEPTH_MAP = (
    "depth map",
    ("", "_depth", "-depth", "_disparity", "-dpt"),
    (".exr", ".npy", ".pfm", ".png", ".tif", ".tiff"),
)
"""The kinds of files that a photo can have, as the last arguments of `companion`."""


def companion(place: str, photo: Path, what: str, ends: Sequence[str], suffixes: Sequence[str]) -> Path:
    """Returns the file that `place` names for `photo`.

    place     path of a file, which is returned unchanged, or of a folder
    what      kind of file, for messages ("mask")
    ends      what may follow the photo's name in the folder, in order of preference ("", "_mask")
    suffixes  accepted suffixes, in order of preference (".png",)

    Raises Mono3DError if `place` does not exist or the folder has no file for this photo.
    """
    path = user_path(place)
    if is_folder(path):
        return _in_folder(path, photo, what, ends, suffixes)
    if not exists(path):
        raise Mono3DError(f"There is no {what} '{path}'; choose a file, or a folder with one of each photo's name.")
    return path


def _in_folder(folder: Path, photo: Path, what: str, ends: Sequence[str], suffixes: Sequence[str]) -> Path:
    try:
        names = {comparable(item.name): item for item in folder.iterdir()}
    except OSError as error:
        raise Mono3DError(f"The folder '{folder}' cannot be read ({error.strerror or error}).") from error
    for end in ends:
        for suffix in suffixes:
            found = names.get(comparable(f"{photo.stem}{end}{suffix}"))
            if found is not None and not found.is_dir() and not _is_same(found, photo):
                return found
    wanted = " or ".join(f"{photo.stem}{end}{suffixes[0]}" for end in ends)
    raise Mono3DError(f"The folder '{folder}' holds no {what} for '{photo.name}'; it would be called {wanted}.")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
