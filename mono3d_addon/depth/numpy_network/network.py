# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole network: a picture in; disparity, sky and scene out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.arrays import Floats
from ..networks.names import OUR_NAMES, renamed
from .backbone import Backbone, take_backbone
from .convolutions import Tools
from .decoder import Decoder, take_decoder
from .heads import Heads, take_heads
from .tensors import Tensors


@dataclass(frozen=True)
class Network:
    """The parts of the network; weights without `heads` give no more than disparity."""

    backbone: Backbone
    decoder: Decoder
    heads: Heads | None

    def run(self, tools: Tools, picture: Floats) -> tuple[Floats, ...]:
        """Returns disparity, float32 (h, w), near = large, and what the heads give, in memory of their own.

        `picture` is normalised, float32 (3, h, w); its sides are multiples of 32.
        """
        maps = self.backbone.maps(tools, picture)
        disparity, levels = self.decoder.run(tools, maps)
        found = () if self.heads is None else self.heads.run(tools, maps, levels, disparity)
        tools.space.give(*maps, *levels)
        return (disparity, *found)


def build(found: Mapping[str, Floats]) -> Network:
    """Returns the network with the tensors of a weights file. Raises WrongTensorsError when they do not fit."""
    learnt, _ = renamed(found, OUR_NAMES)
    tensors = Tensors(learnt)
    backbone, decoder = take_backbone(tensors), take_decoder(tensors)
    heads = take_heads(tensors) if tensors.has_any("heads.") else None
    tensors.finish()
    return Network(backbone, decoder, heads)
