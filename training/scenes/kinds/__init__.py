# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of scenes, by name, with their shares."""

from __future__ import annotations

from collections.abc import Callable

from training.scenes.kinds import abstract, creatures, landscapes, people, rooms, streets, tables
from training.scenes.palette import Random
from training.scenes.stage import Scene

KINDS: dict[str, tuple[Callable[[Random], Scene], float]] = {
    "room": (rooms.room, 0.24),
    "table": (tables.table, 0.16),
    "people": (people.people, 0.2),
    "street": (streets.street, 0.14),
    "landscape": (landscapes.landscape, 0.12),
    "creature": (creatures.creature, 0.1),
    "abstract": (abstract.abstract, 0.04),
}

SHOWN = {
    "room": "room",
    "table": "object",
    "people": "person",
    "street": "street",
    "landscape": "landscape",
    "creature": "object",
    "abstract": "object",
}
"""What each kind of scene is called in `metric_file`."""
