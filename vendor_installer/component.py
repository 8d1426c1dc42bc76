# SPDX-License-Identifier: GPL-3.0-or-later
"""What a component declares: its requirements, backends, unused files and smoke test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .locks import normalized_name


def name_in(text: str) -> str:
    """Returns the normalized name of the package in a requirement, such as "numpy" in "NumPy>=2"."""
    return normalized_name(re.split("[=<>!~]", text)[0])


@dataclass(frozen=True)
class Requirement:
    """One package of a component as a pip requirement (`timm==1.0.31`), with the conditions under which it applies.

    Empty `pythons`, `platforms` or `backends` match everything. `index` is a key of INDEXES. `estimated_sizes` are the
    approximate bytes to download and to store, for a lock whose index cannot be read.
    """

    text: str
    pythons: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    index: str = ""
    estimated_sizes: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """Name of the package in its normalized form."""
        return name_in(self.text)

    def applies(self, python_tag: str, platform: str, backend: str) -> bool:
        """Returns whether the package is needed for this Python, platform and backend."""
        return (
            (not self.pythons or python_tag in self.pythons)
            and (not self.platforms or platform in self.platforms)
            and (not self.backends or backend in self.backends)
        )


@dataclass(frozen=True)
class Component:
    """A named set of packages that is installed into its own folder.

    default_backends    platform -> backend to install if no graphics card is used
    fallbacks           backend -> backend to install instead if its package index cannot be reached
    trims               fnmatch patterns of paths inside the wheels that are not unpacked
    smoke               key of `smoke.SCRIPTS`: the script that must succeed before the packages are put to use
    minimum_glibc       oldest supported C library on Linux
    graphics_backends   platform -> backends for graphics cards
    backend_trims       backend -> further patterns like `trims`
    moves               backend -> {fnmatch pattern of a folder inside the wheels: folder to unpack it into}
    """

    name: str
    purpose: str
    requirements: tuple[Requirement, ...]
    default_backends: Mapping[str, str]
    fallbacks: Mapping[str, str]
    trims: tuple[str, ...]
    smoke: str
    minimum_glibc: tuple[int, int] = (2, 28)
    graphics_backends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    backend_trims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moves: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def trims_for(self, backend: str) -> tuple[str, ...]:
        """Returns the fnmatch patterns of the files that are not unpacked for a backend."""
        return (*self.trims, *self.backend_trims.get(backend, ()))

    def moves_for(self, backend: str) -> Mapping[str, str]:
        """Returns the folders inside the wheels (fnmatch) that are unpacked elsewhere for a backend."""
        return self.moves.get(backend, {})
