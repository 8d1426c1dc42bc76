# SPDX-License-Identifier: GPL-3.0-or-later
"""The version, read from the extension's manifest."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the manifest, `mono3d_addon` and `vendor_installer`."""


@functools.cache
def version() -> str:
    """Returns the version that the extension's manifest states."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return str(manifest["version"])
