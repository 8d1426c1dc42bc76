# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes and previews as files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import headless
from mono3d_addon.core import reconstruction
from mono3d_addon.errors import Mono3DError
from mono3d_addon.run.photos import find
from tests.blender import made
from tests.blender.made import bpy

RED, BLUE, GREEN, YELLOW = (200, 20, 20), (20, 20, 200), (20, 160, 20), (200, 200, 20)


def quarters(rows: int, columns: int) -> np.ndarray:
    """Red upper left, blue upper right, green lower left, yellow lower right."""
    pixels = np.empty((rows, columns, 3), dtype=np.uint8)
    pixels[: rows // 2, : columns // 2], pixels[: rows // 2, columns // 2 :] = RED, BLUE
    pixels[rows // 2 :, : columns // 2], pixels[rows // 2 :, columns // 2 :] = GREEN, YELLOW
    return pixels


def centre(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[float, float]:
    """Returns mean row and column of the pixels with the hue of `colour`, however bright."""
    wanted = np.array(colour) / max(colour)
    brightest = picture.max(axis=2, keepdims=True)
    rows, columns = np.nonzero((np.abs(picture / np.maximum(brightest, 0.1) - wanted) < 0.12).all(axis=2))
    assert len(rows) > 0.02 * picture.shape[0] * picture.shape[1], f"{colour} is hardly to be seen"
    assert 0.6 < np.quantile(brightest[rows, columns], 0.98) * 255 / max(colour) < 1.02, (
        "as bright as photographed, or shaded"
    )
    return float(rows.mean()), float(columns.mean())


@pytest.mark.parametrize("size", [(400, 300), (300, 400)])
@pytest.mark.parametrize("material", ["texture", "vertex_colours"])
def test_the_preview_is_upright_and_not_mirrored(size: tuple[int, int], material: str, tmp_path: Path) -> None:
    columns, rows = size[0] // 5, size[1] // 5
    result = made.reconstruction(
        tmp_path, made.camera(*size), rows, columns, quarters(rows, columns), seed=3, material=material
    )
    path = tmp_path / "out" / "made_preview.png"
    path.parent.mkdir()
    headless.write(result, None, path)
    picture = made.read_picture(path)
    assert max(picture.shape[:2]) == 960
    assert (picture.shape[1] > picture.shape[0]) == (size[0] > size[1])
    red, blue, green, yellow = (centre(picture, colour) for colour in (RED, BLUE, GREEN, YELLOW))
    assert max(red[0], blue[0]) < min(green[0], yellow[0]), "the upper half is above"
    assert max(red[1], green[1]) < min(blue[1], yellow[1]), "the left half is on the left"
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (edge.max(axis=1) - edge.min(axis=1)).max() < 0.05, "the whole mesh is in the picture, before grey"
    assert picture.std() > 0.05
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert find([str(path.parent)]).skipped == [path], "a later run takes it for a photo"


@pytest.mark.parametrize(
    ("size", "expected"),
    [((800, 400), (960, 480)), ((800, 100), (1920, 240)), ((100, 500), (304, 1518)), ((1500, 30), (1920, 38))],
)
def test_the_preview_of_a_strip_is_longer(size: tuple[int, int], expected: tuple[int, int], tmp_path: Path) -> None:
    columns, rows = max(2, size[0] // 10), max(2, size[1] // 10)
    result = made.reconstruction(tmp_path, made.camera(*size), rows, columns, quarters(rows, columns))
    headless.write(result, None, tmp_path / "preview.png")
    picture = made.read_picture(tmp_path / "preview.png")
    assert (picture.shape[1], picture.shape[0]) == expected
    assert picture.std() > 0.05


def test_a_saved_file_opens_as_it_was(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300, (0.05, 0.02)), 30, 40, near=0.5)
    blend = tmp_path / "out" / "größe 1.blend"
    blend.parent.mkdir()
    seconds = headless.write(result, blend, tmp_path / "out" / "p.png")
    assert set(seconds) == {headless.WRITING, headless.RENDERING}
    result.texture.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    assert scene.camera.name == "made camera" and len(bpy.data.cameras) == 1, "no camera of the preview is left"
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
    headless.write(result, tmp_path / "made.blend", None)
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
    """From 5.0 on Blender takes braces in the path of a render for a template."""
    folder = tmp_path / "a {folder} #1"
    folder.mkdir()
    headless.write(
        made.reconstruction(tmp_path, made.camera(40, 30), 30, 40), folder / f"{name}.blend", folder / f"{name}.png"
    )
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.blend", f"{name}.png"]


def test_a_reconstruction_from_disk_is_written(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40)
    reconstruction.save(result, tmp_path)
    writer = headless.BlenderSceneWriter()
    writer.write(tmp_path, tmp_path / "a.blend", None)
    writer.close()
    assert (tmp_path / "a.blend").stat().st_size > 10_000


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40)
    with pytest.raises(Mono3DError, match=r"\.blend"):
        headless.write(result, tmp_path / "absent" / "a.blend", None)
    assert not (tmp_path / "absent").exists()


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(Mono3DError):
        headless.write(result, closed / "a.blend", None)
