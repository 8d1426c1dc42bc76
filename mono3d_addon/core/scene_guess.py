# SPDX-License-Identifier: GPL-3.0-or-later
"""What is guessed about a whole scene: its distances, its lens and its kind."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Guess:
    """A positive quantity that is estimated from the photo.

    value      the most likely value
    deviation  standard deviation of its natural logarithm: 0.3 means a factor of about 1.35 either way
    """

    value: float
    deviation: float

    def with_other(self, other: Guess) -> Guess:
        """Returns what two independent guesses say together: each counts by the inverse of its variance."""
        own, others = self.deviation**-2, other.deviation**-2
        mean = (own * math.log(self.value) + others * math.log(other.value)) / (own + others)
        return Guess(math.exp(mean), (own + others) ** -0.5)


Unit = Literal["metres", "metres by focal length", "unknown"]


@dataclass(frozen=True)
class Measures:
    """The scale of an estimate whose inverse depth is known up to a factor at most, not up to a shift.

    near   1st percentile of the depth, in `unit`, without sky and holes
    far    99th percentile, at least a little farther than `near`
    unit   "metres by focal length": metres after a product with the focal length relative to the photo's longer side
    focal  focal length, relative to the longer side, for which the depth holds; 0 where the network tells no lens
    """

    near: float
    far: float
    unit: Unit
    focal: float = 0.0

    @property
    def ratio(self) -> float:
        """Far / near."""
        return self.far / self.near


@dataclass(frozen=True)
class SceneGuess:
    """What the network, and for the lens the photo's straight edges, say about the whole scene.

    None, or no kinds, where they say nothing.

    near   1st percentile of the depth, metres, without the sky
    far    99th percentile of the depth, metres, without the sky
    focal  focal length relative to the photo's longer side
    kinds  probability of each kind of scene, which add up to 1: 'person', 'object', 'room', 'street', 'landscape',
           'flat' (a picture of a flat picture)
    measures  what it measures rather than guesses
    """

    near: Guess | None = None
    far: Guess | None = None
    focal: Guess | None = None
    kinds: Mapping[str, float] = field(default_factory=dict)
    measures: Measures | None = None


def kind_of(scene: SceneGuess | None) -> str:
    """Returns the kind of scene that is likelier than all others together, a name of `kinds`; empty if none is."""
    kinds = {} if scene is None else scene.kinds
    likeliest = max(kinds, key=kinds.__getitem__, default="")
    return likeliest if kinds.get(likeliest, 0.0) > 0.5 else ""


def to_json(scene: SceneGuess | None) -> dict[str, Any] | None:
    """Returns the guesses as an object for JSON; None for none."""
    return None if scene is None else dataclasses.asdict(scene)


def from_json(values: Mapping[str, Any] | None) -> SceneGuess | None:
    """Returns what `to_json` made of the guesses. Raises TypeError or KeyError if it is something else."""
    if values is None:
        return None
    guesses = {name: None if values[name] is None else Guess(**values[name]) for name in ("near", "far", "focal")}
    # Scenes stored by earlier versions have none.
    measures = values.get("measures")
    return SceneGuess(**guesses, kinds=values["kinds"], measures=None if measures is None else Measures(**measures))
