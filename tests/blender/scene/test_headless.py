# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes as files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import headless
from mono3d_addon.core import reconstruction
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from tests.blender import made
from tests.blender.made import bpy


def test_a_saved_file_opens_as_it_was(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300, (0.05, 0.02)), 30, 40, near=0.5)
    blend = tmp_path / "out" / "größe 1.blend"
    blend.parent.mkdir()
    seconds = headless.write(result, blend)
    assert set(seconds) == {headless.WRITING}
    result.texture.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    assert scene.camera.name == "made camera" and len(bpy.data.cameras) == 1
    assert (scene.render.resolution_x, scene.render.resolution_y) == (400, 300)
    assert scene.view_settings.view_transform == "Standard"
    mesh = bpy.data.objects["made"]
    assert len(mesh.data.vertices) == 1200 and not mesh.data.validate()
    assert '"near": 0.5' in mesh[names.SETTINGS]
    image = next(node.image for node in mesh.data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE")
    assert image.packed_file and tuple(image.size) == (40, 30) and image.has_data
    assert str(tmp_path) not in image.filepath_raw, "no path of the job's folder"
    spaces = [area.spaces.active for screen in bpy.data.screens for area in screen.areas if area.type == "VIEW_3D"]
    assert spaces and all(space.region_3d.view_perspective == "CAMERA" for space in spaces)
    assert all(space.shading.type == "MATERIAL" for space in spaces)


@pytest.mark.smoke
def test_a_render_of_the_file_is_the_photo(tmp_path: Path) -> None:
    pixels = np.kron(np.random.default_rng(5).integers(30, 226, (6, 8, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    result = made.reconstruction(tmp_path, made.camera(160, 120, (0.04, -0.03)), 60, 80, pixels)
    headless.write(result, tmp_path / "made.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "made.blend"))
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    scene.render.filepath = str(tmp_path / "render.png")
    bpy.ops.render.render(write_still=True)
    picture = made.read_picture(tmp_path / "render.png")
    expected = np.kron(pixels, np.ones((2, 2, 1))) / 255
    centres = np.zeros((120, 160), dtype=bool)
    centres[10::20, 10::20] = True
    np.testing.assert_allclose(picture[centres], expected[centres], atol=1.5 / 255)


@pytest.mark.parametrize("name", ["caf{}é {blend_name} # 100%", "n" * 240])
def test_any_name_is_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a {folder} #1"
    folder.mkdir()
    headless.write(made.reconstruction(tmp_path, made.camera(40, 30), 30, 40), folder / f"{name}.blend")
    assert [path.name for path in folder.iterdir()] == [f"{name}.blend"]


def test_a_reconstruction_from_disk_is_written(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40)
    reconstruction.save(result, tmp_path)
    writer = headless.BlenderSceneWriter()
    writer.write(tmp_path, tmp_path / "a.blend")
    writer.close()
    assert (tmp_path / "a.blend").stat().st_size > 10_000


def test_a_batch_decodes_what_a_bare_worker_cannot(tmp_path: Path) -> None:
    photos = Path(__file__).parents[2] / "photos"
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    found = headless.decode(photos / "china.jpg", Settings(depth_file=str(photos / "coffee.png")), tmp_path)
    assert list(found) == [str(photos / "china.jpg")], "a PNG is decoded by the worker"
    values = np.load(found[str(photos / "china.jpg")], allow_pickle=False)
    assert values.dtype == np.uint8 and values.shape == (427, 640, 3)
    assert [path.name for path in tmp_path.iterdir()] == [Path(next(iter(found.values()))).name]
    assert len(bpy.data.images) == 0


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40)
    with pytest.raises(Mono3DError, match=r"\.blend"):
        headless.write(result, tmp_path / "absent" / "a.blend")
    assert not (tmp_path / "absent").exists()


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(Mono3DError):
        headless.write(result, closed / "a.blend")
