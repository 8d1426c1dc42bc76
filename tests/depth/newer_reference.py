# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights and inputs behind the stored outputs of the official networks of Depth Anything 2 and 3 and MoGe-2.

They lie in the shared data, with the script that makes the weights, functions of the official names and shapes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mono3d_addon.depth import resize
from mono3d_addon.depth.model import IMAGENET_DEVIATION, IMAGENET_MEAN
from mono3d_addon.depth.networks import moge
from mono3d_addon.depth.readings import depth_under_sky
from tests import shared_data

OFFICIAL_NAMES = {"points": "points", "mask": "mask", "normals": "normal", "scale": "metric_scale"}
"""Our arrays of MoGe -> the official names; the other networks' first array is called "depth" there."""


def script() -> ModuleType:
    """Returns the script in the shared data; skips the calling test without it."""
    path = shared_data.path("networks_today") / "reference.py"
    spec = importlib.util.spec_from_file_location("networks_today_reference", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def empty_tensors(model: str) -> dict[str, Tensor]:
    """Returns tensors without values with the official names and shapes."""
    keys = script().spec(model)["keys"]
    return {name: torch.zeros(1).expand(shape) for name, (shape, _) in keys.items()}


def write(model: str, path: Path, kind: torch.dtype = torch.float32) -> None:
    """Writes a weights file as the publisher wraps it."""
    reference = script()
    tensors = {name: tensor.to(kind) for name, tensor in reference.state_dict(model).items()}
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(tensors, path)
    elif path.suffix == ".pt":
        torch.save({"model_config": reference.spec(model)["model_config"], "model": tensors}, path)
    else:
        torch.save(tensors, path)


def moge_input(photo: Tensor, patches: int, *, averages: bool = True) -> Tensor:
    """Returns the input of MoGe for a photo, float (1, 3, h, w) in 0..1, and about so many patches."""
    height, width = photo.shape[-2:]
    columns, rows = resize.patch_grid(width, height, patches)
    size = (rows * 14, columns * 14)
    seen = functional.interpolate(photo, size, mode="bilinear", align_corners=False, antialias=averages)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    return torch.cat(((seen - mean) / deviation, torch.full((1, 1, *size), width / height)), dim=1)


def moge_arrays(network: nn.Module, picture: Tensor, size: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
    """Returns the network's arrays at the photo's `size`: officially, maps are enlarged before they get a meaning."""
    maps, scale = network.maps(picture)  # type: ignore[operator]
    enlarged = [functional.interpolate(one, size, mode="bilinear", align_corners=False) for one in maps.values()]
    points, mask, normals = moge.affine(*enlarged)
    found = {"points": points, "mask": mask, "normal": normals, "metric_scale": scale}
    return {name: array[0].numpy() for name, array in found.items()}


def arrays(network: nn.Module, case: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Returns what a network gives in a case, by official names, whole."""
    given = script().network_input(case)
    with torch.inference_mode():
        if "num_tokens" in case:
            size = (case["height"], case["width"])
            return moge_arrays(network, moge_input(given, case["num_tokens"]), size)
        found = {name: one[0].numpy() for name, one in zip(("depth", "sky"), network(given), strict=False)}
    if "sky" in found:
        found["depth_after_sky"] = depth_under_sky(found["depth"], found["sky"])
    return found


def differences(network: nn.Module, model: str, cases: Sequence[str] = ()) -> dict[str, tuple[float, float]]:
    """Returns the largest differences from the official arrays by case and name, in all cases or in some.

    As shares of the official array's standard deviation and of its largest value.
    """
    reference = script()
    official, found = reference.outputs(model), {}
    for case in reference.cases(model):
        if cases and case["name"] not in cases:
            continue
        for name, array in arrays(network, case).items():
            expected = official[f"{case['name']}/{name}"].astype(np.float64)
            thinned = array[:: case["step"], :: case["step"]] if array.ndim > 1 else array
            assert thinned.shape == expected.shape
            largest = float(np.abs(thinned - expected).max())
            size = float(np.abs(expected).max())
            found[f"{case['name']}/{name}"] = (largest / (float(expected.std()) or size), largest / size)
    return found
