# SPDX-License-Identifier: GPL-3.0-or-later
"""The starter model's outputs beside disparity: distances, lens and kind of the scene, and the sky."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..scene_vector import LENGTH
from .decoder import in_kind_of
from .starter_layout import CELLS, HEAD_WIDTH, HIDDEN, SCENE_LEVEL, SCENE_WIDTHS, SKY_LEVEL, SPREAD

DROPPED = 0.3
"""Share of the features that are left out in training, without which a few thousand scenes are learnt by heart."""


class SkyHead(nn.Module):
    """From a decoder map at a quarter of the picture's size to the probability of sky."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, HEAD_WIDTH, 3, padding=1)
        self.conv2 = nn.Conv2d(HEAD_WIDTH, 1, 3, padding=1)

    def logits(self, x: Tensor) -> Tensor:
        """Returns log odds of sky, float (n, h, w), of a map, float (n, width, h, w)."""
        return self.conv2(functional.relu(self.conv1(in_kind_of(self, x)))).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the probability of sky, float (n, h, w), of a map, float (n, width, h, w)."""
        return torch.sigmoid(self.logits(x))


class SceneHead(nn.Module):
    """From maps of several strides and the disparity to the numbers of `scene_vector`.

    widths  channels of the maps, and those that each is narrowed to
    """

    def __init__(self, widths: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.narrow = nn.ModuleList(nn.Conv2d(width, narrowed, 1) for width, narrowed in widths)
        features = CELLS**2 * (sum(narrowed for _, narrowed in widths) + 1) + 1
        self.hidden1 = nn.Linear(features, HIDDEN)
        self.hidden2 = nn.Linear(HIDDEN, HIDDEN)
        self.last = nn.Linear(HIDDEN, LENGTH)

    def forward(self, maps: Sequence[Tensor], disparity: Tensor) -> Tensor:
        """Returns float (n, LENGTH) of maps, float (n, width, h, w) each, and `disparity`, float (n, h, w)."""
        parts = [
            functional.adaptive_avg_pool2d(functional.relu(layer(in_kind_of(layer, x))), CELLS)
            for layer, x in zip(self.narrow, maps, strict=True)
        ]
        disparity = in_kind_of(self.hidden1, disparity).unsqueeze(1)
        shape = functional.adaptive_avg_pool2d(disparity, CELLS)
        middle = shape.mean(dim=(1, 2, 3), keepdim=True)
        shape = (shape - middle) / ((shape - middle).abs().mean(dim=(1, 2, 3), keepdim=True) + SPREAD)
        # Ones summed along both sides, so that a traced network does not take the size of its example for granted.
        ones = torch.ones_like(disparity[:1, 0])
        aspect = torch.log(ones[0, 0].sum() / ones[0, :, 0].sum())
        features = torch.cat([in_kind_of(self.hidden1, part).flatten(1) for part in (*parts, shape)], dim=1)
        features = torch.cat([features, aspect * torch.ones_like(features[:, :1])], dim=1)
        features = functional.dropout(features, DROPPED, self.training)
        hidden = functional.dropout(functional.relu(self.hidden1(features)), DROPPED, self.training)
        return self.last(functional.relu(self.hidden2(hidden)))


class SceneHeads(nn.Module):
    """Both heads, for a backbone's maps with `channels` and decoder maps with `widths`, finest first.

    The sky is read from the decoder's map at stride 4, the scene from the backbone's maps at strides 8, 16 and 32 and
    the decoder's at stride 32.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.sky = SkyHead(widths[SKY_LEVEL])
        self.scene = SceneHead(list(zip((*channels[2:], widths[SCENE_LEVEL]), SCENE_WIDTHS, strict=True)))

    def forward(self, maps: Sequence[Tensor], levels: Sequence[Tensor], disparity: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the probability of sky, float (n, h / 4, w / 4), and the scene, float (n, LENGTH).

        `maps` are the backbone's, `levels` the decoder's refined ones, `disparity` is float (n, h, w).
        """
        return self.sky(levels[SKY_LEVEL]), self.scene(self.scene_maps(maps, levels), disparity)

    def scene_maps(self, maps: Sequence[Tensor], levels: Sequence[Tensor]) -> Sequence[Tensor]:
        """Returns the maps from which the scene is read."""
        return (*maps[2:], levels[SCENE_LEVEL])
