# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth Anything: DINOv2 as a backbone for the decoder of DPT, and its heads.

Version 2 (Yang et al. 2024, https://arxiv.org/abs/2406.09414) gives disparity or, trained on rooms or streets, metres.
Version 3 (Lin et al. 2025, https://arxiv.org/abs/2511.10647) gives depth and sky.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from .decoder import MidasHead, midas_names
from .dinov2 import Dinov2, dinov2_names
from .names import Names
from .vit import Reassemble

ENLARGEMENT = 1.75
"""How many times larger the picture is than the decoder's map, which has eight places for the 14 pixels of a patch."""


class DepthAnything(nn.Module):
    """The transformer's tokens as maps with 4, 2, 1 and 1/2 places along a side of a patch.

    size          see `Dinov2`, like `blocks` and `norm_epsilon`
    channels      channels of the maps, finest first
    """

    def __init__(
        self, *, size: str, channels: Sequence[int], blocks: Sequence[int], norm_epsilon: float = 1e-6
    ) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.transformer = Dinov2(size, blocks, norm_epsilon)
        self.reassemble = nn.ModuleList(
            Reassemble(self.transformer.width, count, level, is_mixed=False) for level, count in enumerate(channels)
        )

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns the maps of a normalised `picture`, float (n, 3, h, w); its sides are multiples of 14."""
        kept, grid = self.transformer(picture)
        return [reassemble(tokens, grid) for reassemble, tokens in zip(self.reassemble, kept, strict=True)]


DisparityHead = partial(MidasHead, align_corners=True, enlargement=ENLARGEMENT)
"""The head of version 2."""


def metres_head(farthest: float) -> Callable[[int], MidasHead]:
    """Returns what makes the head of a network that sees no farther than so many metres."""

    def end(x: Tensor) -> Tensor:
        return farthest * torch.sigmoid(x)

    return partial(DisparityHead, end=end)


class DepthAndSkyHead(MidasHead):
    """The head of version 3: depth, always positive, and about 1 where there is sky, from the same enlarged map."""

    def __init__(self, width: int) -> None:
        super().__init__(width, align_corners=True, enlargement=ENLARGEMENT, end=torch.exp)
        self.sky_conv2 = nn.Conv2d(*self._sizes(self.conv2), 3, padding=1)
        self.sky_conv3 = nn.Conv2d(*self._sizes(self.conv3), 1)

    @staticmethod
    def _sizes(layer: nn.Conv2d) -> tuple[int, int]:
        return layer.in_channels, layer.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Returns depth and sky, float (n, 2, height, width), of a map, float (n, width, h, w)."""
        enlarged = self.enlarged(x)
        sky = functional.relu(self.sky_conv3(functional.relu(self.sky_conv2(enlarged))))
        return torch.cat((self.ended(enlarged), sky), dim=1)


def _names(body: str, head: str) -> dict[str, str | None]:
    names = {
        **dinov2_names(body, "backbone.transformer.body."),
        **midas_names(head=("output_conv1", "output_conv2.0", "output_conv2.2"), prefix=head),
    }
    for level in range(4):
        names[f"{head}projects.{level}."] = f"backbone.reassemble.{level}.project."
        names[f"{head}resize_layers.{level}."] = f"backbone.reassemble.{level}.resample."
    return names


V2_NAMES: Names = _names("pretrained.", "depth_head.")
"""What version 2 calls the parts."""

V3_NAMES: Names = {
    **_names("model.backbone.pretrained.", "model.head."),
    "model.head.scratch.sky_output_conv2.0.": "decoder.head.sky_conv2.",
    "model.head.scratch.sky_output_conv2.2.": "decoder.head.sky_conv3.",
}
"""What version 3 calls them."""
