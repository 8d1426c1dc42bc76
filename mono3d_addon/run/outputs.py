# SPDX-License-Identifier: GPL-3.0-or-later
"""File names of a photo's results."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from ..formats import FORMATS, PREVIEWS, by_suffix

BY_ENDING = by_suffix()
"""The format that an output file's suffix asks for."""

_MESHES = (".mtl", ".blend")

PICTURES = MappingProxyType(
    {
        **{
            Path(f"photo{one.ending}").stem.removeprefix("photo"): ()
            for one in (*FORMATS.values(), *PREVIEWS.values())
            if one.media_type.startswith("image/")
        },
        "_behind_texture": _MESHES,
        "_normal_texture": _MESHES,
        "_texture": _MESHES,
    }
)
"""Endings of the names of results that are images, longer ones first.

A texture counts as a result only beside a file with one of the given suffixes; an empty tuple means always.
"""


def output_files(name: str, formats: Iterable[str], folder: Path) -> dict[str, Path]:
    """Returns the path of each format's file, those of previews included, for the photo called `name`."""
    return {one: folder / f"{name}{(FORMATS.get(one) or PREVIEWS[one]).ending}" for one in formats}
