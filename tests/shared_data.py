# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos, scenes, reference outputs and difficult files that lie beside the repository and may not be committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("MONO3D_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
CASES = FOLDER.parent / "cases"


def path(name: str) -> Path:
    """Returns the path of `name` in the shared data; skips the calling test where it is absent."""
    return _existing(FOLDER / name)


def case(name: str) -> Path:
    """Returns the path of `name` among the difficult files; skips the calling test where it is absent."""
    return _existing(CASES / name)


def _existing(found: Path) -> Path:
    if not found.exists():
        pytest.skip(f"shared data is absent: {found.name} (set MONO3D_SHARED_DATA to the folder 'data')")
    return found
