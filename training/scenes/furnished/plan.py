# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scene belongs to which number, and the names of its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from training.scenes.furnished import flats, landscapes, portraits, roads, rooms, streets, tables
from training.scenes.furnished.choice import Store
from training.scenes.furnished.scene import Furnished
from training.scenes.palette import Random

BATCH = 40
"""Scenes in a row that share a part of the assets, so that few models are read."""
SHARE_OF_ASSETS = 0.4


def _room(random: Random, store: Store) -> Furnished:
    weights = np.array(list(rooms.SHARES.values()))
    return rooms.room(random, store, str(random.choice(list(rooms.SHARES), p=weights / weights.sum())))


SHARES: dict[str, tuple[Callable[[Random, Store], Furnished], float]] = {
    "room": (_room, 0.38),
    "table": (tables.table, 0.17),
    "street": (streets.street, 0.10),
    "garden": (streets.garden, 0.06),
    "road": (roads.road, 0.05),
    "people": (portraits.people, 0.15),
    "landscape": (landscapes.landscape, 0.07),
    "flat": (flats.flat, 0.02),
}
"""The kinds of scenes and their shares."""


def scene(random: Random, store: Store, kinds: Sequence[str]) -> Furnished:
    """Returns a random scene of one of the kinds."""
    weights = np.array([SHARES[kind][1] for kind in kinds])
    return SHARES[str(random.choice(list(kinds), p=weights / weights.sum()))][0](random, store)


def marker(seed: int, number: int) -> str:
    """Returns the name of the file that marks a scene as finished."""
    return f"{seed}_{number:05d}.done"


def name(made: Furnished, seed: int, number: int, view: int) -> str:
    """Returns the name of a picture's files, without ending."""
    return f"{made.name}_{seed}_{number:05d}_{view}"
