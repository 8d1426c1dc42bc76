# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample photos; `samples/README.md` lists their sources."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True)
class Sample:
    """A sample photo: its title, and approximate distances of its nearest and farthest parts in metres."""

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
"""Samples by name."""


def path_of(name: str, *, is_small: bool = False) -> Path | None:
    """Returns the file of a sample, or its thumbnail's; None if there is no sample `name`."""
    folder = FOLDER / "small" if is_small else FOLDER
    return folder / f"{name}.jpg" if name in SAMPLES else None


def settings_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the `given` settings, with the distances of the sample `name` added if they have none."""
    if "near" in given or "far" in given:
        return dict(given)
    return {"near": SAMPLES[name].near, "far": SAMPLES[name].far, **given}


def described(root: str = "") -> list[dict[str, Any]]:
    """Returns all samples, ready for JSON; `root` is the path of the server."""
    return [
        {
            "name": name,
            "title": sample.title,
            "thumbnail": f"{root}/api/samples/{name}?small=1",
            "near": sample.near,
            "far": sample.far,
        }
        for name, sample in SAMPLES.items()
    ]
