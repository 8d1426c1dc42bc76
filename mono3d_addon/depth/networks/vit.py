# SPDX-License-Identifier: GPL-3.0-or-later
"""The vision transformer as a backbone: DPT (Ranftl et al. 2021, https://arxiv.org/abs/2103.13413).

The transformer (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929) sees the picture as a row of tokens: one
that stands for the whole picture, then one for each patch of 16x16 pixels. What some of its blocks give is put together
again to maps at strides 4, 8, 16 and 32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .names import Names
from .timm_bodies import timm_body

Grid = tuple[int, int]
"""Rows and columns of patches."""


class Reassemble(nn.Module):
    """From tokens to a map: mix the whole-picture token into each, lay them out, change channels and size.

    level     the place in the list of maps: 0 for a quarter of a patch to 3 for two patches
    is_mixed  whether the whole-picture token is mixed in; else it is dropped
    """

    def __init__(self, token_width: int, channels: int, level: int, *, is_mixed: bool = True) -> None:
        super().__init__()
        self.readout = nn.Linear(2 * token_width, token_width) if is_mixed else None
        self.project = nn.Conv2d(token_width, channels, 1)
        self.resample = (
            nn.ConvTranspose2d(channels, channels, 4, stride=4),
            nn.ConvTranspose2d(channels, channels, 2, stride=2),
            nn.Identity(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        )[level]

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Returns a map, float (n, channels, h, w), of `tokens`, float (n, 1 + rows * columns, token_width)."""
        whole, patches = tokens[:, :1], tokens[:, 1:]
        if self.readout is not None:
            patches = functional.gelu(self.readout(torch.cat((patches, whole.expand_as(patches)), dim=-1)))
        return self.resample(self.project(patches.transpose(1, 2).unflatten(2, grid)))


def resized_positions(positions: Tensor, grid: Grid) -> Tensor:
    """Returns position embeddings, float (1, 1 + rows * columns, width), for another grid than the trained, square one.

    Bilinear without antialias, as MiDaS does it; timm's own way gives another disparity.
    """
    side = math.isqrt(positions.shape[1] - 1)
    if grid == (side, side):
        return positions
    whole, patches = positions[:, :1], positions[:, 1:]
    patches = patches.transpose(1, 2).unflatten(2, (side, side))
    patches = functional.interpolate(patches, size=grid, mode="bilinear", align_corners=False)
    return torch.cat((whole, patches.flatten(2).transpose(1, 2)), dim=1)


class Transformer(nn.Module):
    """What the pure and the hybrid backbone share: embedded patches through the blocks, some results kept.

    body    timm's transformer
    levels  channels of the maps that are made of tokens, by their place in the list of maps
    blocks  the blocks whose results become those maps
    """

    def __init__(self, body: str, levels: dict[int, int], blocks: Sequence[int]) -> None:
        super().__init__()
        self.body = timm_body(body)
        self.kept_blocks = tuple(blocks)
        self.reassemble = nn.ModuleDict(
            {str(level): Reassemble(self.body.embed_dim, channels, level) for level, channels in levels.items()}
        )

    def token_maps(self, features: Tensor) -> list[Tensor]:
        """Returns the maps that are made of tokens; the patches are cut from `features`, float (n, c, h, w)."""
        embedded = self.body.patch_embed.proj(features)
        grid = (embedded.shape[-2], embedded.shape[-1])
        tokens = embedded.flatten(2).transpose(1, 2)
        tokens = torch.cat((self.body.cls_token.expand(len(tokens), -1, -1), tokens), dim=1)
        tokens = self.positioned(tokens, grid)
        kept = []
        for number, block in enumerate(self.body.blocks[: self.kept_blocks[-1] + 1]):
            tokens = self.through(block, tokens, grid)
            if number in self.kept_blocks:
                kept.append(tokens)
        return [reassemble(x, grid) for reassemble, x in zip(self.reassemble.values(), kept, strict=True)]

    def positioned(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Returns `tokens`, float (n, 1 + rows * columns, width), with what tells where each of them lies."""
        return tokens + resized_positions(self.body.pos_embed, grid)

    def through(self, block: Any, tokens: Tensor, grid: Grid) -> Tensor:
        """Returns what one of timm's blocks makes of `tokens`, float (n, 1 + rows * columns, width)."""
        return block(tokens)


class VisionTransformer(Transformer):
    """The pure transformer: all four maps are made of tokens."""

    def __init__(self, *, body: str, channels: tuple[int, ...], blocks: Sequence[int]) -> None:
        super().__init__(body, dict(enumerate(channels)), blocks)
        self.channels = channels

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides 4, 8, 16 and 32 of a normalised `picture`, float (n, 3, h, w)."""
        return self.token_maps(picture)


def _midas_names() -> Names:
    names: dict[str, str | None] = {
        "pretrained.model.": "backbone.body.",
        "pretrained.model.norm.": None,
        "pretrained.model.head.": None,
    }
    for level in range(4):
        for number, part in ((0, "readout"), (3, "project"), (4, "resample")):
            inner = "project.0." if part == "readout" else ""
            names[f"pretrained.act_postprocess{level + 1}.{number}.{inner}"] = f"backbone.reassemble.{level}.{part}."
    return names


MIDAS_NAMES: Names = _midas_names()
"""What MiDaS calls the parts of both kinds of transformer."""
