# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos, scenes and reference outputs that lie beside the repository and may not be committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("MONO3D_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def path(name: str) -> Path:
    """Returns the path of `name` in the shared data; skips the calling test where it is absent."""
    found = FOLDER / name
    if not found.exists():
        pytest.skip(f"shared data is absent: {name} (set MONO3D_SHARED_DATA to its folder)")
    return found
