# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter's heads for the sky and the scene; `networks.scene_heads` is the same with torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.arrays import Floats
from ..networks.starter_layout import CELLS, HEAD_WIDTH, HIDDEN, SCENE_LEVEL, SCENE_WIDTHS, SKY_LEVEL, SPREAD, WIDTHS
from ..scene_vector import LENGTH
from .backbone import CHANNELS
from .convolutions import Layer, Tools, convolved, pointwise
from .tensors import Tensors

COARSE = 2
"""The scene is read from the backbone's maps from this one on."""


@dataclass(frozen=True)
class SkyHead:
    """Two 3x3 convolutions."""

    conv1: Layer
    conv2: Layer

    def run(self, tools: Tools, x: Floats) -> Floats:
        """Returns the probability of sky, float32 (h, w), of a map, float32 (channels, h, w)."""
        between = convolved(tools, x, self.conv1, 1)
        logits = convolved(tools, between, self.conv2, 1, is_rectified=True)
        # The exponential of large numbers is infinite, and the probability 0 as it should be.
        with np.errstate(over="ignore"):
            found = 1 / (1 + np.exp(-logits[0]))
        tools.space.give(between, logits)
        return found


@dataclass(frozen=True)
class Linear:
    """Weights, float32 (outputs, inputs), and bias, float32 (outputs,)."""

    weights: Floats
    bias: Floats

    def run(self, values: Floats) -> Floats:
        """Returns float32 (outputs,) of `values`, float32 (inputs,)."""
        return self.weights @ values + self.bias


@dataclass(frozen=True)
class SceneHead:
    """Averages over cells of narrowed maps and of the disparity, then three linear layers."""

    narrow: Sequence[Layer]
    hidden1: Linear
    hidden2: Linear
    last: Linear

    def run(self, tools: Tools, maps: Sequence[Floats], disparity: Floats) -> Floats:
        """Returns float32 (LENGTH,) of maps, float32 (channels, h, w) each, and `disparity`, float32 (h, w)."""
        parts = []
        for x, layer in zip(maps, self.narrow, strict=True):
            narrowed = pointwise(tools, x, layer)
            parts.append(_cell_means(np.maximum(narrowed, np.float32(0), out=narrowed)).ravel())
            tools.space.give(narrowed)
        shape = _cell_means(disparity[None])
        shape -= shape.mean()
        shape /= np.abs(shape).mean() + np.float32(SPREAD)
        aspect = np.float32(math.log(disparity.shape[1] / disparity.shape[0]))
        features = np.concatenate((*parts, shape.ravel(), [aspect]), dtype=np.float32)
        hidden = np.maximum(self.hidden1.run(features), np.float32(0))
        hidden = np.maximum(self.hidden2.run(hidden), np.float32(0))
        return self.last.run(hidden)


def _cell_means(x: Floats) -> Floats:
    """Returns the means over cells, float32 (channels, CELLS, CELLS); neighbouring cells may share rows or columns."""
    rows, columns = ([_cell(number, side) for number in range(CELLS)] for side in x.shape[1:])
    means = [[x[:, row, column].mean(axis=(1, 2)) for column in columns] for row in rows]
    return np.moveaxis(np.array(means, dtype=np.float32), 2, 0)


def _cell(number: int, side: int) -> slice:
    return slice(number * side // CELLS, -(-(number + 1) * side // CELLS))


@dataclass(frozen=True)
class Heads:
    """Both heads."""

    sky: SkyHead
    scene: SceneHead

    def run(
        self, tools: Tools, maps: Sequence[Floats], levels: Sequence[Floats], disparity: Floats
    ) -> tuple[Floats, Floats]:
        """Returns the probability of sky, float32 (h / 4, w / 4), and the scene, float32 (LENGTH,).

        `maps` are the backbone's, `levels` the decoder's refined ones, `disparity` is float32 (h, w).
        """
        sky = self.sky.run(tools, levels[SKY_LEVEL])
        return sky, self.scene.run(tools, (*maps[COARSE:], levels[SCENE_LEVEL]), disparity)


def take_heads(tensors: Tensors) -> Heads:
    """Returns the heads with their tensors. Raises WrongTensorsError when they do not fit."""
    conv1 = tensors.layer("heads.sky.conv1", HEAD_WIDTH, WIDTHS[SKY_LEVEL], 3)
    sky = SkyHead(conv1, tensors.layer("heads.sky.conv2", 1, HEAD_WIDTH, 3))
    given = (*CHANNELS[COARSE:], WIDTHS[SCENE_LEVEL])
    narrow = [
        tensors.layer(f"heads.scene.narrow.{number}", narrowed, width)
        for number, (narrowed, width) in enumerate(zip(SCENE_WIDTHS, given, strict=True))
    ]

    def linear(name: str, outputs: int, inputs: int) -> Linear:
        return Linear(
            tensors.take(f"heads.scene.{name}.weight", outputs, inputs),
            tensors.take(f"heads.scene.{name}.bias", outputs),
        )

    features = CELLS**2 * (sum(SCENE_WIDTHS) + 1) + 1
    hidden1, hidden2 = linear("hidden1", HIDDEN, features), linear("hidden2", HIDDEN, HIDDEN)
    return Heads(sky, SceneHead(narrow, hidden1, hidden2, linear("last", LENGTH, HIDDEN)))
