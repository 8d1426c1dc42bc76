# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of freely licensed photos: package, file, licence and author of each one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

REGISTRIES: Mapping[str, str] = {
    "debian": "https://deb.debian.org/debian",
    "pypi": "https://files.pythonhosted.org",
    "npm": "https://registry.npmjs.org",
}
"""Kind of package -> address of its registry; a package's `file` is the path below it."""

_NAME = re.compile(r"[a-z0-9]+_[a-z0-9]+")


@dataclass(frozen=True)
class Package:
    """A published package.

    kind      a key of REGISTRIES
    file      its path below the registry's address
    size      in bytes
    sha256    in hexadecimal
    """

    kind: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class PhotoRow:
    """A photo in a package.

    name      name in a set: the source and a number
    package   the package that contains it
    path      its path in the package, as `packages.read` takes it
    licence   SPDX identifier, or "public-domain"
    author    to be credited
    """

    name: str
    package: Package
    path: str
    licence: str
    author: str

    @property
    def source(self) -> str:
        """The source, which is the first part of the name."""
        return self.name.partition("_")[0]


COLUMNS = ("name", *(field.name for field in fields(Package)), "path", "licence", "author")


def read(table: Path) -> list[PhotoRow]:
    """Returns the rows of a table (CSV, UTF-8, with the header COLUMNS), in their order.

    Raises ValueError for a wrong header, a duplicate or invalid name, and an unknown kind.
    """
    with table.open(encoding="utf-8", newline="") as stream:
        lines = csv.DictReader(stream)
        if tuple(lines.fieldnames or ()) != COLUMNS:
            raise ValueError(
                f"{table} does not have the columns {', '.join(COLUMNS)}: use a table like training/photos.csv."
            )
        rows = [_row(line) for line in lines]
    names = [row.name for row in rows]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{table} has {', '.join(sorted(twice))} twice.")
    return rows


def by_package(rows: Iterable[PhotoRow]) -> dict[Package, list[PhotoRow]]:
    """Returns the rows of each package, in their order."""
    found: dict[Package, list[PhotoRow]] = {}
    for row in rows:
        found.setdefault(row.package, []).append(row)
    return found


def _row(line: Mapping[str, str]) -> PhotoRow:
    if not _NAME.fullmatch(line["name"]):
        raise ValueError(f"'{line['name']}' is not a valid name: write a source and a number, such as budgie_003.")
    if line["kind"] not in REGISTRIES:
        raise ValueError(f"{line['name']} has the kind '{line['kind']}'; it must be one of {', '.join(REGISTRIES)}.")
    package = Package(line["kind"], line["file"], int(line["size"]), line["sha256"])
    return PhotoRow(line["name"], package, line["path"], line["licence"], line["author"])
