# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights files that cannot be used, made without PyTorch."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER, MODELS

STARTER = BUNDLED_FOLDER / MODELS["starter"].file


def without_configuration(folder: Path) -> Path:
    """Writes a file of PyTorch's format for MoGe-2 that does not tell how the network is built."""
    path, content = folder / "own.pt", io.BytesIO()
    pickle.dump({"model": {}}, content, protocol=2)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("own/data.pkl", content.getvalue())
        file.writestr("own/version", "3\n")
        file.writestr("own/byteorder", "little")
    return path


def cut_off(folder: Path) -> Path:
    """Writes a quarter of the starter's weights."""
    path = folder / "cut.safetensors"
    path.write_bytes(STARTER.read_bytes()[:2_000_000])
    return path
