# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the photos that the user named, and gives each a unique name for its results."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.photo.endings import PHOTO_ENDINGS
from ..core.plain_name import comparable, plain_name, short_name
from ..core.user_path import exists, is_folder, user_path
from .outputs import PICTURES

_NUMBER = re.compile(r"_\d+$")
"""Suffix that makes a name of results unique."""

_MARKS = (b"tEXtSoftware\0Mono3D", b"tEXtNote\0Mono3D")
"""Metadata of the depth maps and the previews that Mono3D writes as PNG."""

_WEBP_MARK = b"Mono3D preview"
"""Metadata of the previews that Mono3D writes as WebP."""

_MARKED_BYTES = 4096
"""Length of the start of a PNG, or the end of a WebP, that contains its metadata."""


@dataclass(frozen=True)
class PhotoTask:
    """A photo to process: its path, the name of its results, and why it cannot be processed (empty: it can)."""

    path: Path
    name: str
    problem: str = ""

    @property
    def address(self) -> str:
        """The path in words."""
        return str(self.path)


@dataclass(frozen=True)
class Found:
    """The photos to process, and the images that were skipped as results of an earlier run."""

    tasks: list[PhotoTask]
    skipped: list[Path]


def find(words: Iterable[str]) -> Found:
    """Returns a task for every photo that `words` name: files, folders (their photos, sorted) and glob patterns.

    A word that matches no photo becomes a task with a problem, so that the run continues and the report lists it.
    Photos of the same name in different folders or formats get distinct names.
    """
    found: dict[Path, tuple[Path, str]] = {}
    results: dict[Path, Path] = {}
    for word in words:
        for path, problem in _expand(word, results):
            found.setdefault(place_of(path), (path, problem))
    stems = Counter(fold(path.stem) for path, _ in found.values())
    tasks: list[PhotoTask] = []
    taken: set[str] = set()
    for path, problem in found.values():
        name = path.stem if stems[fold(path.stem)] == 1 else _with_ending(path)
        name = _distinct(short_name(name), taken)
        taken.add(fold(name))
        tasks.append(PhotoTask(path, name, problem))
    return Found(tasks, [path for place, path in results.items() if place not in found])


def fold(name: str) -> str:
    """Returns the name for comparison on file systems that ignore case and Unicode form."""
    return comparable(name)


def is_photo(path: Path) -> bool:
    """Returns whether `path` has the suffix of a photo and is not a hidden file."""
    return path.suffix.lower() in PHOTO_ENDINGS and not path.name.startswith(".")


def is_result(path: Path) -> bool:
    """Returns whether a picture's name and metadata say that Mono3D wrote it."""
    return any(path.stem.endswith(end) for end in PICTURES) and _is_marked(path)


def place_of(path: Path) -> Path:
    """Returns the path with its folder resolved; a file that is a symbolic link is not followed."""
    return Path(os.path.realpath(path.parent), path.name)


def _without_results(pictures: Iterable[Path], results: dict[Path, Path]) -> list[Path]:
    """Returns the photos, sorted; images that an earlier run made from others among them are added to `results`."""
    found = sorted(path for path in pictures if is_photo(path))
    names = {
        path.with_name(name)
        for path in found
        for long in (path.stem, _with_ending(path))
        for name in (short_name(long), plain_name(short_name(long)))
    }

    def is_from_here(path: Path) -> bool:
        end = next((end for end in PICTURES if path.stem.endswith(end)), "")
        photo = path.stem.removesuffix(end)
        if not end or not photo:
            return False
        if _is_marked(path):
            return True
        beside = PICTURES[end]
        is_alone = bool(beside) and not any(path.with_name(photo + ending).exists() for ending in beside)
        return not is_alone and any(path.with_name(one) in names for one in (photo, _NUMBER.sub("", photo)) if one)

    skipped = {path: place_of(path) for path in found if is_from_here(path)}
    results.update({place: path for path, place in skipped.items()})
    return [path for path in found if path not in skipped]


def _is_marked(path: Path) -> bool:
    """Returns whether the metadata of a PNG or a WebP say that Mono3D wrote it."""
    suffix = path.suffix.lower()
    if suffix not in (".png", ".webp"):
        return False
    try:
        with path.open("rb") as file:
            if suffix == ".webp":
                file.seek(max(0, path.stat().st_size - _MARKED_BYTES))
            part = file.read(_MARKED_BYTES)
    except OSError:
        return False
    return any(mark in part for mark in (_MARKS if suffix == ".png" else (_WEBP_MARK,)))


def _with_ending(path: Path) -> str:
    """Returns the name of results for photos that share their stem."""
    return path.name.replace(".", "_")


def _distinct(name: str, taken: set[str]) -> str:
    number, candidate = 2, name
    while fold(candidate) in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _expand(word: str, results: dict[Path, Path]) -> Iterator[tuple[Path, str]]:
    path = user_path(word)
    if is_folder(path):
        try:
            photos = _without_results(path.iterdir(), results)
        except OSError as error:
            yield path, f"The folder '{word}' cannot be read ({error.strerror or error})."
            return
        yield from ((item, "") for item in photos)
        if not photos:
            yield path, f"The folder '{word}' contains no photos."
    elif exists(path) or not glob.has_magic(word):
        yield path, ""
    else:
        found = glob.glob(_pattern(path), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
        matches = _without_results(map(Path, found), results)
        yield from ((item, "") for item in matches)
        if not matches:
            yield path, f"The pattern '{word}' matches no photo."


def _pattern(path: Path) -> str:
    """Returns `path` as a glob pattern in which the names of its existing folders stand for themselves."""
    parts = path.parts
    for count in range(len(parts) - 1, 0, -1):
        folder = Path(*parts[:count])
        if glob.has_magic(str(folder)) and exists(folder):
            return os.path.join(glob.escape(str(folder)), *parts[count:])  # noqa: PTH118 - a pattern is no path
    return str(path)
