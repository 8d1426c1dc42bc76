# SPDX-License-Identifier: GPL-3.0-or-later
"""A network's forward pass for training on a processor: the same numbers as the network's own, in less time.

Batch normalisations with fixed statistics are folded into the convolutions before them. Convolutions run in bfloat16
where the processor has it, except depthwise ones with a stride, whose gradients are many times slower in it. Depthwise
kernels are not trained: their gradients alone take more time than everything else together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mono3d_addon.depth.networks.architectures import Network
from mono3d_addon.depth.networks.decoder import SubpixelHead
from mono3d_addon.depth.networks.efficientnet_lite import (
    EfficientNetLite,
    InvertedResidual,
    SameConv2d,
    SeparableBlock,
)
from mono3d_addon.depth.networks.starter_layout import SKY_LEVEL

FROZEN = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.")
"""Parts of the encoder that are not trained: they detect small details, which a small set cannot improve."""


def trained(backbone: EfficientNetLite) -> list[nn.Parameter]:
    """Returns the parameters of the encoder that are trained, and freezes all others."""
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    found: list[nn.Parameter] = []
    for name, block in backbone.blocks.named_modules():
        if isinstance(block, InvertedResidual) and not f"blocks.{name}.".startswith(FROZEN):
            parts = (block.conv_pw, block.bn1, block.conv_pwl, block.bn3)
            found += [parameter for part in parts for parameter in part.parameters()]
    for parameter in found:
        parameter.requires_grad_(True)
    return found


def maps(backbone: EfficientNetLite, picture: Tensor, kind: torch.dtype) -> list[Tensor]:
    """Returns the encoder's maps, of dtype `kind`, of a normalised `picture`, float (n, 3, h, w)."""
    x = _activated(_folded(backbone.conv_stem, backbone.bn1, picture.to(kind)))
    found = []
    for number, stage in enumerate(backbone.blocks):
        for block in cast(nn.Sequential, stage):
            x = (
                _separable(block, x)
                if isinstance(block, SeparableBlock)
                else _inverted(cast(InvertedResidual, block), x)
            )
        if number in backbone.maps_after:
            found.append(x)
    return found


def disparity(head: SubpixelHead, merged: Tensor) -> Tensor:
    """Returns what the head does, float32 (n, h, w), without the slow averages of a single channel."""
    x = functional.pixel_shuffle(head.conv2(functional.relu(head.conv1(merged))).float().contiguous(), 2)
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate").squeeze(1)
    for _ in range(2):
        x = 0.5 * (x[:, 1:] + x[:, :-1])
        x = 0.5 * (x[:, :, 1:] + x[:, :, :-1])
    return x


def forward(network: Network, picture: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Returns disparity, float32 (n, h, w), and, of a network with heads, log odds of sky and the scene vector."""
    kind = torch.bfloat16 if picture.device.type in ("cpu", "cuda") and uses_bfloat16(picture) else torch.float32
    found = maps(cast(EfficientNetLite, network.backbone), picture, kind)
    with torch.autocast(picture.device.type, torch.bfloat16, enabled=kind == torch.bfloat16):
        merged, levels = network.decoder.merged(found)
        # As when the network runs in reduced precision later: rounding at its end shows as steps.
        with torch.autocast(picture.device.type, enabled=False):
            depth = disparity(cast(SubpixelHead, network.decoder.head), merged.float())
        if network.heads is None:
            return depth, None, None
        sky = network.heads.sky.logits(levels[SKY_LEVEL]).float()
        inputs = network.heads.scene_maps(found, levels)
    return depth, sky, network.heads.scene([one.float() for one in inputs], depth.detach())


def uses_bfloat16(picture: Tensor) -> bool:
    """Returns whether the device computes in bfloat16 faster than in float32."""
    if picture.device.type == "cuda":
        return True
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def _folded(convolution: SameConv2d, normalisation: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Returns the normalised result of a convolution of `x`; the statistics are constants."""
    variance, mean = cast(Tensor, normalisation.running_var), cast(Tensor, normalisation.running_mean)
    factor = normalisation.weight * torch.rsqrt(variance + normalisation.eps)
    weight = convolution.weight * factor[:, None, None, None]
    bias = normalisation.bias - mean * factor
    strided = convolution.groups > 1 and convolution.stride[0] > 1 and x.requires_grad
    kind = torch.float32 if strided else x.dtype
    padding: Sequence[int] | int = 0
    before, after, *_ = convolution.margins
    if before == after:
        padding = before
    else:
        x = functional.pad(x, convolution.margins)
    result = functional.conv2d(
        x.to(kind), weight.to(kind), bias.to(kind), convolution.stride, padding, groups=convolution.groups
    )
    return result.to(x.dtype)


def _activated(x: Tensor) -> Tensor:
    return functional.relu6(x, inplace=True)


def _separable(block: SeparableBlock, x: Tensor) -> Tensor:
    return _folded(block.conv_pw, block.bn2, _activated(_folded(block.conv_dw, block.bn1, x)))


def _inverted(block: InvertedResidual, x: Tensor) -> Tensor:
    wide = _activated(_folded(block.conv_pw, block.bn1, x))
    wide = _activated(_folded(block.conv_dw, block.bn2, wide))
    result = _folded(block.conv_pwl, block.bn3, wide)
    return x + result if block.is_residual else result
