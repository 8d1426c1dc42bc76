# SPDX-License-Identifier: GPL-3.0-or-later
"""File names of a photo's results."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from ..formats import FORMATS, by_suffix

PREVIEW = "preview"
_PREVIEW_ENDING = "_preview.png"

BY_ENDING = by_suffix()
"""The format that an output file's suffix asks for."""

_MESHES = (".mtl", ".blend")

PICTURES = MappingProxyType(
    {"_depth": (), "_preview": (), "_behind_texture": _MESHES, "_normal_texture": _MESHES, "_texture": _MESHES}
)
"""Endings of the names of results that are images, longer ones first.

A texture counts as a result only beside a file with one of the given suffixes; an empty tuple means always.
"""


def output_files(name: str, formats: Iterable[str], folder: Path) -> dict[str, Path]:
    """Returns the path of each format's file (`preview` counts as one) for the photo called `name`."""
    return {one: folder / f"{name}{_PREVIEW_ENDING if one == PREVIEW else FORMATS[one].ending}" for one in formats}
