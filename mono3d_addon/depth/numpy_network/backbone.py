# SPDX-License-Identifier: GPL-3.0-or-later
"""EfficientNet-Lite0; `networks.efficientnet_lite` is the same with torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.arrays import Floats
from ..networks.efficientnet_stages import EPSILON, MAPS_AFTER, STAGES, STEM_CHANNELS, Stage, margins
from .convolutions import Layer, Tools, convolved, per_channel, pointwise
from .tensors import Tensors

CHANNELS = tuple(STAGES[number].channels for number in MAPS_AFTER)
"""Channels of the maps, finest first."""
_SIX = np.float32(6)


@dataclass(frozen=True)
class Block:
    """Widen (not in the first stage), convolve each channel, narrow; added to the input where it has the same shape."""

    widen: Layer | None
    each: Layer
    stride: int
    narrow: Layer
    is_residual: bool


@dataclass(frozen=True)
class Backbone:
    """The layers, with the batch normalisations in them."""

    stem: Layer
    stages: Sequence[Sequence[Block]]

    def maps(self, tools: Tools, picture: Floats) -> list[Floats]:
        """Returns maps at strides 2, 4, 8, 16 and 32 of a normalised `picture`, float32 (3, h, w)."""
        before, _ = margins(self.stem.kernel, 2)
        x = _relu6(convolved(tools, picture, self.stem, before, 2))
        maps: list[Floats] = []
        for number, stage in enumerate(self.stages):
            for block in stage:
                result = _run(tools, block, x)
                if not any(x is kept for kept in maps):
                    tools.space.give(x)
                x = result
            if number in MAPS_AFTER:
                maps.append(x)
        return maps


def _run(tools: Tools, block: Block, x: Floats) -> Floats:
    before, _ = margins(block.each.kernel, block.stride)
    wide = x if block.widen is None else _relu6(pointwise(tools, x, block.widen))
    each = _relu6(per_channel(tools, wide, block.each, before, block.stride))
    if block.widen is not None:
        tools.space.give(wide)
    result = pointwise(tools, each, block.narrow)
    tools.space.give(each)
    return np.add(x, result, out=result) if block.is_residual else result


def _relu6(x: Floats) -> Floats:
    np.maximum(x, np.float32(0), out=x)
    return np.minimum(x, _SIX, out=x)


def take_backbone(tensors: Tensors) -> Backbone:
    """Returns the backbone with its tensors. Raises WrongTensorsError when they do not fit."""
    stem = tensors.normalised("backbone.conv_stem", "backbone.bn1", STEM_CHANNELS, 3, 3, epsilon=EPSILON)
    stages, inputs = [], STEM_CHANNELS
    for number, stage in enumerate(STAGES):
        blocks = []
        for index in range(stage.blocks):
            stride = stage.stride if index == 0 else 1
            blocks.append(_block(tensors, f"backbone.blocks.{number}.{index}", inputs, stage, stride))
            inputs = stage.channels
        stages.append(blocks)
    return Backbone(stem, stages)


def _block(tensors: Tensors, name: str, inputs: int, stage: Stage, stride: int) -> Block:
    def part(layer: str, number: int, outputs: int, inputs: int, kernel: int = 1) -> Layer:
        return tensors.normalised(f"{name}.{layer}", f"{name}.bn{number}", outputs, inputs, kernel, epsilon=EPSILON)

    if stage.expansion == 1:
        each, narrow = part("conv_dw", 1, inputs, 1, stage.kernel), part("conv_pw", 2, stage.channels, inputs)
        return Block(None, each, stride, narrow, is_residual=False)
    wide = inputs * stage.expansion
    widen, each = part("conv_pw", 1, wide, inputs), part("conv_dw", 2, wide, 1, stage.kernel)
    narrow = part("conv_pwl", 3, stage.channels, wide)
    return Block(widen, each, stride, narrow, is_residual=stride == 1 and inputs == stage.channels)
