# SPDX-License-Identifier: GPL-3.0-or-later
"""LeViT (Graham et al. 2021, https://arxiv.org/abs/2104.01136), a transformer made for speed, and its own head.

Its stem already leaves a 16th of the picture's size, so that it gives three maps instead of four, and the head makes up
for that. The tables of its attention fit the pictures of one size only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from .decoder import MidasHead
from .names import Names
from .timm_bodies import timm_body

STAGE_BLOCKS = (4, 4, 1)
"""Blocks in each stage, up to the last that MiDaS uses."""
UNUSED_BLOCKS = 3
KEPT_BLOCKS = (1, 0, 0)
"""In each stage, the block whose result becomes a map."""


class Levit(nn.Module):
    """The backbone; `body` is timm's network, `channels` are those of its three stages."""

    def __init__(self, *, body: str, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.body = timm_body(body)
        last = self.body.stages[-1]
        last.blocks = last.blocks[:-UNUSED_BLOCKS]
        self.channels = channels

    def forward(self, picture: Tensor) -> Sequence[Tensor]:
        """Returns maps at strides 16, 32 and 64 (rounded up) of a normalised `picture`, float (n, 3, side, side)."""
        tokens = self.body.stem(picture).flatten(2).transpose(1, 2)
        maps = []
        for stage, kept in zip(self.body.stages, KEPT_BLOCKS, strict=True):
            tokens = stage.downsample(tokens)
            for number, block in enumerate(stage.blocks):
                tokens = block(tokens)
                if number == kept:
                    side = math.isqrt(tokens.shape[1])
                    maps.append(tokens.transpose(1, 2).unflatten(2, (side, side)))
        return maps


class Enlargement(nn.Sequential):
    """Twice the size, normalised: a step of the stem, backwards."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)


class LevitHead(MidasHead):
    """From the finest map, at an 8th of the size of the picture, to disparity at its full size; never negative."""

    def __init__(self, width: int) -> None:
        super().__init__(width // 4, align_corners=True, last_width=8)
        self.enlarge1 = Enlargement(width, width // 2)
        self.enlarge2 = Enlargement(width // 2, width // 4)

    def forward(self, x: Tensor) -> Tensor:
        """Returns disparity, float (n, 1, 8 h, 8 w), of a map, float (n, width, h, w)."""
        x = nn.functional.hardswish(self.enlarge1(x))
        return super().forward(nn.functional.hardswish(self.enlarge2(x)))


def _midas_names() -> Names:
    names: dict[str, str | None] = {
        "pretrained.model.head.": None,
        "pretrained.model.head_dist.": None,
    }
    # The original network counts convolutions and activations of the stem alike, ...
    for step in range(4):
        names |= _normalised(f"pretrained.model.patch_embed.{2 * step}.", f"backbone.body.stem.conv{step + 1}.")
    # ... and through all stages the halves of its blocks: attention, then what works on each token by itself.
    number = 0
    for stage, blocks in enumerate(STAGE_BLOCKS):
        stages = f"backbone.body.stages.{stage}."
        if stage > 0:
            names |= _attention(number, "", f"{stages}downsample.attn_downsample.")
            names |= _each_token(number + 1, f"{stages}downsample.mlp.")
            number += 2
        for block in range(blocks):
            names |= _attention(number, "m.", f"{stages}blocks.{block}.attn.")
            names |= _each_token(number + 1, f"{stages}blocks.{block}.mlp.")
            number += 2
    names |= {f"pretrained.model.blocks.{unused}.": None for unused in range(number, number + 2 * UNUSED_BLOCKS)}
    for step in range(2):
        theirs, ours = f"scratch.stem_transpose.{2 * step}.", f"decoder.head.enlarge{step + 1}."
        names |= {f"{theirs}c.": f"{ours}conv.", f"{theirs}bn.": f"{ours}bn."}
    return names


def _attention(number: int, within: str, ours: str) -> dict[str, str | None]:
    theirs = f"pretrained.model.blocks.{number}.{within}"
    names: dict[str, str | None] = {f"{theirs}attention_biases": f"{ours}attention_biases"}
    for their_part, our_part in (("qkv.", "qkv."), ("kv.", "kv."), ("q.1.", "q.ln."), ("proj.1.", "proj.ln.")):
        names |= _normalised(theirs + their_part, ours + our_part)
    return names


def _each_token(number: int, ours: str) -> dict[str, str | None]:
    theirs = f"pretrained.model.blocks.{number}.m."
    return _normalised(f"{theirs}0.", f"{ours}ln1.") | _normalised(f"{theirs}2.", f"{ours}ln2.")


def _normalised(theirs: str, ours: str) -> dict[str, str | None]:
    return {f"{theirs}c.": f"{ours}linear.", f"{theirs}bn.": f"{ours}bn."}


MIDAS_NAMES: Names = _midas_names()
"""What MiDaS calls the parts, the upper part of the head among them."""
