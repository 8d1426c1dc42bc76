# SPDX-License-Identifier: GPL-3.0-or-later
"""Swin transformers, which attend within windows that shift from block to block.

Liu et al. 2021 (https://arxiv.org/abs/2103.14030) and, version 2, 2022 (https://arxiv.org/abs/2111.09883).
Their windows fit the pictures of one size only.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .names import Names
from .timm_bodies import timm_body

LAYERS = 4


class Swin(nn.Module):
    """The backbone, of both versions; `body` is timm's network, `channels` are those of its four layers."""

    def __init__(self, *, body: str, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.body = timm_body(body)
        self.channels = channels

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides 4, 8, 16 and 32 of a normalised `picture`, float (n, 3, side, side)."""
        x = self.body.patch_embed(picture)
        maps = []
        for layer in self.body.layers:
            x = layer(x)
            maps.append(x.permute(0, 3, 1, 2))
        return maps


def _midas_names() -> Names:
    names: dict[str, str | None] = {
        "pretrained.model.": "backbone.body.",
        "pretrained.model.norm.": None,
        "pretrained.model.head.": None,
    }
    # What halves a map ended a layer when MiDaS was trained; in timm of today it begins the next.
    for layer in range(LAYERS - 1):
        names[f"pretrained.model.layers.{layer}.downsample."] = f"backbone.body.layers.{layer + 1}.downsample."
    return names


MIDAS_NAMES: Names = _midas_names()
"""The names of the parts in MiDaS."""
