# SPDX-License-Identifier: GPL-3.0-or-later
"""What MeshLab and Khronos' validator say of our files; Open3D, trimesh, OpenUSD and Blender are asked elsewhere.

They are no part of the test environments: `python3 -m pip install pymeshlab` into the core one, and
`npm install gltf-validator` in a folder whose `node_modules` the variable NODE_PATH names.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.errors import Mono3DError
from mono3d_addon.export import write
from mono3d_addon.surface import open3d_library
from tests import shared_data
from tests.surface import results

pytestmark = pytest.mark.thorough

_VALIDATE = """
const fs = require("fs");
let validator;
try { validator = require("gltf-validator"); } catch (error) { process.exit(3); }
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1]))).then((report) => {
  console.log(JSON.stringify(report.issues));
});
"""


def complaints(path: Path) -> list[str]:
    """Returns what Khronos' validator says about a GLB, but for the sides of pictures, which are those of photos.

    Skips the test where the validator is absent.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is absent")
    done = subprocess.run([node, "-e", _VALIDATE, str(path)], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 3:
        pytest.skip("gltf-validator is absent (NODE_PATH)")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["messages"]
    return [
        f"{one['code']}: {one['message']} {one.get('pointer', '')}"
        for one in found
        if one["code"] != "IMAGE_NPOT_DIMENSIONS"
    ]


def variants(folder: Path) -> dict[str, Any]:
    """Returns results with and without light, relief, texture and background, and one with a pose."""
    plain = results.result(folder)
    bumps, behind = folder / "bumps.png", folder / "behind.png"
    Image.new("RGB", (64, 48), (128, 128, 255)).save(bumps)
    Image.new("RGB", (64, 48), (0, 0, 255)).save(behind)
    return {
        "plain": plain,
        "relief": replace(results.result(folder, shading="principled"), normal_map=bumps),
        "colours": results.result(folder, material="vertex_colours"),
        "background": replace(
            plain, background=results.grid(plain.camera, 2.0).mesh(plain.camera), background_texture=behind
        ),
        "pose": replace(plain, camera=replace(plain.camera, pitch=-0.3, roll=0.12, elevation=1.4)),
    }


@pytest.mark.parametrize("name", ["plain", "relief", "colours", "background", "pose"])
def test_khronos_validator_finds_nothing(name: str, tmp_path: Path) -> None:
    write(variants(tmp_path)[name], "glb", tmp_path / "cup.glb")
    assert complaints(tmp_path / "cup.glb") == []


@pytest.mark.parametrize("name", ["plain", "relief", "background"])
@pytest.mark.parametrize("compress", ["quantize", "meshopt"])
def test_khronos_validator_finds_nothing_wrong_with_smaller_files(name: str, compress: str, tmp_path: Path) -> None:
    write(variants(tmp_path)[name], "glb", tmp_path / "cup.glb", compress)
    # It does not look into compressed data.
    assert [one for one in complaints(tmp_path / "cup.glb") if "meshopt" not in one] == []


@pytest.mark.parametrize(
    "photo",
    [
        "files/testimgl.jpg",
        "files/big_icc.png",
        "files/gps_upright.jpg",
        "colour/cmyk.jpg",
        "colour/lin16_grey.png",
        "colour/p3.jpg",
        "colour/gama1_rgb8.png",
        "colour/rgbf32.tif",
    ],
)
def test_khronos_validator_finds_nothing_wrong_with_textures(photo: str, tmp_path: Path) -> None:
    plain = results.result(tmp_path)
    (tmp_path / "work").mkdir()
    texture = read_photo(shared_data.case(photo)).write_texture(tmp_path / "work")
    write(replace(plain, texture=texture), "glb", tmp_path / "cup.glb")
    assert complaints(tmp_path / "cup.glb") == []


@pytest.mark.parametrize("format", ["ply", "cloud", "obj", "glb", "stl"])
@pytest.mark.parametrize("material", ["texture", "vertex_colours"])
def test_meshlab_shows_the_colours(format: str, material: str, tmp_path: Path) -> None:
    pymeshlab = pytest.importorskip("pymeshlab")
    result = results.result(tmp_path, material=material)
    endings = {"cloud": ".ply"}
    path = tmp_path / f"cup{endings.get(format, '.' + format)}"
    write(result, format, path)
    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(str(path))
    read = meshes.current_mesh()
    mesh = result.mesh
    if format != "cloud":
        assert read.face_number() == len(mesh.triangles)
    if format == "stl":
        return
    if format in ("ply", "cloud") or material == "vertex_colours":
        assert read.vertex_number() == len(mesh.vertices)
        colours = np.rint(read.vertex_color_matrix()[:, :3] * 255)
        if format == "glb":
            # MeshLab shows the linear values of glTF as they are.
            assert np.ptp(colours, axis=0).min() >= 0 and read.has_vertex_color()
        else:
            np.testing.assert_allclose(colours, mesh.colors, atol=1)
    else:
        assert read.has_wedge_tex_coord() or read.has_vertex_tex_coord()
        assert read.texture_number() == 1


@pytest.mark.open3d
@pytest.mark.parametrize("format", ["obj", "glb", "stl"])
def test_open3d_shows_the_texture(format: str, tmp_path: Path) -> None:
    try:
        open3d = open3d_library.load()
    except Mono3DError as error:
        pytest.skip(str(error))
    result = results.result(tmp_path)
    path = tmp_path / f"cup.{format}"
    write(result, format, path)
    read = open3d.io.read_triangle_mesh(str(path), enable_post_processing=format == "obj")
    assert len(read.triangles) == len(result.mesh.triangles)
    if format == "obj":
        assert read.has_textures() and np.asarray(read.textures[-1]).shape[:2] == (48, 64)
    if format == "glb":
        (material,) = open3d.io.read_triangle_model(str(path)).materials
        assert np.asarray(material.albedo_img).shape[:2] == (48, 64)
