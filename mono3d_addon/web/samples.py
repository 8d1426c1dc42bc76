# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos to try the page with; `samples/README.md` tells where they come from."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True)
class Sample:
    """One photo: its title, and how many metres away the nearest and the farthest in it are, about."""

    title: str
    near: float
    far: float


SAMPLES: Mapping[str, Sample] = types.MappingProxyType(
    {
        "coffee": Sample("Cup of coffee", 0.4, 0.9),
        "china": Sample("Pavilion by a lake", 30.0, 120.0),
        "astronaut": Sample("Portrait", 1.0, 2.5),
    }
)
"""Each by its name."""


def path_of(name: str) -> Path | None:
    """Returns the file of a sample; None where there is none of that name."""
    return FOLDER / f"{name}.jpg" if name in SAMPLES else None


def settings_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings `given` by a visitor, with the distances in the sample `name` where he set none himself."""
    if "near" in given or "far" in given:
        return dict(given)
    return {"near": SAMPLES[name].near, "far": SAMPLES[name].far, **given}


def described() -> list[dict[str, Any]]:
    """Returns all samples, ready for JSON; they are small enough to be their own thumbnails."""
    return [
        {
            "name": name,
            "title": sample.title,
            "thumbnail": f"/api/samples/{name}",
            "near": sample.near,
            "far": sample.far,
        }
        for name, sample in SAMPLES.items()
    ]
