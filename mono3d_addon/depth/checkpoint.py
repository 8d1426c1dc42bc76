# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads weights files without running code from them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import Mono3DError
from .tensor_file import is_safetensors

CONTAINERS = ("model", "state_dict")
"""Keys under which training scripts put the tensors beside their own state."""


CONFIGURATION = "model_config"
"""Key under which some put, beside the tensors, how the network is built."""


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a weights file.

    tensors        by name
    configuration  what the file tells of how the network is built; None: its format, safetensors, has no place for it
    """

    tensors: dict[str, Tensor]
    configuration: Mapping[str, Any] | None


def read(path: Path, remedy: str = "choose another file") -> Checkpoint:
    """Returns the contents of a weights file, on the CPU, memory-mapped where the format allows it.

    Reads safetensors and PyTorch's format; of the latter, a pickle, only tensors, numbers and words are accepted.
    Raises Mono3DError, with the `remedy` at the end of its sentence, when the file is damaged, of another format, or
    holds more than that.
    """
    try:
        has_safetensors = is_safetensors(path)
    except OSError as error:
        raise Mono3DError(f"The weights file {path} cannot be read ({error.strerror or error}); {remedy}.") from error
    try:
        content = _read_safetensors(path) if has_safetensors else _read_torch(path)
    # Damaged and hostile files make the readers raise almost any exception.
    except Exception as error:
        raise Mono3DError(
            f"The weights file {path} cannot be read: it is damaged, of another kind, or holds more than numbers "
            f"(nothing in it was run); {remedy}."
        ) from error
    told = content.get(CONFIGURATION) if isinstance(content, Mapping) else None
    for container in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(container), Mapping):
            content = content[container]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise Mono3DError(f"The weights file {path} does not hold the tensors of a network; {remedy}.")
    configuration = None if has_safetensors else told if isinstance(told, Mapping) else {}
    return Checkpoint(dict(content), configuration)


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _read_torch(path: Path) -> Any:
    # PyTorch's oldest format is not a zip archive and cannot be memory-mapped.
    return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
