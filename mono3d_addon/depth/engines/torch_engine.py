# SPDX-License-Identifier: GPL-3.0-or-later
"""PyTorch on any device. On the processor in float32 it is the reference that other engines are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from .engine import Arrays, Pictures, Precision

TYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


CHANNELS_LAST = ("cuda", "xpu")
"""Devices whose convolutions in half precision are faster in the memory format channels_last."""


@dataclass(frozen=True)
class TorchEngine:
    """A torch network on a device. Make it with `on_device`."""

    network: nn.Module
    device: str
    precision: Precision = "float32"
    memory_format: torch.memory_format = field(default=torch.contiguous_format)

    @property
    def name(self) -> str:
        """Library, precision and device, with the name of the card if there is one."""
        card = device_name(self.device)
        return f"torch {self.precision} on {self.device}{f' ({card})' if card else ''}"

    def run(self, pictures: Pictures) -> Arrays:
        """Returns the network's arrays of all pictures."""
        with torch.inference_mode():
            given = torch.from_numpy(pictures).to(self.device, TYPES[self.precision], memory_format=self.memory_format)
            found = zip(self.network.outputs, self.network(given), strict=True)  # type: ignore[arg-type]
            return {name: array.float().cpu().numpy() for name, array in found}


def device_name(device: str) -> str:
    """Returns the name of the card of a device; empty if torch does not know it."""
    name = getattr(getattr(torch, device, None), "get_device_name", None)
    return str(name()) if name is not None else ""


def give_back(device: str) -> None:
    """Frees the memory that torch has cached on a card, for other programs such as Blender."""
    empty = getattr(getattr(torch, device, None), "empty_cache", None)
    if empty is not None:
        empty()


def on_device(network: nn.Module, device: str, precision: Precision = "float32") -> TorchEngine:
    """Returns the engine that runs `network`, moved to the device and converted to the precision."""
    beside = device in CHANNELS_LAST and precision != "float32"
    memory_format = torch.channels_last if beside else torch.contiguous_format
    moved = network.to(device=device, dtype=TYPES[precision])
    if precision != "float32":
        moved.keep_end_exact()  # type: ignore[operator]
    if beside:
        # It applies to tensors with four dimensions only.
        moved = moved.to(memory_format=memory_format)  # type: ignore[call-overload]
    if device == "cuda":
        # By default, convolutions in float32 round to TF32, which has ten bits of mantissa.
        torch.backends.cudnn.allow_tf32 = False
    return TorchEngine(moved, device, precision, memory_format)
