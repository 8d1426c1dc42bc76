# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of backbones from timm, without the parts that classify."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .torchvision_operators import import_torchvision

CLASSIFYING_PARTS = ("norm", "fc_norm", "head")
"""Parts after the last block; the maps are taken before them."""


def timm_body(name: str, without: Sequence[str] = CLASSIFYING_PARTS) -> Any:
    """Returns timm's network `name` without values for its tensors if made on the meta device.

    The parts `without` which it is wanted do nothing. Typed as Any because its parts (`blocks`, `patch_embed`, ...)
    differ from family to family.
    """
    import_torchvision()
    import timm

    body = timm.create_model(name, pretrained=False, num_classes=0)
    for part in without:
        if hasattr(body, part):
            setattr(body, part, nn.Identity())
    return body


def fill_computed(network: nn.Module) -> None:
    """Gives memory and values to what timm computes and no weights file holds, such as tables of relative positions.

    For a `network` made on the meta device that has its learnt tensors.
    """
    for part in network.modules():
        for name, buffer in part.named_buffers(recurse=False):
            if buffer.is_meta:
                setattr(part, name, torch.empty_like(buffer, device="cpu"))
        if callable(refill := getattr(part, "init_non_persistent_buffers", None)):
            refill()
