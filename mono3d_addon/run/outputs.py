# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the files that a photo gives."""

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
"""How the names of those results end that look like photos themselves, the longer ones first.

A texture never comes alone: with the endings of the files of which one lies beside it.
"""


def output_files(name: str, formats: Iterable[str], folder: Path) -> dict[str, Path]:
    """Returns the path of each format's file (`preview` counts as one) for the photo called `name`."""
    return {one: folder / f"{name}{_PREVIEW_ENDING if one == PREVIEW else FORMATS[one].ending}" for one in formats}
