# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos to try the page with; `samples/README.md` tells where they come from."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "samples"

SAMPLES: Mapping[str, str] = types.MappingProxyType(
    {"coffee": "Cup of coffee", "china": "Pavilion by a lake", "astronaut": "Portrait"}
)
"""Title of each by its name."""


def path_of(name: str) -> Path | None:
    """Returns the file of a sample; None where there is none of that name."""
    return FOLDER / f"{name}.jpg" if name in SAMPLES else None


def described() -> list[dict[str, Any]]:
    """Returns all samples, ready for JSON; they are small enough to be their own thumbnails."""
    return [{"name": name, "title": title, "thumbnail": f"/api/samples/{name}"} for name, title in SAMPLES.items()]
