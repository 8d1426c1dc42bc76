# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manifest states, the version and the web page; and where the program lies."""

from __future__ import annotations

import functools
from pathlib import Path

_MANIFEST = "blender_manifest.toml"
_PACKAGE = Path(__file__).resolve().parent

IS_WHEEL = (_PACKAGE / _MANIFEST).is_file()
"""Whether pip has installed the program from its wheel, which has everything in this package."""

ROOT = _PACKAGE if IS_WHEEL else _PACKAGE.parent
"""The folder that holds the manifest and, in the full edition, `vendor_installer`.

In a clone and in the extension that is the one around this package.
"""


def import_paths() -> tuple[list[str], list[str]]:
    """Returns what a child process puts before and behind its own import path to find this package.

    A wheel lies among other packages, which must not come before Python's own modules.
    """
    around = [str(_PACKAGE.parent)]
    return ([], around) if IS_WHEEL else (around, [])


def version() -> str:
    """Returns the version."""
    return _stated("version")


def website() -> str:
    """Returns the address of the page that offers the full edition; empty if the manifest names none."""
    return _stated("website")


@functools.cache
def _stated(key: str) -> str:
    # Imported here to keep Blender's start fast.
    import tomllib

    return str(tomllib.loads((ROOT / _MANIFEST).read_text(encoding="utf-8")).get(key, ""))
