# SPDX-License-Identifier: GPL-3.0-or-later
"""The licences of everything that a release bundles or installs, from the table `licences.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Mono3DError

_TABLE = Path(__file__).parent / "licences.toml"


@dataclass(frozen=True)
class Bundled:
    """Something made by others that is in the files of a release.

    name, version  as its makers call it
    kind           type of component in CycloneDX: "library" or "data"
    licence        SPDX expression
    copyright      who made it
    address        where it comes from
    path           file or folder of the repository with it
    """

    name: str
    version: str
    kind: str
    licence: str
    copyright: str
    address: str
    path: str


@dataclass(frozen=True)
class Licences:
    """The table.

    packages  normalized name of a Python package -> SPDX expression, or key of `terms`
    terms     name for terms that SPDX does not list -> (title, address)
    bundled   what the files of a release contain
    """

    packages: Mapping[str, str]
    terms: Mapping[str, tuple[str, str]]
    bundled: tuple[Bundled, ...]

    def of_package(self, name: str) -> str:
        """Returns the licence of a Python package by its normalized name. Raises Mono3DError if it is not known."""
        if name not in self.packages:
            raise Mono3DError(f"The licence of the package '{name}' is not known: add it to '{_TABLE.name}'.")
        return self.packages[name]

    def choice(self, licence: str) -> list[dict[str, Any]]:
        """Returns a licence as CycloneDX states it."""
        if licence in self.terms:
            title, address = self.terms[licence]
            return [{"license": {"name": title, "url": address}}]
        return [{"expression": licence}] if " " in licence else [{"license": {"id": licence}}]


def read_licences() -> Licences:
    """Returns the table."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    terms = {name: (one["title"], one["address"]) for name, one in table["terms"].items()}
    return Licences(table["packages"], terms, tuple(Bundled(**one) for one in table["bundled"]))
