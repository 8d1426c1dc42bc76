# SPDX-License-Identifier: GPL-3.0-or-later
"""Every task takes the pixels of files that the worker does not decode: photo, mask and depth map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.reconstruction import load, load_depth
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from mono3d_addon.worker import depth_task, reconstruct_task, reshape_task
from mono3d_addon.worker.reshape_files import load as load_mesh
from tests.core.photo.picture_files import exr_header

DEPTH = np.linspace(1.0, 2.0, 48 * 36, dtype=np.float32).reshape(36, 48)
EXR = exr_header((48, 36))


def quiet(stage: str, share: float) -> None:
    """Reports nothing."""


@pytest.fixture
def request_of_all(tmp_path: Path) -> dict[str, Any]:
    """A photo, a mask in a folder and a depth map, none of which says by itself what is handed over."""
    (tmp_path / "masks").mkdir()
    (tmp_path / "job").mkdir()
    photo, mask, depth = tmp_path / "cup.jpg", tmp_path / "masks" / "cup.jpg", tmp_path / "cup.exr"
    Image.new("RGB", (48, 36), (200, 30, 30)).save(photo)
    Image.new("L", (48, 36)).save(mask)
    depth.write_bytes(EXR)
    kept = np.zeros((36, 48), np.uint8)
    kept[:, 24:] = 255
    return {
        "photo": str(photo),
        "folder": str(tmp_path / "job"),
        "settings": vars(Settings(mask=str(mask.parent), depth_file=str(depth), detail=48)),
        "decoded": {
            str(photo): saved(tmp_path / "photo.npy", np.full((36, 48, 4), 77, np.uint8)),
            str(mask): saved(tmp_path / "mask.npy", kept),
            str(depth): saved(tmp_path / "depth.npy", np.dstack([DEPTH, DEPTH, DEPTH, DEPTH])),
        },
    }


def saved(path: Path, values: NDArray[Any]) -> str:
    np.save(path, values, allow_pickle=False)
    return str(path)


def test_reconstruct_and_reshape(tmp_path: Path, request_of_all: dict[str, Any]) -> None:
    session, folder = Session(tmp_path / "data"), Path(request_of_all["folder"])
    reconstruct_task.run(request_of_all | {"keep": True, "key": "cup"}, quiet, session)
    result = load(folder)
    assert np.isnan(result.depth[:, :23]).all()
    np.testing.assert_allclose(result.depth[:, 25:], DEPTH[:, 25:], rtol=1e-5)
    assert (result.mesh.colors == 77).all()
    finer = {**request_of_all["settings"], "min_island": 1.0}
    reshape_task.run(request_of_all | {"settings": finer, "key": "cup"}, quiet, session)
    assert load_mesh(folder).mesh.vertices.shape == result.mesh.vertices.shape


def test_depth(tmp_path: Path, request_of_all: dict[str, Any]) -> None:
    depth_task.run(request_of_all, quiet, Session(tmp_path / "data"))
    _, depth = load_depth(Path(request_of_all["folder"]))
    assert np.isnan(depth[:, :23]).all()
    np.testing.assert_allclose(depth[:, 25:], DEPTH[:, 25:], rtol=1e-5)
