# SPDX-License-Identifier: GPL-3.0-or-later
"""Deterministic weights and inputs behind the stored outputs of the official MiDaS networks.

The outputs were computed once with the official networks (timm 0.6.12, torch 2.13, CPU, float32). Every learnt tensor
and running statistic is a function of its official name and shape, so that no weights need to be stored.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FOLDER = Path(__file__).parent / "midas_reference"
COMPUTED = (
    "relative_position_index",
    "relative_coords_table",
    "attn_mask",
    "attention_bias_idxs",
    "num_batches_tracked",
)
HEAD_BIAS = "scratch.output_conv.4.bias"
NEXT_VIT_RESIDUALS = (".mlp.conv2.", ".mhca.projection.", ".e_mhsa.proj.")


def value(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns the tensor of an official name; scales are such that signals keep their size through the network."""
    noise = np.random.RandomState(zlib.crc32(f"{name}#0".encode())).standard_normal(size=shape).astype(np.float32)
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        return 1 + np.float32(0.3) * np.abs(noise)
    if last == "running_mean":
        return 0.1 * noise
    if last.startswith("gamma_"):
        return 0.3 + 0.1 * noise
    if last == "logit_scale":
        return np.float32(np.log(10)) + 0.2 * noise
    if last in ("cls_token", "pos_embed"):
        return 0.5 * noise
    if last in ("relative_position_bias_table", "attention_biases"):
        return noise
    if last in ("q_bias", "v_bias"):
        return 0.2 * noise
    if last == "bias":
        return 0.1 * noise
    if len(shape) == 1:
        return 1 + 0.2 * noise
    gain = 0.2 if any(part in name for part in NEXT_VIT_RESIDUALS) else 1.0
    return noise * np.float32(gain / np.sqrt(max(int(np.prod(shape[1:])), 1)))


def description(model: str) -> dict[str, Any]:
    """Returns what is known about the published file: "keys" (shape and kind by name), "parameters", "head_bias"."""
    return json.loads((FOLDER / "keys" / f"{model}.json").read_text(encoding="utf-8"))


def empty_state_dict(model: str) -> dict[str, Tensor]:
    """Returns the tensors of a model as its published file would hold them, but all zero and without memory."""
    return {
        name: torch.zeros((), dtype=getattr(torch, kind)).expand(shape)
        for name, (shape, kind) in description(model)["keys"].items()
    }


def state_dict(model: str) -> dict[str, Tensor]:
    """Returns the tensors of a model as its published file would hold them."""
    tensors = {}
    for name, (shape, kind) in description(model)["keys"].items():
        if name.endswith(COMPUTED):
            tensors[name] = torch.zeros(shape, dtype=getattr(torch, kind))
        else:
            tensors[name] = torch.from_numpy(np.asarray(value(name, tuple(shape)))).to(getattr(torch, kind))
    # Keeps the final ReLU from clipping everything.
    tensors[HEAD_BIAS].fill_(description(model)["head_bias"])
    return tensors


def picture(height: int, width: int) -> Tensor:
    """Returns a normalised input, float32 (1, 3, height, width)."""
    random = np.random.RandomState(1)
    coarse = random.uniform(-1, 1, size=(3, height // 8 + 2, width // 8 + 2)).astype(np.float32)
    smooth = torch.nn.functional.interpolate(torch.from_numpy(coarse)[None], size=(height, width), mode="bilinear")
    grain = torch.from_numpy(random.standard_normal((1, 3, height, width)).astype(np.float32))
    return (smooth + 0.1 * grain).clamp(-1, 1)


def outputs(model: str) -> dict[tuple[int, int], NDArray[np.float32]]:
    """Returns, by (height, width) of the input, every 4th row and column of the official network's output."""
    with np.load(FOLDER / "outputs" / f"{model}.npz") as stored:
        names = [name for name in stored.files if not name.endswith("_stats")]
        return {(int(name.split("x")[0]), int(name.split("x")[1])): stored[name] for name in names}
