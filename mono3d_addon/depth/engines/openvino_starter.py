# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter's network as a graph of OpenVINO, made from its layers in a moment and without torch.

`numpy_network` has the same layers, with the batch normalisations in them, and says what they are. A map is float32
(1, channels, height, width); height and width of the graph are dynamic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino
from openvino import opset10 as ops

from ..networks.efficientnet_stages import MAPS_AFTER, margins
from ..networks.starter_layout import CELLS, SCENE_LEVEL, SKY_LEVEL, SPREAD
from ..numpy_network.backbone import Backbone, Block
from ..numpy_network.convolutions import Layer
from ..numpy_network.decoder import Decoder, Fusion, Head, Unit
from ..numpy_network.heads import COARSE, Heads, Linear, SceneHead
from ..numpy_network.network import Network
from .engine import ARRAY_NAMES

_SIDES = np.array([2, 3])
"""Axes of height and width."""


def graph(network: Network) -> openvino.Model:
    """Returns the graph of a network, whose outputs have the names of its arrays."""
    picture = ops.parameter([1, 3, -1, -1], np.float32)
    maps = _backbone(network.backbone, picture)
    disparity, levels = _decoder(network.decoder, maps)
    found = [ops.squeeze(disparity, _axes(1))]
    if network.heads is not None:
        found += _heads(network.heads, maps, levels, disparity)
    model = openvino.Model([ops.result(one) for one in found], [picture])
    for output, name in zip(model.outputs, ARRAY_NAMES, strict=False):
        output.get_tensor().set_names({name})
    return model


def _backbone(backbone: Backbone, picture: Any) -> list[Any]:
    x = _relu6(_convolved(picture, backbone.stem, margins(backbone.stem.kernel, 2), 2))
    maps = []
    for number, stage in enumerate(backbone.stages):
        for block in stage:
            x = _block(block, x)
        if number in MAPS_AFTER:
            maps.append(x)
    return maps


def _block(block: Block, x: Any) -> Any:
    wide = x if block.widen is None else _relu6(_convolved(x, block.widen))
    each = _relu6(_per_channel(wide, block.each, margins(block.each.kernel, block.stride), block.stride))
    result = _convolved(each, block.narrow)
    return ops.add(x, result) if block.is_residual else result


def _decoder(decoder: Decoder, maps: Sequence[Any]) -> tuple[Any, list[Any]]:
    lateral = [_convolved(x, layer) for x, layer in zip(maps, decoder.lateral, strict=True)]
    levels: list[Any] = []
    merged = None
    # The finest map stays as large as it is.
    for step, x, finer in reversed(list(zip(decoder.fusion, lateral, [None, *lateral[:-1]], strict=True))):
        levels.append(_refined(step, x, merged))
        merged = _convolved(levels[-1], step.project)
        if finer is not None:
            merged = _enlarged(merged, finer)
    return _head(decoder.head, merged), levels[::-1]


def _refined(step: Fusion, x: Any, coarser: Any) -> Any:
    if step.skip is not None and coarser is not None:
        x = ops.add(coarser, _unit(step.skip, x))
    return _unit(step.refine, x)


def _unit(unit: Unit, x: Any) -> Any:
    between = _convolved(ops.relu(x), unit.first)
    return ops.add(x, _convolved(ops.relu(between), unit.second))


def _enlarged(x: Any, finer: Any) -> Any:
    size = ops.gather(ops.shape_of(finer), ops.constant(_SIDES), ops.constant(0))
    return ops.interpolate(
        x,
        size,
        ops.constant(np.ones(2, np.float32)),
        "linear_onnx",
        "sizes",
        axes=ops.constant(_SIDES),
        coordinate_transformation_mode="half_pixel",
    )


def _head(head: Head, x: Any) -> Any:
    four = _convolved(ops.relu(_convolved(x, head.conv1)), head.conv2)
    pixels = ops.depth_to_space(four, "depth_first", 2)
    frame = ops.constant(np.array([0, 0, 1, 1]))
    pixels = ops.pad(pixels, frame, frame, "edge")
    for _ in range(2):
        pixels = ops.avg_pool(pixels, [1, 1], [0, 0], [0, 0], [2, 2], exclude_pad=False)
    return pixels


def _heads(heads: Heads, maps: Sequence[Any], levels: Sequence[Any], disparity: Any) -> list[Any]:
    between = _convolved(levels[SKY_LEVEL], heads.sky.conv1)
    sky = ops.sigmoid(_convolved(ops.relu(between), heads.sky.conv2))
    return [ops.squeeze(sky, _axes(1)), _scene(heads.scene, (*maps[COARSE:], levels[SCENE_LEVEL]), disparity)]


def _scene(head: SceneHead, maps: Sequence[Any], disparity: Any) -> Any:
    parts = [_cell_means(ops.relu(_convolved(x, layer))) for x, layer in zip(maps, head.narrow, strict=True)]
    shape = _cell_means(disparity)
    shape = ops.subtract(shape, ops.reduce_mean(shape, _axes(1), keep_dims=True))
    spread = ops.add(ops.reduce_mean(ops.abs(shape), _axes(1), keep_dims=True), _number(SPREAD))
    height, width = (
        ops.convert(ops.gather(ops.shape_of(disparity), _axes(side), ops.constant(0)), "f32") for side in _SIDES
    )
    aspect = ops.unsqueeze(ops.log(ops.divide(width, height)), _axes(0))
    x = ops.concat([*parts, ops.divide(shape, spread), aspect], 1)
    for layer in (head.hidden1, head.hidden2):
        x = ops.relu(_linear(x, layer))
    return _linear(x, head.last)


def _cell_means(x: Any) -> Any:
    """Returns the means over cells, float32 (1, channels * CELLS * CELLS)."""
    means = ops.adaptive_avg_pool(x, ops.constant(np.array([CELLS, CELLS])))
    return ops.reshape(means, ops.constant(np.array([1, -1])), special_zero=False)


def _linear(x: Any, layer: Linear) -> Any:
    product = ops.matmul(x, ops.constant(layer.weights), transpose_a=False, transpose_b=True)
    return ops.add(product, ops.constant(layer.bias[None]))


def _convolved(x: Any, layer: Layer, around: tuple[int, int] | None = None, stride: int = 1) -> Any:
    before, after = around or (layer.kernel // 2,) * 2
    step, begin, end = [stride] * 2, [before] * 2, [after] * 2
    result = ops.convolution(x, ops.constant(layer.weights), step, begin, end, [1, 1])
    return ops.add(result, ops.constant(layer.bias[None]))


def _per_channel(x: Any, layer: Layer, around: tuple[int, int], stride: int) -> Any:
    step, begin, end = [stride] * 2, [around[0]] * 2, [around[1]] * 2
    weights = ops.constant(np.ascontiguousarray(layer.weights[:, None]))
    return ops.add(ops.group_convolution(x, weights, step, begin, end, [1, 1]), ops.constant(layer.bias[None]))


def _relu6(x: Any) -> Any:
    return ops.clamp(x, 0.0, 6.0)


def _axes(axis: int) -> Any:
    return ops.constant(np.array([axis]))


def _number(value: float) -> Any:
    return ops.constant(np.float32(value))
