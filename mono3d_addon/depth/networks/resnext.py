# SPDX-License-Identifier: GPL-3.0-or-later
"""ResNeXt (Xie et al. 2017, https://arxiv.org/abs/1611.05431), the backbone of MiDaS v2.1."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .names import Names
from .timm_bodies import timm_body


class ResNeXt(nn.Module):
    """The backbone; `body` is timm's network, `channels` are those of its four layers."""

    def __init__(self, *, body: str, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.body = timm_body(body)
        self.channels = channels

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides 4, 8, 16 and 32 of a normalised `picture`, float (n, 3, h, w)."""
        body = self.body
        x = body.maxpool(body.act1(body.bn1(body.conv1(picture))))
        maps = []
        for layer in (body.layer1, body.layer2, body.layer3, body.layer4):
            x = layer(x)
            maps.append(x)
        return maps


MIDAS_NAMES: Names = {
    "pretrained.layer1.0.": "backbone.body.conv1.",
    "pretrained.layer1.1.": "backbone.body.bn1.",
    "pretrained.layer1.4.": "backbone.body.layer1.",
    "pretrained.layer2.": "backbone.body.layer2.",
    "pretrained.layer3.": "backbone.body.layer3.",
    "pretrained.layer4.": "backbone.body.layer4.",
}
"""What MiDaS calls the parts: it counts the stem, its activation and its pooling to the first layer."""
