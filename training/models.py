# SPDX-License-Identifier: GPL-3.0-or-later
"""Starter models from their files, and what they tell of a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mono3d_addon.depth import checkpoint, resize
from mono3d_addon.depth.catalogue import Model, model_named
from mono3d_addon.depth.networks.architectures import build

from . import first_starter

STARTER = "starter"


def load(path: Path) -> nn.Module:
    """Returns the network of a starter model's file, the first one's or today's, in float32 on the CPU, ready to run.

    Which of the two it is, the names of its tensors tell. Raises Mono3DError when the file cannot be read and
    WrongTensorsError, a ValueError, when its tensors are another network's.
    """
    tensors = checkpoint.read(path)
    return first_starter.build(tensors) if first_starter.is_its(tensors) else build(STARTER, tensors)


def row() -> Model:
    """Returns the starter model's row of the catalogue, by which pictures are prepared for it."""
    return model_named(STARTER)


def input_size(pixels: NDArray[np.uint8], size: int = 0) -> tuple[int, int]:
    """Returns the width and height at which the model sees `pixels`, uint8 (h, w, 3); `size` 0: as trained."""
    return resize.input_size(pixels.shape[1], pixels.shape[0], row(), size)


def disparity(network: nn.Module, pixels: NDArray[np.uint8], size: int = 0) -> NDArray[np.float32]:
    """Returns what a network tells of a picture, prepared as the add-on does: float32 (h, w) at the size it sees.

    `pixels` is uint8 (rows, columns, 3), sRGB; `size` replaces the side that the model was trained with.
    """
    width, height = input_size(pixels, size)
    picture = torch.from_numpy(resize.picture(pixels, width, height, row()))[None]
    with torch.inference_mode():
        return np.asarray(network(picture)[0].numpy())
