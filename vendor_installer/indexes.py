# SPDX-License-Identifier: GPL-3.0-or-later
"""Package indexes beside pip's configured one."""

from __future__ import annotations

import types
from collections.abc import Mapping

_PYTORCH = "pytorch-"

INDEXES: Mapping[str, str] = types.MappingProxyType(
    {
        f"{_PYTORCH}{build}": f"https://download.pytorch.org/whl/{build}"
        for build in ("cpu", "cu126", "cu128", "cu130", "rocm7.2", "xpu")
    }
)
"""Name of the index in lock files -> its address."""


def pytorch_index(build: str) -> str:
    """Returns the name of PyTorch's index for a build, such as 'cpu' or 'cu126'."""
    return f"{_PYTORCH}{build}"


def build_label(index: str) -> str:
    """Returns the local version label of the files in an index: 'cu126' as in torch 2.13.0+cu126."""
    return index.removeprefix(_PYTORCH)
