# SPDX-License-Identifier: GPL-3.0-or-later
"""The hybrid backbone: a ResNet for the two finer maps, a transformer on top of it for the two coarser ones.

DPT-Hybrid in Ranftl et al. 2021 (https://arxiv.org/abs/2103.13413).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .vit import Transformer


class HybridTransformer(Transformer):
    """Maps at strides 4 and 8 come from the first two stages of the ResNet, those at 16 and 32 are made of tokens."""

    def __init__(self, *, body: str, channels: tuple[int, int, int, int], blocks: Sequence[int]) -> None:
        super().__init__(body, {2: channels[2], 3: channels[3]}, blocks)
        self.channels = channels

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides 4, 8, 16 and 32 of a normalised `picture`, float (n, 3, h, w)."""
        resnet = self.body.patch_embed.backbone
        fine = resnet.stages[0](resnet.stem(picture))
        middle = resnet.stages[1](fine)
        coarse = resnet.norm(resnet.stages[2](middle))
        return [fine, middle, *self.token_maps(coarse)]
