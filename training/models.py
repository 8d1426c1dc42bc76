# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading starter models, and running them on a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.scene_guess import SceneGuess
from mono3d_addon.depth import checkpoint, resize, scene_vector
from mono3d_addon.depth.catalogue import model_named
from mono3d_addon.depth.engines.engine import DISPARITY, SCENE, SKY
from mono3d_addon.depth.model import Model
from mono3d_addon.depth.networks.architectures import build

from . import first_starter, scene_report
from .comparison import Case
from .sets import Metric

STARTER = "starter"


def load(path: Path) -> nn.Module:
    """Returns the network in a starter model's file, of the first or the current version, in float32 on the CPU.

    The version is recognised by the names of the tensors. Raises Mono3DError if the file cannot be read, and
    WrongTensorsError, a ValueError, if its tensors belong to another network.
    """
    tensors = checkpoint.read(path).tensors
    return first_starter.build(tensors) if first_starter.is_first_starter(tensors) else build(STARTER, tensors)


def row() -> Model:
    """Returns the starter model's catalogue row, which says how its pictures are prepared."""
    return model_named(STARTER)


def input_size(pixels: NDArray[np.uint8], size: int = 0) -> tuple[int, int]:
    """Returns width and height of the model's input for `pixels`, uint8 (h, w, 3); `size` 0: as trained."""
    return resize.input_size(pixels.shape[1], pixels.shape[0], row(), size)


def disparity(network: nn.Module, pixels: NDArray[np.uint8], size: int = 0) -> NDArray[np.float32]:
    """Returns a network's disparity of a picture, see `estimate`: float32 (h, w) at the input size."""
    return estimate(network, pixels, size).disparity


def scene(network: nn.Module, pixels: NDArray[np.uint8], size: int = 0) -> SceneGuess | None:
    """Returns what a network says about a picture, see `estimate`; None if it has no such output."""
    return estimate(network, pixels, size).scene


def said(
    networks: Mapping[str, nn.Module], cases: Iterable[Case], size: int = 0
) -> tuple[dict[str, list[SceneGuess]], list[scene_report.Truth]]:
    """Returns what each network says of pictures, and what is true of them.

    Pictures of which nothing is known are skipped. Of a network without such an output, the guesses are empty.
    """
    truths: list[scene_report.Truth] = []
    guesses: dict[str, list[SceneGuess]] = {name: [] for name in networks}
    for case in tqdm([case for case in cases if case.metric is not None], unit="picture", leave=False):
        pixels, known = case.read()
        truths.append(scene_report.truth_of(known, cast(Metric, case.metric)))
        for name, network in networks.items():
            guesses[name].append(scene(network, pixels, size) or SceneGuess())
    return guesses, truths


def estimate(network: nn.Module, pixels: NDArray[np.uint8], size: int = 0) -> Estimate:
    """Returns a network's outputs for a picture, prepared as in the add-on.

    `pixels` is uint8 (rows, columns, 3), sRGB; `size` replaces the input side of training.
    """
    width, height = input_size(pixels, size)
    picture = torch.from_numpy(resize.picture(pixels, width, height, row()))[None]
    with torch.inference_mode():
        outputs = zip(network.outputs, network(picture), strict=True)  # type: ignore[arg-type]
        found = {name: np.asarray(array[0].numpy()) for name, array in outputs}
    scene = scene_vector.scene_of(found[SCENE]) if SCENE in found else None
    return Estimate(found[DISPARITY], "", scene=scene, sky=found.get(SKY))
