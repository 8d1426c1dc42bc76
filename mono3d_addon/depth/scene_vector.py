# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers in which a network says what it knows of a scene, and their meaning; numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.scene_guess import Guess, SceneGuess

QUANTITIES = ("near", "far", "focal")
"""Quantities of `SceneGuess`; the vector has their natural logarithms, then those of the deviations of these."""
KINDS = ("person", "object", "room", "street", "landscape", "flat")
"""Kinds of scene; at the end of the vector are the logarithms of their probabilities, up to a sum."""
LENGTH = 2 * len(QUANTITIES) + len(KINDS)
SMALLEST_DEVIATION, LARGEST_DEVIATION = 0.02, 3.0
_LARGEST_LOGARITHM = 12.0


def scene_of(vector: NDArray[np.float32]) -> SceneGuess:
    """Returns what a vector, float32 (LENGTH,), says."""
    values = [float(value) for value in vector]
    count = len(QUANTITIES)
    near, far, focal = (_guess(*pair) for pair in zip(values[:count], values[count : 2 * count], strict=True))
    return SceneGuess(near, far, focal, dict(zip(KINDS, _shares(values[2 * count :]), strict=True)))


def averaged(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Returns the mean of vectors, float32 (LENGTH,) each, for pictures of the same scene."""
    return np.mean(vectors, axis=0, dtype=np.float32)


def _guess(logarithm: float, log_deviation: float) -> Guess:
    deviation = math.exp(min(max(log_deviation, math.log(SMALLEST_DEVIATION)), math.log(LARGEST_DEVIATION)))
    return Guess(math.exp(min(max(logarithm, -_LARGEST_LOGARITHM), _LARGEST_LOGARITHM)), deviation)


def _shares(logits: Sequence[float]) -> list[float]:
    powers = [math.exp(value - max(logits)) for value in logits]
    return [power / sum(powers) for power in powers]
