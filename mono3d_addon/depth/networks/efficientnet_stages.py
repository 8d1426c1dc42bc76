# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of EfficientNet-Lite as plain numbers, for the networks of every library."""

from __future__ import annotations

import math
from typing import NamedTuple


class Stage(NamedTuple):
    """A row of the published table, for the smallest network: the first of the `blocks` has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(blocks=1, kernel=3, stride=1, expansion=1, channels=16),
    Stage(blocks=2, kernel=3, stride=2, expansion=6, channels=24),
    Stage(blocks=2, kernel=5, stride=2, expansion=6, channels=40),
    Stage(blocks=3, kernel=3, stride=2, expansion=6, channels=80),
    Stage(blocks=3, kernel=5, stride=1, expansion=6, channels=112),
    Stage(blocks=4, kernel=5, stride=2, expansion=6, channels=192),
    Stage(blocks=1, kernel=3, stride=1, expansion=6, channels=320),
)
STEM_CHANNELS = 32
EPSILON = 1e-3
"""TensorFlow's, of every batch normalisation."""
MAPS_AFTER = (0, 1, 2, 4, 6)
"""Stages whose results can be handed on: the last ones at strides 2, 4, 8, 16 and 32."""


def scaled_channels(channels: int, factor: float) -> int:
    """Returns `channels * factor` as a multiple of 8, at most a tenth below it."""
    scaled = channels * factor
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * scaled else rounded + 8


def scaled_blocks(stage: int, factor: float) -> int:
    """Returns how many blocks a stage has in a deeper network; the first and the last stage stay as they are."""
    blocks = STAGES[stage].blocks
    return blocks if stage in (0, len(STAGES) - 1) else math.ceil(blocks * factor)


def margins(kernel: int, stride: int) -> tuple[int, int]:
    """Returns TensorFlow's "SAME" padding before and after a side: at stride 2, more below and to the right.

    The side is even where the stride is 2, as those of a picture are multiples of 32.
    """
    before = (kernel - stride) // 2
    return before, kernel - stride - before
