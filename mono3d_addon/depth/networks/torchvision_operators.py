# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes torchvision import beside a torch that its compiled part was not built for.

timm imports torchvision for a few helpers in plain Python. On import, torchvision also registers rules for two
operators of its compiled part. When that part does not load (mostly a CUDA build beside a CPU torch, a pair that pip
readily makes), the operators are unknown and the whole import fails: "operator torchvision::nms does not exist"
(https://github.com/pytorch/vision/issues/9085). Declaring their signatures is enough; nothing here ever calls them.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[Any] = []
"""Holds the declarations, which torch withdraws when they are no longer referenced."""


def import_torchvision() -> None:
    """Imports torchvision, with stand-ins for its compiled operators only where these did not load.

    Raises ImportError when torchvision is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _declared:
            raise
        # Declared beforehand they would clash with a compiled part that does load, hence only after the failure.
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(operator + SIGNATURE)
        _declared.append(library)
        importlib.import_module("torchvision")
