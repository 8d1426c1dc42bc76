# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")

from safetensors.torch import load_file, save_file

from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from mono3d_addon.depth.networks.names import WrongTensorsError
from tests.shared_data import path
from training import first_starter, models

pytestmark = pytest.mark.torch


def picture(rows: int, columns: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:rows, :columns]
    return np.stack([2 * x, 2 * y, (x * y) // 64], axis=2).clip(0, 255).astype(np.uint8)


def test_the_first_starter_gives_the_add_ons_former_results() -> None:
    network = models.load(path("starter/starter.safetensors"))
    found = models.disparity(network, picture(96, 128), 96)
    assert found.shape == (96, 128)
    assert found.dtype == np.float32
    stored = [
        [0.176572, 0.184544, 0.203671, 0.210354],
        [0.156193, 0.157050, 0.172149, 0.182830],
        [0.172769, 0.172236, 0.174596, 0.181089],
    ]
    np.testing.assert_allclose(found[::32, ::32], stored, atol=1e-4)


def test_the_bundled_file_loads() -> None:
    found = models.disparity(models.load(BUNDLED_FOLDER / "starter.safetensors"), picture(90, 120), 64)
    assert found.shape == (64, 96)
    assert np.isfinite(found).all()


def test_the_size_is_the_shorter_side() -> None:
    assert models.input_size(picture(120, 160), 64) == (96, 64)
    assert models.input_size(picture(160, 120), 64) == (64, 96)


def test_a_file_with_a_missing_tensor_is_refused(tmp_path: Path) -> None:
    tensors = load_file(path("starter/starter.safetensors"))
    assert first_starter.is_first_starter(tensors)
    del tensors["h1.weight"]
    save_file(tensors, tmp_path / "less.safetensors")
    with pytest.raises(WrongTensorsError, match="missing"):
        models.load(tmp_path / "less.safetensors")
    tensors["unheard.of"] = tensors["h2.weight"]
    assert not first_starter.is_first_starter(tensors)
