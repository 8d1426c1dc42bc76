# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter's decoder and its head for disparity; `networks.decoder` is the same with torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.arrays import Floats
from ..networks.starter_layout import HEAD_WIDTH, LATERAL_SIZES, WIDTHS
from .backbone import CHANNELS
from .convolutions import Layer, Tools, convolved, pointwise
from .enlarge import enlarged
from .tensors import Tensors


@dataclass(frozen=True)
class Unit:
    """Two 3x3 convolutions, each after a ReLU, added to the input."""

    first: Layer
    second: Layer

    def run(self, tools: Tools, x: Floats) -> Floats:
        """Returns a map like `x` of the workspace."""
        between = convolved(tools, x, self.first, 1, is_rectified=True)
        result = convolved(tools, between, self.second, 1, is_rectified=True)
        tools.space.give(between)
        return np.add(x, result, out=result)


@dataclass(frozen=True)
class Fusion:
    """One step: merge a map into the coarser result so far, refine, project for the next finer step."""

    skip: Unit | None
    refine: Unit
    project: Layer

    def refined(self, tools: Tools, x: Floats, coarser: Floats | None) -> Floats:
        """Returns the merged and refined map; takes both arguments back into the workspace."""
        if self.skip is not None and coarser is not None:
            skipped = self.skip.run(tools, x)
            tools.space.give(x)
            x = np.add(coarser, skipped, out=skipped)
            tools.space.give(coarser)
        result = self.refine.run(tools, x)
        tools.space.give(x)
        return result

    def enlarged(self, tools: Tools, refined: Floats, size: tuple[int, int]) -> Floats:
        """Returns a refined map as the next finer step takes it, of this `size`."""
        projected = pointwise(tools, refined, self.project)
        result = enlarged(tools, projected, size)
        tools.space.give(projected)
        return result


@dataclass(frozen=True)
class Head:
    """From a map at half the size of the picture to disparity: each place of the map gives four pixels."""

    conv1: Layer
    conv2: Layer

    def run(self, tools: Tools, x: Floats) -> Floats:
        """Returns disparity, float32 (2 h, 2 w), of a map, float32 (channels, h, w)."""
        between = convolved(tools, x, self.conv1, 1)
        four = convolved(tools, between, self.conv2, 1, is_rectified=True)
        _, height, width = four.shape
        pixels = four.reshape(2, 2, height, width).transpose(2, 0, 3, 1).reshape(2 * height, 2 * width)
        tools.space.give(between, four)
        return _evened(pixels)


def _evened(pixels: Floats) -> Floats:
    """Returns float32 (h, w) averaged twice over squares of two by two pixels; the outermost pixels count twice."""
    framed = np.pad(pixels, 1, mode="edge")
    for _ in range(2):
        framed = framed[:-1] + framed[1:]
        framed = framed[:, :-1] + framed[:, 1:]
        framed *= np.float32(0.25)
    return framed


@dataclass(frozen=True)
class Decoder:
    """Merges the backbone's maps, whose channels become the decoder's in `lateral`, from the coarsest to the finest."""

    lateral: Sequence[Layer]
    fusion: Sequence[Fusion]
    head: Head

    def run(self, tools: Tools, maps: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
        """Returns disparity, float32 (h, w), and the refined map of each level, finest first, of the workspace."""
        lateral = [self._lateral(tools, x, layer) for x, layer in zip(maps, self.lateral, strict=True)]
        sizes = [(x.shape[1], x.shape[2]) for x in lateral]
        levels: list[Floats] = []
        merged = None
        # The finest map stays as large as it is.
        for step, x, size in reversed(list(zip(self.fusion, lateral, [sizes[0], *sizes[:-1]], strict=True))):
            levels.append(step.refined(tools, x, merged))
            merged = step.enlarged(tools, levels[-1], size)
        assert merged is not None
        disparity = self.head.run(tools, merged)
        tools.space.give(merged)
        return disparity, levels[::-1]

    @staticmethod
    def _lateral(tools: Tools, x: Floats, layer: Layer) -> Floats:
        return pointwise(tools, x, layer) if layer.kernel == 1 else convolved(tools, x, layer, layer.kernel // 2)


def take_decoder(tensors: Tensors) -> Decoder:
    """Returns the decoder with its tensors. Raises WrongTensorsError when they do not fit."""
    lateral = [
        tensors.layer(f"decoder.lateral.{level}", width, channels, kernel, has_bias=False)
        for level, (width, channels, kernel) in enumerate(zip(WIDTHS, CHANNELS, LATERAL_SIZES, strict=True))
    ]

    def unit(name: str, width: int) -> Unit:
        first, second = (tensors.layer(f"{name}.conv{number}", width, width, 3) for number in (1, 2))
        return Unit(first, second)

    fusion = []
    for level, (width, next_width) in enumerate(zip(WIDTHS, (WIDTHS[0], *WIDTHS[:-1]), strict=True)):
        name = f"decoder.fusion.{level}"
        skip = unit(f"{name}.skip", width) if level < len(WIDTHS) - 1 else None
        refine = unit(f"{name}.refine", width)
        fusion.append(Fusion(skip, refine, tensors.layer(f"{name}.project", next_width, width)))
    conv1 = tensors.layer("decoder.head.conv1", HEAD_WIDTH, WIDTHS[0], 3)
    return Decoder(lateral, fusion, Head(conv1, tensors.layer("decoder.head.conv2", 4, HEAD_WIDTH, 3)))
