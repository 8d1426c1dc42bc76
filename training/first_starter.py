# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the first starter model, with which later ones are compared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from mono3d_addon.depth.networks.architectures import Architecture, Network
from mono3d_addon.depth.networks.decoder import Decoder
from mono3d_addon.depth.networks.efficientnet_lite import EfficientNetLite
from mono3d_addon.depth.networks.names import Names, WrongTensorsError, brief, renamed

LEVELS = 4


class HalfSizeHead(nn.Module):
    """Predicts disparity at half the size of the picture and enlarges it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns disparity, float (n, 1, 2 h, 2 w), of a map, float (n, width, h, w)."""
        x = self.conv2(functional.relu(self.conv1(x)))
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _names() -> Names:
    """Returns the names of the network's parts in the file."""
    names: dict[str, str | None] = {"enc.": "backbone."}
    for level in range(LEVELS):
        names[f"lat.{level}."] = f"decoder.lateral.{level}."
        names[f"f{level + 1}.proj."] = f"decoder.fusion.{level}.project."
        for theirs, ours in (("skip", "skip"), ("post", "refine")):
            for number, letter in enumerate("ab", start=1):
                names[f"f{level + 1}.{theirs}.{letter}."] = f"decoder.fusion.{level}.{ours}.conv{number}."
    return names | {"h1.": "decoder.head.conv1.", "h2.": "decoder.head.conv2."}


FIRST_STARTER = Architecture(
    backbone=partial(EfficientNetLite, width=1.0, depth=1.0),
    decoder=partial(
        Decoder, widths=(32, 48, 64, 96), lateral_sizes=(3, 3, 3, 1), align_corners=False, head=HalfSizeHead
    ),
    names=_names(),
)


def is_first_starter(tensors: Mapping[str, Tensor]) -> bool:
    """Returns whether the tensors of a file are the first starter model's, by their names."""
    return not renamed(tensors, FIRST_STARTER.names)[1]


def build(tensors: Mapping[str, Tensor]) -> Network:
    """Returns the network, ready to run in float32 on the CPU. Raises WrongTensorsError if tensors are missing."""
    found, _ = renamed(tensors, FIRST_STARTER.names)
    network = Network(FIRST_STARTER)
    values = {name: value.float() for name, value in found.items()}
    missing = network.load_state_dict(values, strict=False).missing_keys
    if lacking := [name for name in missing if not name.endswith("num_batches_tracked")]:
        raise WrongTensorsError(f"{brief(lacking)} missing")
    return network.eval().requires_grad_(False)
