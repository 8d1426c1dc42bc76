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

from ..core.plain_name import plain_name
from .outputs import PICTURES

SUFFIXES = (".jpg", ".jpeg", ".png", ".heic", ".heif", ".avif", ".tif", ".tiff", ".webp", ".bmp", ".gif")
"""Suffixes of photos, in folders that are searched and in file dialogs."""

_NUMBER = re.compile(r"_\d+$")
"""Suffix that makes a name of results unique."""


@dataclass(frozen=True)
class PhotoTask:
    """A photo to process: its path, the name of its results, and why it cannot be processed (empty: it can)."""

    path: Path
    name: str
    problem: str = ""


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
        name = _distinct(name, taken)
        taken.add(fold(name))
        tasks.append(PhotoTask(path, name, problem))
    return Found(tasks, [path for place, path in results.items() if place not in found])


def fold(name: str) -> str:
    """Returns the name case-folded, for comparison on file systems that ignore case."""
    return name.casefold()


def is_photo(path: Path) -> bool:
    """Returns whether `path` has the suffix of a photo and is not a hidden file."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def place_of(path: Path) -> Path:
    """Returns the path with its folder resolved; a file that is a symbolic link is not followed."""
    return Path(os.path.realpath(path.parent), path.name)


def _without_results(pictures: Iterable[Path], results: dict[Path, Path]) -> list[Path]:
    """Returns the photos, sorted; images that an earlier run made from others among them are added to `results`."""
    found = sorted(path for path in pictures if is_photo(path))
    names = {path.with_name(name) for path in found for name in (path.stem, plain_name(path.stem), _with_ending(path))}

    def is_result(path: Path) -> bool:
        end = next((end for end in PICTURES if path.stem.endswith(end)), "")
        photo = path.stem.removesuffix(end)
        if not end or not photo:
            return False
        beside = PICTURES[end]
        is_alone = bool(beside) and not any(path.with_name(photo + ending).exists() for ending in beside)
        return not is_alone and any(path.with_name(one) in names for one in (photo, _NUMBER.sub("", photo)) if one)

    skipped = {path: place_of(path) for path in found if is_result(path)}
    results.update({place: path for path, place in skipped.items()})
    return [path for path in found if path not in skipped]


def _with_ending(path: Path) -> str:
    """Returns the name of results for photos that share their stem."""
    return path.name.replace(".", "_")


def _distinct(name: str, taken: set[str]) -> str:
    number, candidate = 2, name
    while fold(candidate) in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _expand(word: str, results: dict[Path, Path]) -> Iterator[tuple[Path, str]]:
    path = Path(word).expanduser()
    if path.is_dir():
        try:
            photos = _without_results(path.iterdir(), results)
        except OSError as error:
            yield path, f"The folder '{word}' cannot be read ({error.strerror or error})."
            return
        yield from ((item, "") for item in photos)
        if not photos:
            yield path, f"The folder '{word}' contains no photos."
    elif path.exists() or not glob.has_magic(word):
        yield path, ""
    else:
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
        matches = _without_results(map(Path, found), results)
        yield from ((item, "") for item in matches)
        if not matches:
            yield path, f"The pattern '{word}' matches no photo."
