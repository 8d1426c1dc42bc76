# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.mesh.grid import build_grid
from mono3d_addon.core.mesh.mesh import PointCloud
from mono3d_addon.core.reconstruction import DESCRIPTION, Reconstruction, load, save
from mono3d_addon.core.scene_guess import Guess, SceneGuess
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from tests.core import scenes


def example(cloud: bool) -> Reconstruction:
    view = scenes.camera(40, 30)
    grid = build_grid(scenes.room(view).astype(np.float32), view, np.full((30, 40, 3), 128, np.uint8), 0.04)
    points = PointCloud(grid.points, grid.normals, grid.colors) if cloud else None
    depth = grid.points[:, 2].reshape(30, 40)
    return Reconstruction(
        "größe",
        Path("größe.jpg"),
        Path("texture.png"),
        view,
        Settings(near=0.5),
        np.float32(1) / depth,
        depth,
        grid.mesh(view),
        points,
        "torch float32 on cpu",
        {"Reading": 0.5},
        ("A note.",),
    )


@pytest.mark.parametrize("cloud", [False, True])
def test_what_is_saved_is_loaded(tmp_path: Path, cloud: bool) -> None:
    scene = SceneGuess(near=Guess(0.3, 0.2), kinds={"object": 1.0})
    sky = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    before = dataclasses.replace(example(cloud), scene=scene, sky=sky)
    save(before, tmp_path)
    after = load(tmp_path)
    assert after.sky is not None and np.array_equal(after.sky, sky)
    assert after.scene == scene and after.resolved == before.resolved != example(cloud).resolved
    assert after.settings == before.settings and after.camera == before.camera and after.notes == before.notes
    assert after.engine == before.engine
    assert after.counts() == before.counts()
    for item in dataclasses.fields(before.mesh):
        assert np.array_equal(getattr(after.mesh, item.name), getattr(before.mesh, item.name))
    assert isinstance(after.mesh.vertices, np.memmap)
    assert (after.cloud is not None) == cloud


def test_the_background_is_saved_too(tmp_path: Path) -> None:
    before = example(False)
    before = dataclasses.replace(before, background=before.mesh, background_texture=Path("behind.png"))
    save(before, tmp_path)
    after = load(tmp_path)
    assert after.background is not None and after.background_texture == Path("behind.png")
    assert np.array_equal(after.background.vertices, before.mesh.vertices)
    assert after.counts()["vertices"] == 2 * len(before.mesh.vertices) == len(after.scene_whole.vertices)
    assert np.array_equal(after.scene_whole.uv[-5:], before.mesh.uv[-5:])


def test_a_cut_save_does_not_load(tmp_path: Path) -> None:
    save(example(False), tmp_path)
    (tmp_path / "mesh_uv.npy").unlink()
    with pytest.raises(Mono3DError, match="cannot be read"):
        load(tmp_path)
    save(example(False), tmp_path)
    (tmp_path / DESCRIPTION).unlink()
    with pytest.raises(Mono3DError, match="cannot be read"):
        load(tmp_path)


def test_pickles_are_refused(tmp_path: Path) -> None:
    save(example(False), tmp_path)
    np.save(tmp_path / "depth.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(Mono3DError):
        load(tmp_path)
