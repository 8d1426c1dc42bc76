# SPDX-License-Identifier: GPL-3.0-or-later
"""DINOv2 (Oquab et al. 2023, https://arxiv.org/abs/2304.07193): the body of Depth Anything and of MoGe.

A vision transformer with patches of 14x14 pixels, whose table of positions belongs to a square of 37x37 of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from .names import Names
from .timm_bodies import timm_body
from .vit import Grid

PATCH = 14
"""Pixels along a side of a patch."""

BODIES = {"small": "vit_small_patch14_dinov2", "base": "vit_base_patch14_dinov2", "large": "vit_large_patch14_dinov2"}
"""Names of timm's bodies by size."""

_BEYOND = 0.1
"""Patches that the official code adds to a side when it enlarges the table of positions."""
_CUBIC = -0.75
"""Parameter of torch's cubic interpolation."""
_REACH = 3
"""Entries beyond the table that the interpolation of any size may ask for; they repeat the outermost."""


class Dinov2(nn.Module):
    """The transformer, of which some blocks give their tokens.

    size          one of `BODIES`
    blocks        the blocks whose tokens are kept, in their order
    norm_epsilon  of the norm that all kept tokens go through
    """

    def __init__(self, size: str, blocks: Sequence[int], norm_epsilon: float = 1e-6) -> None:
        super().__init__()
        self.body = timm_body(BODIES[size], without=("fc_norm", "head"))
        self.body.norm.eps = norm_epsilon
        self.kept_blocks = tuple(blocks)

    @property
    def width(self) -> int:
        """Numbers in a token."""
        return int(self.body.embed_dim)

    def forward(self, picture: Tensor) -> tuple[Sequence[Tensor], Grid]:
        """Returns the tokens of the kept blocks, float (n, 1 + rows * columns, width), and rows and columns.

        `picture` is normalised, float (n, 3, h, w); its sides are multiples of `PATCH`.
        """
        embedded = self.body.patch_embed.proj(picture)
        grid = (embedded.shape[-2], embedded.shape[-1])
        tokens = embedded.flatten(2).transpose(1, 2)
        tokens = torch.cat((self.body.cls_token.expand(len(tokens), -1, -1), tokens), dim=1)
        tokens = tokens + resized_positions(self.body.pos_embed, grid)
        kept = []
        for number, block in enumerate(self.body.blocks[: self.kept_blocks[-1] + 1]):
            tokens = block(tokens)
            if number in self.kept_blocks:
                kept.append(self.body.norm(tokens))
        return kept, grid


def as_map(tokens: Tensor, grid: Grid) -> Tensor:
    """Returns the tokens of the patches laid out, float (n, width, rows, columns), without that of the picture."""
    return tokens[:, 1:].transpose(1, 2).unflatten(2, grid)


def resized_positions(positions: Tensor, grid: Grid) -> Tensor:
    """Returns position embeddings, float (1, 1 + rows * columns, width), for another grid than the trained, square one.

    Bicubic without antialias. The official code asks torch for the factor (count + 0.1) / side, which moves all places
    at which the table is sampled; asking for the size, or timm's own way, gives another depth. Two products with
    tables of weights do the same as torch and, unlike a factor, depend on the size of the picture in a traced network.
    """
    side = math.isqrt(positions.shape[1] - 1)
    rows, columns = (torch.as_tensor(count, device=positions.device) for count in grid)
    beyond = _BEYOND * ((rows != side) | (columns != side))
    table = positions[0, 1:].float().unflatten(0, (side, side))
    down, across = (_weights(side, count, beyond) for count in (rows, columns))
    table = torch.einsum("rs,suw->ruw", down, table)
    table = torch.einsum("cu,ruw->rcw", across, table)
    return torch.cat((positions[:, :1], table.flatten(0, 1)[None].to(positions.dtype)), dim=1)


def _weights(side: int, count: Tensor, beyond: Tensor) -> Tensor:
    """Returns how much each of `side` entries counts for each of `count` places, float32 (count, side)."""
    places = (torch.arange(cast(Any, count), device=count.device) + 0.5) * (side / (count + beyond)) - 0.5
    entries = torch.arange(-_REACH, side + _REACH, device=count.device)
    weights = _cubic(torch.abs(places[:, None] - entries)).float()
    first = weights[:, : _REACH + 1].sum(1, keepdim=True)
    last = weights[:, -_REACH - 1 :].sum(1, keepdim=True)
    return torch.cat((first, weights[:, _REACH + 1 : -_REACH - 1], last), dim=1)


def _cubic(distance: Tensor) -> Tensor:
    """Returns the kernel of cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711)."""
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance**2 + 1
    far = _CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return torch.where(distance <= 1, near, torch.where(distance < 2, far, torch.zeros_like(distance)))


def dinov2_names(prefix: str, ours: str) -> Names:
    """Returns the names of the body's parts, which are timm's after a `prefix`."""
    # A token for masked patches, as in the training of the body.
    return {prefix: ours, f"{prefix}mask_token": None}
