# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags of EXIF (CIPA DC-008-2019): of the picture, of how it was taken, and of interoperability.

Needs the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .tiff_tags import Folder, first_folder, folder_at

Value = float | str | tuple[float, ...]
"""A number, which is a `Fraction` where it is stored as one, text, or several numbers."""
Tags = Mapping[int, Value]

_DETAILS, _INTEROPERABILITY = 0x8769, 0xA005
_PREFIX = b"Exif\0\0"


@dataclass(frozen=True)
class Exif:
    """What EXIF says; what is missing or damaged is left out.

    picture           the first directory: maker, model, orientation ...
    details           the directory of Exif: focal length, colour space ...
    interoperability  its directory of interoperability
    """

    picture: Tags = field(default_factory=dict)
    details: Tags = field(default_factory=dict)
    interoperability: Tags = field(default_factory=dict)


def read_exif(data: bytes) -> Exif:
    """Returns the tags in `data`, a TIFF structure, before which the mark "Exif" may stand. Never raises."""
    for _ in range(2):
        data = data.removeprefix(_PREFIX)
    folder = first_folder(data)
    if folder is None:
        return Exif()
    picture = _tags(folder)
    details = _beneath(data, picture, _DETAILS)
    return Exif(picture, details, _beneath(data, details, _INTEROPERABILITY))


def _beneath(data: bytes, tags: Tags, tag: int) -> Tags:
    """Returns the directory to which a tag points."""
    place = tags.get(tag)
    folder = folder_at(data, place) if isinstance(place, int) else None
    return {} if folder is None else _tags(folder)


def _tags(folder: Folder) -> Tags:
    found: dict[int, Value] = {}
    for tag, value in folder.values.items():
        if isinstance(value, bytes):
            found[tag] = value.partition(b"\0")[0].decode("latin-1").strip()
        elif value:
            found[tag] = value[0] if len(value) == 1 else value
    return found
