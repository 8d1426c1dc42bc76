# SPDX-License-Identifier: GPL-3.0-or-later
"""The downloads of a result: their file names, and whether this server can write them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..environment import not_installed
from ..formats import FORMATS, PREVIEWS, Format

_LONGEST = 80


def described(installed: Collection[str]) -> list[dict[str, Any]]:
    """Returns all formats, ready for JSON; `installed` are the installed components."""
    return [
        {
            "name": name,
            "label": one.label,
            "ending": _ending(name),
            "media_type": one.media_type,
            "available": is_available(name, installed),
            "reason": "" if is_available(name, installed) else why_not(name),
        }
        for name, one in FORMATS.items()
    ]


def is_known(name: str) -> bool:
    """Returns whether `name` is a format, or a preview, which browsers without 3D show."""
    return name in FORMATS or name in PREVIEWS


def media_type_of(name: str) -> str:
    """Returns the MIME type of a format or preview."""
    return _row(name).media_type


def is_available(name: str, installed: Collection[str]) -> bool:
    """Returns whether this server can write a format."""
    return not _row(name).needs or _row(name).needs in installed


def why_not(name: str) -> str:
    """Returns a sentence that says why a format is not available."""
    return f"{not_installed(_row(name).needs)} on this server."


def file_name(name: str, format: str) -> str:
    """Returns the file name of a download for the photo `name`; it is never used as a path on the server."""
    return stem_of(name) + _ending(format)


def stem_of(name: str) -> str:
    """Returns the name of a photo without suffix and without characters that file systems or headers forbid."""
    stem = Path(name).stem
    kept = "".join(letter if letter.isalnum() or letter in " -_.()" else "_" for letter in stem)
    return kept.strip(" .")[:_LONGEST] or "photo"


def clean_name(name: str) -> str:
    """Returns the file name that a visitor gave, for display: last part only, printable, at most 80 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).encode("utf-8", "ignore").decode().strip()
    if len(kept) > _LONGEST:
        kept = kept[: _LONGEST - 12] + kept[-12:]
    return kept if kept.strip(". ") else "photo"


def _ending(name: str) -> str:
    return _row(name).archive or _row(name).ending


def _row(name: str) -> Format:
    return FORMATS.get(name) or PREVIEWS[name]
