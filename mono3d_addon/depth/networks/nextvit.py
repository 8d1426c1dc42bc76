# SPDX-License-Identifier: GPL-3.0-or-later
"""Next-ViT (Li et al. 2022, https://arxiv.org/abs/2207.05501): stages of convolutions, each ending in a transformer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .names import Names
from .timm_bodies import timm_body

STAGE_BLOCKS = (3, 4, 30, 3)
"""Blocks in each stage of the large network."""


class NextVit(nn.Module):
    """The backbone; `body` is timm's network, `channels` are those of its four stages."""

    def __init__(self, *, body: str, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.body = timm_body(body)
        self.channels = channels

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides 4, 8, 16 and 32 of a normalised `picture`, float (n, 3, h, w)."""
        x = self.body.stem(picture)
        maps = []
        for stage in self.body.stages:
            x = stage(x)
            maps.append(x)
        return maps


def _midas_names() -> Names:
    names: dict[str, str | None] = {
        "pretrained.model.stem.": "backbone.body.stem.",
        "pretrained.model.norm.": None,
        "pretrained.model.proj_head.": None,
    }
    # The original network counts its blocks through all stages.
    places = [(stage, block) for stage, blocks in enumerate(STAGE_BLOCKS) for block in range(blocks)]
    for number, (stage, block) in enumerate(places):
        theirs, ours = f"pretrained.model.features.{number}.", f"backbone.body.stages.{stage}.blocks.{block}."
        names[theirs] = ours
        names[f"{theirs}mlp.conv1."] = f"{ours}mlp.fc1."
        names[f"{theirs}mlp.conv2."] = f"{ours}mlp.fc2."
    return names


MIDAS_NAMES: Names = _midas_names()
"""The names of the parts in MiDaS."""
