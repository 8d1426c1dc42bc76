# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension's manifest states: the version and the web page."""

from __future__ import annotations

import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the manifest, `mono3d_addon` and, in the full edition, `vendor_installer`."""


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

    return str(tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8")).get(key, ""))
