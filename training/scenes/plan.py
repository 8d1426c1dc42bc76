# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind, size and random numbers of each picture, determined by the seed and the picture's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.scenes.palette import Random

SHAPES = ((1.0, 0.75), (0.75, 1.0), (1.0, 1.0))
SHAPE_SHARES = (0.6, 0.25, 0.15)
SQUARE = 5 / 6
"""Side of a square picture as a share of the longer side of the others."""


@dataclass(frozen=True)
class Picture:
    """A picture to render."""

    seed: int
    index: int
    kind: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """The name of its files, without ending."""
        return f"{self.kind}_{self.seed}_{self.index:05d}"

    def random(self, attempt: int) -> Random:
        """Returns the random generator of one attempt."""
        return np.random.default_rng([self.seed, self.index, attempt])


def picture(seed: int, index: int, longer_side: int, shares: Mapping[str, float]) -> Picture:
    """Returns picture number `index` of a seed, of a random kind by its share; its sides are multiples of 32."""
    # A random stream separate from those of the attempts.
    random = np.random.default_rng([seed, index, 1 << 20])
    weights = np.array(list(shares.values()))
    kind = str(random.choice(list(shares), p=weights / weights.sum()))
    wide, tall = SHAPES[int(random.choice(len(SHAPES), p=SHAPE_SHARES))]
    side = longer_side * SQUARE if wide == tall else float(longer_side)
    width, height = (max(32, round(side * share / 32) * 32) for share in (wide, tall))
    return Picture(seed, index, kind, width, height)
