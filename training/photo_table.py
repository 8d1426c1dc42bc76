# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of freely licensed photos: which file of which package each one is, and under which terms."""

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
"""Where the packages of each kind lie; a package's `file` is the path below."""

_NAME = re.compile(r"[a-z0-9]+_[a-z0-9]+")


@dataclass(frozen=True)
class Package:
    """A published package.

    kind      whose it is: a key of REGISTRIES
    file      its path below the registry's address
    size      its length in bytes
    sha256    its hash, hexadecimal
    """

    kind: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class PhotoRow:
    """A photo in a package.

    name      what it is called in a set: the source and a number
    package   where it is
    path      its path in the package, as `packages.read` takes it
    licence   the terms, as SPDX names them, or "public-domain"
    author    whom to name
    """

    name: str
    package: Package
    path: str
    licence: str
    author: str

    @property
    def source(self) -> str:
        """The source, as the first part of the name says."""
        return self.name.partition("_")[0]


COLUMNS = ("name", *(field.name for field in fields(Package)), "path", "licence", "author")


def read(table: Path) -> list[PhotoRow]:
    """Returns the rows of a table (CSV, UTF-8, with the header COLUMNS), in their order.

    Raises ValueError for a wrong header, a name that is used twice or is no plain one, and an unknown kind.
    """
    with table.open(encoding="utf-8", newline="") as stream:
        lines = csv.DictReader(stream)
        if tuple(lines.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{table} has not the columns {', '.join(COLUMNS)}.")
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
        raise ValueError(f"'{line['name']}' is no name of a photo: write a source and a number, like budgie_003.")
    if line["kind"] not in REGISTRIES:
        raise ValueError(f"{line['name']} has the kind '{line['kind']}'; it must be one of {', '.join(REGISTRIES)}.")
    package = Package(line["kind"], line["file"], int(line["size"]), line["sha256"])
    return PhotoRow(line["name"], package, line["path"], line["licence"], line["author"])
