# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers the last few values of each key in a small file, such as how long something took on this computer."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from ..errors import Mono3DError
from .files import atomic_write

_VALUES = 5
_KEYS = 100


def read(path: Path) -> dict[str, list[float]]:
    """Returns the values by key, both oldest first; an unreadable file counts as empty."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): [float(one) for one in values][-_VALUES:] for key, values in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def add(path: Path, key: str, value: float) -> None:
    """Adds a value to a key, which becomes the newest; does nothing if the file cannot be written."""
    known = read(path)
    values = [*known.pop(key, []), value]
    known[key] = values[-_VALUES:]
    newest = dict(list(known.items())[-_KEYS:])
    with contextlib.suppress(OSError, Mono3DError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as beside:
            beside.write_text(json.dumps(newest, indent=1), encoding="utf-8")
