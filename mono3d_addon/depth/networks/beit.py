# SPDX-License-Identifier: GPL-3.0-or-later
"""BEiT (Bao et al. 2022, https://arxiv.org/abs/2106.08254), the transformer of the largest models of MiDaS 3.1.

Positions are not embedded: each block has a table that says, for every distance between two patches
in rows and columns, how much more or less one attends to the other.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .names import Names
from .vit import MIDAS_NAMES as TRANSFORMER_MIDAS_NAMES
from .vit import Grid, VisionTransformer

WHOLE_ENTRIES = 3
"""The last rows of a table: from the whole-picture token to a patch, from a patch to it, from it to itself."""


class Beit(VisionTransformer):
    """The vision transformer with positions inside its blocks."""

    def positioned(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Returns `tokens` as they are: the blocks know the positions."""
        return tokens

    def through(self, block: Any, tokens: Tensor, grid: Grid) -> Tensor:
        """Returns what timm's `block` makes of `tokens`, with attention for this grid of patches."""
        tokens = tokens + block.gamma_1 * attended(block.attn, block.norm1(tokens), grid)
        return tokens + block.gamma_2 * block.mlp(block.norm2(tokens))


def attended(attention: Any, tokens: Tensor, grid: Grid) -> Tensor:
    """Returns what timm's `attention` makes of `tokens`, float (n, 1 + rows * columns, width), for any grid."""
    input_bias = torch.cat((attention.q_bias, attention.k_bias, attention.v_bias))
    projected = functional.linear(tokens, attention.qkv.weight, input_bias)
    queries, *sources = projected.unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    keys, values = (torch.cat((x[:, :, :1], x[:, :, 1:].flip(2)), dim=2) for x in sources)
    table = resized_table(attention.relative_position_bias_table, attention.window_size, grid)
    bias = position_bias(table.to(queries.dtype), attention.relative_position_bias_table[-WHOLE_ENTRIES:], grid)
    # torch has a fast way only where the bias has as many dimensions as the queries; without, this takes four times as
    # long on a CPU.
    mixed = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias[None])
    return attention.proj(mixed.transpose(1, 2).flatten(2))


def resized_table(table: Tensor, trained: Grid, grid: Grid) -> Tensor:
    """Returns the entries between patches of a `table`, float (entries, heads), for another grid than the trained one.

    The result is float (heads, 2 rows - 1, 2 columns - 1). Bilinear without antialias, as MiDaS does it; timm's own way
    gives another disparity.
    """
    between = table[:-WHOLE_ENTRIES].T.unflatten(1, (2 * trained[0] - 1, 2 * trained[1] - 1))
    if grid == tuple(trained):
        return between
    size = (2 * grid[0] - 1, 2 * grid[1] - 1)
    return functional.interpolate(between[None], size=size, mode="bilinear", align_corners=False)[0]


def position_bias(between: Tensor, whole: Tensor, grid: Grid) -> Tensor:
    """Returns what is added before the softmax, float (heads, 1 + rows * columns, 1 + rows * columns).

    Element (h, q, k) is for the query of token q and the key of token k, where the keys of the patches come in reverse
    order, the last first. `between` is from `resized_table`; `whole`, float (3, heads), are the table's last rows.

    The query of the patch (y, x) and the key of (v, u) share the entry (y - v + rows - 1, x - u + columns - 1). With
    the keys reversed that is (y + v', x + u'): the windows of rows x columns of the table, which are one strided view.
    So no entry is looked up by an index, which takes nearly half of the time of MiDaS's own code.
    """
    if torch.jit.is_tracing():  # type: ignore[attr-defined]
        return _position_bias_by_index(between, whole, grid)
    rows, columns = grid
    tokens = 1 + rows * columns
    bias = between.new_empty(len(between), tokens, tokens)
    patches = bias[:, 1:, 1:].unflatten(1, grid).unflatten(3, grid)
    patches.copy_(between.unfold(1, rows, 1).unfold(2, columns, 1))
    to_patch, to_whole, to_itself = whole
    bias[:, 0, :] = to_patch[:, None]
    bias[:, :, 0] = to_whole[:, None]
    bias[:, 0, 0] = to_itself
    return bias


def _position_bias_by_index(between: Tensor, whole: Tensor, grid: Grid) -> Tensor:
    """Returns the same as `position_bias`, in operations that a converter can follow: none writes into a view.

    Where sizes are known beforehand, a compiler computes this once and not for every picture.
    """
    rows, columns = grid
    y, x = torch.arange(rows), torch.arange(columns)
    index = (y[:, None, None, None] + y[:, None]) * (2 * columns - 1) + x[:, None, None] + x
    patches = between.flatten(1)[:, index.flatten()].unflatten(1, (rows * columns, rows * columns))
    to_patch, to_whole, to_itself = whole[:, :, None, None]
    above = torch.cat((to_itself, to_patch.expand(-1, -1, rows * columns)), dim=2)
    below = torch.cat((to_whole.expand(-1, rows * columns, -1), patches), dim=2)
    return torch.cat((above, below), dim=1)


MIDAS_NAMES: Names = {**TRANSFORMER_MIDAS_NAMES, "pretrained.model.fc_norm.": None}
"""The names of the parts in MiDaS."""
