# SPDX-License-Identifier: GPL-3.0-or-later
"""EfficientNet-Lite, the backbone of the starter model and of MiDaS small.

EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with ReLU6, as in
TensorFlow's efficientnet_lite. timm has it too (`tf_efficientnet_lite0` and `3`; the parts here have its names, and a
test holds both together), but importing timm takes as long as importing torch, and these models are for a quick start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from .efficientnet_stages import (
    EPSILON,
    MAPS_AFTER,
    STAGES,
    STEM_CHANNELS,
    margins,
    scaled_blocks,
    scaled_channels,
)
from .names import Names


class SameConv2d(nn.Conv2d):
    """A convolution without bias, with TensorFlow's `margins`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.margins = 2 * margins(kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Returns float (n, outputs, h / stride, w / stride) of `x`, float (n, inputs, h, w)."""
        return super().forward(functional.pad(x, self.margins) if any(self.margins) else x)


def normalisation(channels: int) -> nn.BatchNorm2d:
    """Returns a batch normalisation with TensorFlow's epsilon."""
    return nn.BatchNorm2d(channels, eps=EPSILON)


class SeparableBlock(nn.Module):
    """A 3x3 convolution per channel, then a mixture of the channels: the block of the first stage."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = SameConv2d(inputs, inputs, kernel, groups=inputs)
        self.bn1 = normalisation(inputs)
        self.conv_pw = SameConv2d(inputs, outputs, 1)
        self.bn2 = normalisation(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Returns float (n, outputs, h, w) of `x`, float (n, inputs, h, w)."""
        return self.bn2(self.conv_pw(functional.relu6(self.bn1(self.conv_dw(x)))))


class InvertedResidual(nn.Module):
    """Widen, convolve each channel, narrow; added to the input where it has the same shape."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.conv_pw = SameConv2d(inputs, wide, 1)
        self.bn1 = normalisation(wide)
        self.conv_dw = SameConv2d(wide, wide, kernel, stride, groups=wide)
        self.bn2 = normalisation(wide)
        self.conv_pwl = SameConv2d(wide, outputs, 1)
        self.bn3 = normalisation(outputs)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Returns float (n, outputs, h / stride, w / stride) of `x`, float (n, inputs, h, w)."""
        wide = functional.relu6(self.bn1(self.conv_pw(x)))
        wide = functional.relu6(self.bn2(self.conv_dw(wide)))
        result = self.bn3(self.conv_pwl(wide))
        return x + result if self.is_residual else result


class EfficientNetLite(nn.Module):
    """The backbone; `width` and `depth` scale channels and blocks (1.0 and 1.0: Lite0, 1.2 and 1.4: Lite3).

    finest_stride  stride of the first map that is handed on: 2 or 4
    """

    def __init__(self, *, width: float, depth: float, finest_stride: int = 4) -> None:
        super().__init__()
        self.conv_stem = SameConv2d(3, STEM_CHANNELS, 3, stride=2)
        self.bn1 = normalisation(STEM_CHANNELS)
        self.blocks = nn.ModuleList()
        inputs = STEM_CHANNELS
        outputs = [scaled_channels(stage.channels, width) for stage in STAGES]
        for number, stage in enumerate(STAGES):
            blocks: list[nn.Module] = []
            for index in range(scaled_blocks(number, depth)):
                stride = stage.stride if index == 0 else 1
                if stage.expansion == 1:
                    blocks.append(SeparableBlock(inputs, outputs[number], stage.kernel))
                else:
                    blocks.append(InvertedResidual(inputs, outputs[number], stage.kernel, stride, stage.expansion))
                inputs = outputs[number]
            self.blocks.append(nn.Sequential(*blocks))
        self.maps_after = MAPS_AFTER[int(math.log2(finest_stride)) - 1 :]
        self.channels = tuple(outputs[number] for number in self.maps_after)

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides (2,) 4, 8, 16 and 32 of a normalised `picture`, float (n, 3, h, w)."""
        x = functional.relu6(self.bn1(self.conv_stem(picture)))
        maps = []
        for number, stage in enumerate(self.blocks):
            x = stage(x)
            if number in self.maps_after:
                maps.append(x)
        return maps


MIDAS_NAMES: Names = {
    "pretrained.layer1.0.": "backbone.conv_stem.",
    "pretrained.layer1.1.": "backbone.bn1.",
    "pretrained.layer1.3.": "backbone.blocks.0.",
    "pretrained.layer1.4.": "backbone.blocks.1.",
    "pretrained.layer2.0.": "backbone.blocks.2.",
    "pretrained.layer3.0.": "backbone.blocks.3.",
    "pretrained.layer3.1.": "backbone.blocks.4.",
    "pretrained.layer4.0.": "backbone.blocks.5.",
    "pretrained.layer4.1.": "backbone.blocks.6.",
}
"""What MiDaS small calls them: it cuts the network into four layers and counts the activation as one part."""
