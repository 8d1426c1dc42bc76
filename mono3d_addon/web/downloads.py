# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a visitor can take away: what they are called, and whether this server can write them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..formats import FORMATS

_LONGEST = 80


def described(installed: Collection[str]) -> list[dict[str, Any]]:
    """Returns all formats, ready for JSON; `installed` are the components that are there."""
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


def is_available(name: str, installed: Collection[str]) -> bool:
    """Tells whether this server can write a format."""
    return not FORMATS[name].needs or FORMATS[name].needs in installed


def why_not(name: str) -> str:
    """Returns the sentence why a format cannot be had."""
    return f"The packages of '{FORMATS[name].needs}' are not installed on this server."


def file_name(name: str, format: str) -> str:
    """Returns what the download of a photo called `name` is called; nothing of it is ever a path here."""
    return stem_of(name) + _ending(format)


def stem_of(name: str) -> str:
    """Returns the name of a photo without its ending and without what file systems and headers do not take."""
    stem = Path(name).stem
    kept = "".join(letter if letter.isalnum() or letter in " -_.()" else "_" for letter in stem)
    return kept.strip(" .")[:_LONGEST] or "photo"


def clean_name(name: str) -> str:
    """Returns the file name that a visitor gave, fit to be shown: its last part, printable, not too long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).encode("utf-8", "ignore").decode().strip()
    if len(kept) > _LONGEST:
        kept = kept[: _LONGEST - 12] + kept[-12:]
    return kept if kept.strip(". ") else "photo"


def _ending(name: str) -> str:
    return FORMATS[name].archive or FORMATS[name].ending
