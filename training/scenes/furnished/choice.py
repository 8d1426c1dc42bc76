# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing assets at random by category and size."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from training.scenes.furnished.catalogue import Asset
from training.scenes.palette import Random

LEAST_OF_A_CATEGORY = 12
SMALL_THINGS = {
    "Kitchen": 6.0,
    "Office": 6.0,
    "Miscellaneous": 5.0,
    "Living room": 5.0,
    "Lights": 4.0,
    "Bathroom": 3.0,
    "Bedroom": 3.0,
    "Characters": 0.3,
}
"""Weights of the categories for things on tables."""

_NOT_ON_TABLES = re.compile("plug|switch|socket|rail|hanger|brush|broom|towel rack", re.I)
_NOT_IN_ROOMS = re.compile("elevator|garage|urinal|chimney|container|CCTV|railing|fence", re.I)


class Store:
    """Assets and pictures to choose from."""

    def __init__(self, assets: Sequence[Asset], pictures: Sequence[Path], people: Sequence[Path] = ()) -> None:
        self.assets, self.pictures, self.people = list(assets), list(pictures), list(people)

    def part(self, random: Random, share: float) -> Store:
        """Returns a random share of the assets, at least twelve of each category, and all else.

        Scenes made one after the other from the same part need not read their models again.
        """
        kept: list[Asset] = []
        for category in sorted({one.category for one in self.assets}):
            members = [one for one in self.assets if one.category == category]
            count = min(len(members), max(LEAST_OF_A_CATEGORY, round(share * len(members))))
            kept += [members[index] for index in sorted(random.choice(len(members), count, replace=False))]
        return Store(kept, self.pictures, self.people)

    def pick(
        self,
        random: Random,
        wanted: Callable[[Asset], bool],
        categories: Mapping[str, float] | None = None,
    ) -> Asset | None:
        """Returns a random asset that is wanted, by the weights of the categories; None if there is none."""
        fitting = [one for one in self.assets if (categories is None or one.category in categories) and wanted(one)]
        if not fitting:
            return None
        weights = np.array([1.0 if categories is None else categories[one.category] for one in fitting])
        return fitting[int(random.choice(len(fitting), p=weights / weights.sum()))]

    def small(self, random: Random, largest: float) -> Asset | None:
        """Returns a thing for a table, below a largest size."""
        return self.pick(
            random,
            lambda one: (
                one.extent < largest
                and min(one.width, one.depth) > 0.03
                and one.height > 0.015
                and one.elevation < 0.05
                and not one.is_opening
                and not _NOT_ON_TABLES.search(one.name)
            ),
            SMALL_THINGS,
        )

    def furniture(self, random: Random, mix: Mapping[str, float], wanted: Callable[[Asset], bool]) -> Asset | None:
        """Returns a piece of furniture that stands on the floor."""
        return self.pick(
            random,
            lambda one: (
                one.elevation < 0.3 and not one.is_opening and not _NOT_IN_ROOMS.search(one.name) and wanted(one)
            ),
            mix,
        )

    def opening(self, random: Random, wanted: Callable[[Asset], bool]) -> Asset | None:
        """Returns a door or window of a home."""
        return self.pick(random, lambda one: one.is_opening and not _NOT_IN_ROOMS.search(one.name) and wanted(one))

    def named(self, random: Random, pattern: str, wanted: Callable[[Asset], bool] = lambda one: True) -> Asset | None:
        """Returns an asset whose name contains a pattern."""
        return self.pick(random, lambda one: bool(re.search(pattern, one.name, re.I)) and wanted(one))

    def picture(self, random: Random) -> Path | None:
        """Returns a picture file."""
        return self.pictures[int(random.integers(len(self.pictures)))] if self.pictures else None
