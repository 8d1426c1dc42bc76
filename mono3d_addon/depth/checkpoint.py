# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads weights files without running code from them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import Mono3DError
from .tensor_file import is_safetensors

CONTAINERS = ("model", "state_dict")
"""Keys under which training scripts put the tensors beside their own state."""


def read(path: Path, remedy: str = "choose another file") -> dict[str, Tensor]:
    """Returns the tensors of a weights file by name, on the CPU, memory-mapped where the format allows it.

    Reads safetensors and PyTorch's format; of the latter, a pickle, only tensors are accepted. Raises Mono3DError, with
    the `remedy` at the end of its sentence, when the file is damaged, of another format, or holds more than tensors.
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
    for container in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(container), Mapping):
            content = content[container]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise Mono3DError(f"The weights file {path} does not hold the tensors of a network; {remedy}.")
    return dict(content)


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _read_torch(path: Path) -> Any:
    # PyTorch's oldest format is not a zip archive and cannot be memory-mapped.
    return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
