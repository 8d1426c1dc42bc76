# SPDX-License-Identifier: GPL-3.0-or-later
"""What is usual in each kind of scene; standard library only, since the web server's process has no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Usual:
    """What is usual in a kind of scene: near in metres, far / near, and the deviations of their logarithms."""

    near: float
    near_deviation: float
    ratio: float
    ratio_deviation: float


ANY = Usual(1.0, 0.9, 3.0, 0.6)
KINDS: Mapping[str, Usual] = MappingProxyType(
    {
        "person": Usual(1.2, 0.6, 3.0, 0.5),
        "object": Usual(0.4, 0.7, 3.0, 0.5),
        "room": Usual(1.2, 0.5, 4.5, 0.45),
        "street": Usual(3.0, 0.6, 11.0, 0.6),
        "landscape": Usual(5.0, 0.9, 15.0, 0.8),
        "flat": Usual(0.8, 0.9, 3.0, 0.8),
    }
)
"""Usual scenes by kind. Ratios of people, objects, rooms and streets are medians of scenes with measured depth. A flat
picture keeps the ratio of any scene, so that what it shows has depth."""
