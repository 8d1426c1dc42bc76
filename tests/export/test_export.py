# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads every format back with an independent library, or by its specification."""

from __future__ import annotations

import importlib
import io
import json
import math
import struct
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from PIL import Image

from mono3d_addon import settings
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.camera.sphere_part import SpherePart
from mono3d_addon.core.mesh.grid_cells import with_quads
from mono3d_addon.core.mesh.mesh import PointCloud
from mono3d_addon.core.mesh.solid import print_scale, solid
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.errors import Mono3DError
from mono3d_addon.export import write
from mono3d_addon.export.depth_image import encode
from mono3d_addon.export.gltf_buffer import linear_rgba
from mono3d_addon.formats import FORMATS as TABLE
from tests.surface import results

trimesh = pytest.importorskip("trimesh")

NAME = "Größe Ω 1"
FORMATS = {name: format for name, format in TABLE.items() if format.writer}


def z_up(points: np.ndarray) -> np.ndarray:
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


def y_up(points: np.ndarray) -> np.ndarray:
    return points * [1, -1, -1]


def export(result: Any, format: str, folder: Path) -> Path:
    path = folder / (NAME + FORMATS[format].ending)
    files = write(result, format, path)
    assert files[0] == path
    assert all(file.stat().st_size > 0 for file in files)
    assert not list(folder.glob(".*"))
    return path


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    """Returns the two chunks of a GLB file, its headers checked against section 4.4 of the specification."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert (kind, size % 4) == (b"JSON", 0)
    binary_size, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert (kind, binary_size % 4) == (b"BIN\0", 0)
    assert 28 + size + binary_size == length
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def read_accessor(document: dict[str, Any], binary: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind = {5126: "<f4", 5123: "<u2", 5125: "<u4"}[accessor["componentType"]]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[accessor["type"]]
    assert view["byteOffset"] % 4 == 0
    assert np.dtype(kind).itemsize * width % 4 == 0 or accessor["type"] == "SCALAR"
    assert view["byteLength"] == np.dtype(kind).itemsize * width * accessor["count"]
    assert view["byteOffset"] + view["byteLength"] <= document["buffers"][0]["byteLength"] == len(binary)
    found = np.frombuffer(binary, kind, accessor["count"] * width, view["byteOffset"]).reshape(-1, width)
    return found / 65535 if accessor.get("normalized") else found


def test_every_format_of_the_settings_can_be_written(tmp_path: Path) -> None:
    assert set(TABLE) == set(settings.FORMATS) == {*FORMATS, "blend"}
    assert len({format.ending for format in TABLE.values()}) == len(TABLE)
    for format in FORMATS.values():
        module, function = format.writer.split(".")
        assert callable(getattr(importlib.import_module(f"mono3d_addon.export.{module}"), function))
    with pytest.raises(Mono3DError, match="no format 'fbx'"):
        write(results.result(tmp_path), "fbx", tmp_path / "x.fbx")


@limits(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 90))
def test_ply_round_trip(tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, triangles: int) -> None:
    folder = tmp_path_factory.mktemp("ply")
    mesh = results.random_mesh(seed, count, triangles)
    path = export(results.result(folder, mesh), "ply", folder)
    raw = trimesh.load(path, process=False, maintain_order=True)
    table = raw.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(np.stack([table[axis] for axis in "xyz"], axis=1), z_up(mesh.vertices))
    np.testing.assert_array_equal(np.stack([table["n" + axis] for axis in "xyz"], axis=1), z_up(mesh.normals))
    assert not {"s", "t", "u", "v"} & set(table.dtype.names)
    assert raw.visual.kind == "vertex"
    colors = np.stack([table[name] for name in ("red", "green", "blue")], axis=1)
    np.testing.assert_array_equal(colors, mesh.colors)
    faces = raw.metadata["_ply_raw"]["face"]["data"]["vertex_indices"]["f1"]
    np.testing.assert_array_equal(faces, mesh.triangles)


@pytest.mark.open3d
def test_open3d_reads_the_ply_and_the_cloud(tmp_path: Path) -> None:
    from mono3d_addon.surface import open3d_library

    try:
        open3d = open3d_library.load()
    except Mono3DError as error:
        pytest.skip(str(error))
    mesh = results.random_mesh(1, 30, 40)
    cloud = PointCloud(mesh.vertices[:20], mesh.normals[:20], mesh.colors[:20])
    result = results.result(tmp_path, mesh, cloud)
    read = open3d.io.read_triangle_mesh(str(export(result, "ply", tmp_path)))
    np.testing.assert_allclose(np.asarray(read.vertices), z_up(mesh.vertices))
    np.testing.assert_array_equal(np.asarray(read.triangles), mesh.triangles)
    np.testing.assert_allclose(np.asarray(read.vertex_colors) * 255, mesh.colors, atol=1e-4)
    points = open3d.io.read_point_cloud(str(export(result, "cloud", tmp_path)))
    np.testing.assert_allclose(np.asarray(points.points), z_up(cloud.points))
    np.testing.assert_allclose(np.asarray(points.normals), z_up(cloud.normals))
    np.testing.assert_allclose(np.asarray(points.colors) * 255, cloud.colors, atol=1e-4)


def test_the_cloud_of_a_grid_mesh_is_its_vertices(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    read = trimesh.load(export(result, "cloud", tmp_path))
    np.testing.assert_allclose(read.vertices, z_up(result.mesh.vertices))


@limits(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.integers(1, 90))
def test_glb_round_trip(tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, triangles: int) -> None:
    folder = tmp_path_factory.mktemp("glb")
    mesh = results.random_mesh(seed, count, triangles)
    result = results.result(folder, mesh)
    document, binary = read_glb(export(result, "glb", folder))
    primitive = document["meshes"][0]["primitives"][0]
    attributes = {name: read_accessor(document, binary, index) for name, index in primitive["attributes"].items()}
    np.testing.assert_array_equal(attributes["POSITION"], y_up(mesh.vertices).astype(np.float32))
    assert set(attributes) == {"POSITION", "TEXCOORD_0"}, "an unlit material needs no normals"
    np.testing.assert_allclose(attributes["TEXCOORD_0"], mesh.uv * [1, -1] + [0, 1], atol=1e-6)
    indices = read_accessor(document, binary, primitive["indices"])
    np.testing.assert_array_equal(indices.reshape(-1, 3), mesh.triangles)
    position = document["accessors"][primitive["attributes"]["POSITION"]]
    np.testing.assert_array_equal(np.float32(position["min"]), attributes["POSITION"].min(axis=0))
    np.testing.assert_array_equal(np.float32(position["max"]), attributes["POSITION"].max(axis=0))
    image = document["bufferViews"][document["images"][0]["bufferView"]]
    start = image["byteOffset"]
    assert binary[start : start + image["byteLength"]] == result.texture.read_bytes()


def test_glb_shows_the_photo_unlit_and_does_not_multiply_it(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    document, _ = read_glb(export(result, "glb", tmp_path))
    assert "COLOR_0" not in document["meshes"][0]["primitives"][0]["attributes"]
    assert document["extensionsUsed"] == ["KHR_materials_unlit"]
    assert document["images"][0]["mimeType"] == "image/png"
    scene = trimesh.load(tmp_path / (NAME + ".glb"))
    (geometry,) = scene.geometry.values()
    corners = geometry.vertices[geometry.faces]
    np.testing.assert_allclose(corners, y_up(result.mesh.vertices)[result.mesh.triangles], rtol=1e-6)
    np.testing.assert_array_equal(
        np.asarray(geometry.visual.material.baseColorTexture.convert("RGB")), results.picture(results.view(64, 48))
    )
    lit = replace(result, settings=settings.Settings(shading="principled"))
    document, binary = read_glb(export(lit, "glb", tmp_path))
    normals = read_accessor(document, binary, document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"])
    np.testing.assert_array_equal(normals, y_up(result.mesh.normals).astype(np.float32))
    assert "extensionsUsed" not in document
    assert "extensions" not in document["materials"][0]


def test_glb_with_vertex_colours_holds_linear_light_and_no_picture(tmp_path: Path) -> None:
    mesh = results.random_mesh(2, 500, 400)
    document, binary = read_glb(export(results.result(tmp_path, mesh, material="vertex_colours"), "glb", tmp_path))
    assert "images" not in document
    index = document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]
    assert document["accessors"][index]["normalized"] is True
    linear = read_accessor(document, binary, index)[:, :3]
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_array_equal(np.rint(srgb * 255), mesh.colors)
    # The usual example: sRGB 188 is half of the linear light.
    assert linear_rgba(np.full((1, 3), 188, np.uint8))[0].tolist() == pytest.approx(
        [32900, 32900, 32900, 65535], abs=99
    )


def test_the_camera_of_the_glb_sees_every_vertex_at_its_texture_coordinate(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    document, binary = read_glb(export(result, "glb", tmp_path))
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    x, y, z = read_accessor(document, binary, attributes["POSITION"]).T
    lens = document["cameras"][0]["perspective"]
    down = 1 / math.tan(lens["yfov"] / 2)
    across = down / lens["aspectRatio"]
    seen = np.stack([0.5 + 0.5 * across * x / -z, 0.5 - 0.5 * down * y / -z], axis=1)
    np.testing.assert_allclose(seen, read_accessor(document, binary, attributes["TEXCOORD_0"]), atol=1e-5)


def standing(result: Reconstruction) -> Reconstruction:
    """Returns the result with a rolled and pitched camera above the ground."""
    return replace(result, camera=replace(result.camera, pitch=-0.3, roll=0.12, elevation=1.4))


def test_the_camera_of_a_levelled_glb_sees_every_vertex_too(tmp_path: Path) -> None:
    result = standing(results.result(tmp_path))
    document, binary = read_glb(export(result, "glb", tmp_path))
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    places = read_accessor(document, binary, attributes["POSITION"])
    pose = np.array(document["nodes"][1]["matrix"]).reshape(4, 4).T
    np.testing.assert_allclose(pose[:3, 3], [0, 1.4, 0], atol=1e-6)
    x, y, z, _ = np.linalg.inv(pose) @ np.hstack([places, np.ones((len(places), 1))]).T
    lens = document["cameras"][0]["perspective"]
    down = 1 / math.tan(lens["yfov"] / 2)
    seen = np.stack([0.5 + 0.5 * down / lens["aspectRatio"] * x / -z, 0.5 - 0.5 * down * y / -z], axis=1)
    np.testing.assert_allclose(seen, read_accessor(document, binary, attributes["TEXCOORD_0"]), atol=1e-5)


@pytest.mark.parametrize("format", ["ply", "obj", "stl", "cloud"])
def test_all_formats_stand_on_the_same_floor(tmp_path: Path, format: str) -> None:
    result = standing(results.result(tmp_path))
    wanted = result.camera.to_scene(result.mesh.vertices)
    read = trimesh.load(export(result, format, tmp_path), process=False)
    turned = y_up(wanted) if format == "obj" else z_up(wanted)
    np.testing.assert_allclose(read.bounds, [turned.min(axis=0), turned.max(axis=0)], atol=1e-4)


def test_the_camera_file_tells_how_the_camera_stands(tmp_path: Path) -> None:
    result = standing(results.result(tmp_path))
    read = json.loads(export(result, "camera", tmp_path).read_text("utf-8"))
    assert read["pitch_degrees"] == pytest.approx(math.degrees(-0.3))
    assert read["roll_degrees"] == pytest.approx(math.degrees(0.12))
    assert read["metres_above_floor"] == 1.4 and read["blender"]["location"] == [0, 0, 1.4]
    assert list(read["horizon_pixels_from_top"].values()) == pytest.approx(result.camera.horizon())
    # Blender turns by x, then y, then z; its cameras look along their -z with y up.
    x, y, z = (math.radians(angle) for angle in read["blender"]["rotation_euler_degrees"])
    about_x = np.array([[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]])
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_z = np.array([[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]])
    seen = (z_up(result.scene_mesh.vertices) - [0, 0, 1.4]) @ (about_z @ about_y @ about_x)
    np.testing.assert_allclose(seen * [1, -1, -1], result.mesh.vertices, atol=1e-4)


def test_usdz_is_a_zip_of_files_that_can_be_mapped_into_memory(tmp_path: Path) -> None:
    """What is in the scene is read by OpenUSD and Blender in tests/blender/scene/test_our_files.py."""
    result = layered(tmp_path)
    path = export(result, "usdz", tmp_path)
    with zipfile.ZipFile(path) as package:
        assert package.namelist() == ["scene.usdc", "textures/mesh.png", "textures/behind.png"]
        assert package.read("textures/mesh.png") == result.texture.read_bytes()
        entries = package.infolist()
    data = path.read_bytes()
    for entry in entries:
        name, extra = struct.unpack_from("<HH", data, entry.header_offset + 26)
        assert (entry.header_offset + 30 + name + extra) % 64 == 0
        assert entry.compress_type == zipfile.ZIP_STORED
    assert y_up(result.mesh.vertices).astype("<f4").tobytes() in data


def test_cameras_show_what_is_nearer_and_farther_by_the_depth_strength(tmp_path: Path) -> None:
    result = results.result(tmp_path, near=1.0, far=4.0, depth_strength=2.0)
    document, _ = read_glb(export(result, "glb", tmp_path))
    assert document["cameras"][0]["perspective"]["znear"] == pytest.approx(0.005)
    clipped = struct.pack("<ff", 0.005, 800.0)
    assert clipped in export(result, "usdz", tmp_path).read_bytes()


def test_obj_with_its_material_and_texture(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    path = tmp_path / f"{NAME}.obj"
    files = write(result, "obj", path)
    assert [file.suffix for file in files] == [".obj", ".mtl", ".png"]
    assert all(" " not in file.name and file.name.isascii() for file in files[1:])
    assert files[2].read_bytes() == result.texture.read_bytes()
    read = trimesh.load(path, process=False, maintain_order=True)
    corners = read.vertices[read.faces]
    np.testing.assert_allclose(corners, y_up(result.mesh.vertices)[result.mesh.triangles], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(read.visual.uv[read.faces], result.mesh.uv[result.mesh.triangles], atol=1e-6)
    assert read.visual.material.image.size == (64, 48)


def layered(folder: Path, **changes: Any) -> Any:
    """Returns a result with a background, whose texture is all blue."""
    result = results.result(folder, **changes)
    texture = folder / "behind.png"
    Image.new("RGB", (64, 48), (0, 0, 255)).save(texture)
    return replace(result, background=results.random_mesh(5, 30, 40), background_texture=texture)


def test_glb_holds_the_background_with_a_texture_of_its_own(tmp_path: Path) -> None:
    result = layered(tmp_path)
    document, binary = read_glb(export(result, "glb", tmp_path))
    front, background = document["meshes"][0]["primitives"]
    assert (front["material"], background["material"]) == (0, 1)
    positions = read_accessor(document, binary, background["attributes"]["POSITION"])
    np.testing.assert_array_equal(positions, y_up(result.background.vertices).astype(np.float32))
    scene = trimesh.load(tmp_path / (NAME + ".glb"))
    colors = {
        geometry.visual.material.baseColorTexture.convert("RGB").getpixel((0, 0))
        for geometry in scene.geometry.values()
    }
    assert colors == {(0, 0, 255), tuple(results.picture(results.view(64, 48))[0, 0])}


def test_obj_holds_the_background_with_a_texture_of_its_own(tmp_path: Path) -> None:
    result = layered(tmp_path)
    files = write(result, "obj", tmp_path / "cup.obj")
    assert [file.name for file in files] == ["cup.obj", "cup.mtl", "cup_texture.png", "cup_behind_texture.png"]
    scene = trimesh.load(files[0], process=False, maintain_order=True)
    parts = {geometry.visual.material.name: geometry for geometry in scene.geometry.values()}
    assert set(parts) == {"photo", "behind"}
    background = parts["behind"]
    np.testing.assert_allclose(
        background.vertices[background.faces],
        y_up(result.background.vertices)[result.background.triangles],
        rtol=1e-5,
        atol=1e-6,
    )
    assert background.visual.material.image.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


def test_ply_and_stl_hold_both_layers_as_one_mesh(tmp_path: Path) -> None:
    result = layered(tmp_path)
    count = len(result.mesh.triangles) + 40
    read = trimesh.load(export(result, "ply", tmp_path), process=False)
    assert len(read.faces) == count
    table = read.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(table["red"][-30:], result.background.colors[:, 0])
    assert len(trimesh.load(export(result, "stl", tmp_path), process=False).faces) == count


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"vtp"}))
def test_no_photo_of_that_name_is_overwritten(tmp_path: Path, format: str) -> None:
    """Results go to the photo's own folder by default."""
    result = results.result(tmp_path)
    photos = [tmp_path / f"cup{suffix}" for suffix in (".png", ".jpg", ".jpeg", ".tif")]
    for photo in photos:
        photo.write_text("a photo")
    write(result, format, tmp_path / f"cup{FORMATS[format].ending}")
    assert [photo.read_text("utf-8", "replace") for photo in photos] == ["a photo"] * len(photos)


def test_obj_with_vertex_colours(tmp_path: Path) -> None:
    mesh = results.random_mesh(3, 40, 60)
    files = write(results.result(tmp_path, mesh, material="vertex_colours"), "obj", tmp_path / "plain.obj")
    assert [file.name for file in files] == ["plain.obj", "plain.mtl"]
    lines = [line.split() for line in files[0].read_text("utf-8").splitlines()]
    values = np.array([line[1:] for line in lines if line[0] == "v"], float)
    np.testing.assert_allclose(values[:, :3], y_up(mesh.vertices), rtol=1e-6)
    np.testing.assert_array_equal(np.rint(values[:, 3:] * 255), mesh.colors)
    faces = [[int(part) for corner in line[1:] for part in corner.split("/")] for line in lines if line[0] == "f"]
    np.testing.assert_array_equal(np.array(faces).reshape(-1, 3, 3) - 1, np.repeat(mesh.triangles, 3).reshape(-1, 3, 3))


def test_stl_by_an_independent_reader(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    path = export(result, "stl", tmp_path)
    read = trimesh.load(path, process=False)
    np.testing.assert_array_equal(
        read.vertices[read.faces].astype(np.float32), z_up(result.mesh.vertices)[result.mesh.triangles]
    )
    # The camera looks along +y from the origin: outward is towards it.
    assert ((read.face_normals * read.triangles_center).sum(axis=1) < 0).all()
    stored = np.frombuffer(path.read_bytes()[84:], np.dtype([("n", "<f4", 3), ("v", "<f4", 9), ("a", "<u2")]))
    np.testing.assert_allclose(stored["n"], read.face_normals, atol=1e-4)


def test_a_solid_is_printed_in_millimetres(tmp_path: Path) -> None:
    result = results.result(tmp_path, solid="flat", solid_size=80.0, solid_thickness=2.0)
    relief = np.ptp(result.mesh.vertices[:, 2])
    result = replace(result, mesh=solid(result.mesh, "flat", 2.0, 80.0))
    path = export(result, "stl", tmp_path)
    assert path.read_bytes()[:80].startswith(b"Mono3D, millimetres")
    read = trimesh.load(path)
    assert read.is_watertight and read.is_winding_consistent and read.volume > 0
    assert len(read.faces) == len(result.mesh.triangles)
    assert read.extents.max() == pytest.approx(80.0, rel=1e-5)
    # The camera looks along +y: the flat back is the farthest, behind the front's relief.
    assert read.extents[1] - relief * print_scale(result.mesh, 80.0) == pytest.approx(2.0, rel=1e-3)


def with_quads_of(result: Any) -> Any:
    camera = result.camera
    grid = results.grid(camera)
    return replace(result, mesh=with_quads(grid.mesh(camera), grid, camera.width))


def test_obj_and_ply_hold_quads(tmp_path: Path) -> None:
    result = with_quads_of(results.result(tmp_path))
    mesh = result.mesh
    assert len(mesh.quads) > 2000 and len(mesh.loose_triangles) > 10
    lines = [line.split() for line in export(result, "obj", tmp_path).read_text("utf-8").splitlines()]
    faces = [[int(corner.split("/")[0]) - 1 for corner in line[1:]] for line in lines if line[0] == "f"]
    assert faces == [*mesh.quads.tolist(), *mesh.loose_triangles.tolist()]
    read = trimesh.load(tmp_path / f"{NAME}.obj", process=False)
    assert len(read.faces) == len(mesh.triangles)
    assert ((read.face_normals * read.triangles_center).sum(axis=1) < 0).all()
    # trimesh cannot read binary PLY with both triangles and quads.
    data = export(result, "ply", tmp_path).read_bytes()
    header, _, body = data.partition(b"end_header\n")
    assert f"element face {len(faces)}\n".encode() in header
    body = body[len(mesh.vertices) * 27 :]
    quads = np.frombuffer(body, np.dtype([("count", "u1"), ("corners", "<i4", 4)]), len(mesh.quads))
    rest = np.frombuffer(body[17 * len(quads) :], np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
    assert (quads["count"] == 4).all() and (rest["count"] == 3).all()
    assert [*quads["corners"].tolist(), *rest["corners"].tolist()] == faces


@pytest.mark.parametrize("format", ["glb", "obj"])
def test_another_reader_finds_the_photos_pixels_at_the_vertices(tmp_path: Path, format: str) -> None:
    """Grid vertices are at pixel centres, where the texture has exactly the colour of the pixel."""
    pixels = np.random.default_rng(5).integers(0, 256, (48, 64, 3), np.uint8)
    result = results.result(tmp_path)
    Image.fromarray(pixels).save(result.texture)
    read = trimesh.load(export(result, format, tmp_path), force="mesh", process=False)
    material = read.visual.material
    image = material.baseColorTexture if format == "glb" else material.image
    colors = trimesh.visual.color.uv_to_interpolated_color(*texel_centres(read.visual.uv, image))
    points = read.vertices * [1, -1, -1]
    column, row = np.floor(result.camera.project(points).T + 1e-3).astype(int)
    assert len(points) > 2000
    np.testing.assert_array_equal(np.asarray(colors)[:, :3], pixels[row, column])


def texel_centres(uv: np.ndarray, image: Image.Image) -> tuple[np.ndarray, Image.Image]:
    """trimesh places the outermost texel centres on the border; renderers place them half a texel inside."""
    size = np.array(image.size)
    return np.clip((uv * size - 0.5) / (size - 1), 0, 1).round(6), image


def test_a_normal_map_comes_with_its_tangents(tmp_path: Path) -> None:
    relief = tmp_path / "normal_map.png"
    Image.new("RGB", (64, 48), (128, 128, 255)).save(relief)
    result = replace(results.result(tmp_path, shading="principled"), normal_map=relief)
    document, binary = read_glb(export(result, "glb", tmp_path))
    material = document["materials"][0]
    image = document["textures"][material["normalTexture"]["index"]]["source"]
    view = document["bufferViews"][document["images"][image]["bufferView"]]
    assert binary[view["byteOffset"] :][: view["byteLength"]] == relief.read_bytes()
    assert material["pbrMetallicRoughness"]["baseColorTexture"]["index"] != material["normalTexture"]["index"]
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    tangent, normal = (read_accessor(document, binary, attributes[name]) for name in ("TANGENT", "NORMAL"))
    np.testing.assert_allclose(np.linalg.norm(tangent[:, :3], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((tangent[:, :3] * normal).sum(axis=1), 0, atol=1e-5)
    # Green is up in the picture, and y is up in glTF.
    assert (tangent[:, 0] > 0).all() and (np.cross(normal, tangent[:, :3])[:, 1] * tangent[:, 3] > 0).mean() > 0.99
    (geometry,) = trimesh.load(tmp_path / f"{NAME}.glb").geometry.values()
    assert geometry.visual.material.normalTexture.size == (64, 48)
    files = write(result, "obj", tmp_path / "cup.obj")
    assert {file.name for file in files} == {"cup.obj", "cup.mtl", "cup_normal_texture.png", "cup_texture.png"}
    assert "norm cup_normal_texture.png" in (tmp_path / "cup.mtl").read_text("utf-8")


def test_npy_is_the_true_depth(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    read = np.load(export(result, "npy", tmp_path), allow_pickle=False)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, result.depth)


def test_png16_gives_the_metres_back_as_its_text_says(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    with Image.open(export(result, "png16", tmp_path)) as read:
        assert read.mode == "I;16"
        text = dict(read.info)
        values = np.asarray(read).astype(np.float64)
    near, far, scale = (float(text[name]) for name in ("near", "far", "scale"))
    share = values / scale
    depth = 1 / (share * (1 / near - 1 / far) + 1 / far)
    assert np.abs(depth / result.depth - 1).max() <= (far / near - 1) / 131070 + 1e-6
    order = np.argsort(result.depth, axis=None)
    assert (np.diff(values.ravel()[order]) <= 0).all()
    assert (values.min(), values.max()) == (0, 65535)


def test_png16_of_a_flat_and_of_a_holed_map() -> None:
    assert encode(np.full((2, 3), 4.0, np.float32))[1:] == (4.0, 4.0)
    values, near, far = encode(np.array([[1, np.nan], [np.inf, 2]], np.float32))
    assert (values.tolist(), near, far) == ([[65535, 0], [0, 0]], 1.0, 2.0)
    with pytest.raises(Mono3DError, match="no distances"):
        encode(np.full((2, 2), np.nan, np.float32))


def test_exr_is_the_true_depth(tmp_path: Path) -> None:
    library = pytest.importorskip("OpenEXR")
    result = results.result(tmp_path)
    path = export(result, "exr", tmp_path)
    assert path.read_bytes()[:4] == struct.pack("<I", 20000630)
    with library.File(str(path)) as read:
        (channel,) = read.channels().values()
        assert channel.name == "Y"
        np.testing.assert_array_equal(channel.pixels, result.depth)


def test_vtp_by_pyvista_or_a_sentence_that_names_it(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    try:
        import pyvista
    except ImportError:
        with pytest.raises(Mono3DError, match="VTP files need the package pyvista"):
            export(result, "vtp", tmp_path)
        return
    read = pyvista.read(export(result, "vtp", tmp_path))
    np.testing.assert_array_equal(read.points, z_up(result.mesh.vertices))
    np.testing.assert_array_equal(read.faces.reshape(-1, 4)[:, 1:], result.mesh.triangles)
    np.testing.assert_array_equal(read.point_data["RGB"], result.mesh.colors)
    np.testing.assert_array_equal(read.active_texture_coordinates, result.mesh.uv)


def test_camera_file(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    off_centre = replace(result.camera, cx=20.0, cy=30.0, fy=result.camera.fx * 1.25)
    read = json.loads(export(replace(result, camera=off_centre), "camera", tmp_path).read_text("utf-8"))
    assert read["photo"] == "Café Ω one.jpg"
    point = np.array([0.4, -0.3, 2.0])
    pixel = np.array(read["matrix"]) @ point
    np.testing.assert_allclose(pixel[:2] / pixel[2], off_centre.project(point[None])[0])
    blender = read["blender"]
    # Blender's camera model: sensor coordinates in frame widths from the centre, right and up.
    across = blender["lens_mm"] / blender["sensor_mm"] * point[0] / point[2] - blender["shift_x"]
    aspect = blender["pixel_aspect_y"] / blender["pixel_aspect_x"]
    up = blender["lens_mm"] / blender["sensor_mm"] * -point[1] / point[2] - blender["shift_y"]
    seen = [(across + 0.5) * 64, 24 - up * 64 / aspect]
    np.testing.assert_allclose(seen, off_centre.project(point[None])[0])
    assert read["median_footprint_metres"] > 0


def test_the_camera_file_tells_of_contradictions(tmp_path: Path) -> None:
    zoomed = Lens(focal_length=6.9, focal_length_35mm=24.0, digital_zoom=2.0, camera_name="Google Pixel 8 Pro")
    result = replace(results.result(tmp_path), lens=zoomed)
    (note,) = json.loads(export(result, "camera", tmp_path).read_text("utf-8"))["notes"]
    assert "digital zoom of 2" in note
    assert json.loads(export(results.result(tmp_path), "camera", tmp_path).read_text("utf-8"))["notes"] == []


def test_the_camera_file_of_a_part_of_a_panorama(tmp_path: Path) -> None:
    part = SpherePart(*(math.radians(angle) for angle in (-120, 120, -36, 24)))
    result = replace(results.result(tmp_path), camera=Camera.panorama(800, 200, "test", part))
    read = json.loads(export(result, "camera", tmp_path).read_text("utf-8"))
    angles = read["field_of_view_degrees"]
    assert [angles[name] for name in ("longer_side", "horizontal", "vertical")] == pytest.approx([240, 240, 60])
    assert read["blender"]["longitude_degrees"] == pytest.approx([-120, 120])
    assert read["blender"]["latitude_degrees"] == pytest.approx([-24, 36]), "upwards, as Blender has it"
    whole = replace(result, camera=Camera.panorama(800, 400, "test"))
    angles = json.loads(export(whole, "camera", tmp_path).read_text("utf-8"))["field_of_view_degrees"]
    assert (angles["horizontal"], angles["vertical"]) == (360.0, 180.0)


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"vtp"}))
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_a_name_of_bytes_that_are_no_text(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"caf\udce9{FORMATS[format].ending}"
    files = write(results.result(tmp_path), format, path)
    assert files[0] == path and path.stat().st_size > 0


@pytest.mark.parametrize("format", ["obj", "glb"])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(tmp_path: Path, format: str) -> None:
    result = results.result(tmp_path)
    path = export(result, format, tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file != result.texture}
    result.texture.unlink()
    with pytest.raises(Mono3DError, match="cannot be written"):
        write(replace(result, mesh=results.random_mesh(0, 9, 9)), format, path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_rename_that_fails_takes_back_those_done(tmp_path: Path) -> None:
    result = results.result(tmp_path)
    path = tmp_path / "a.obj"
    path.write_text("old", "utf-8")
    (tmp_path / "a_texture.png").write_text("old picture", "utf-8")
    (tmp_path / "a.mtl").mkdir()
    with pytest.raises(Mono3DError, match="cannot be written"):
        write(result, "obj", path)
    assert path.read_text("utf-8") == "old"
    assert (tmp_path / "a_texture.png").read_text("utf-8") == "old picture"
    assert {file.name for file in tmp_path.iterdir()} == {"a.obj", "a_texture.png", "a.mtl", result.texture.name}


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "vtp"])
def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path, format: str) -> None:
    with pytest.raises(Mono3DError, match="cannot be written"):
        write(results.result(tmp_path), format, tmp_path / "absent" / "x")


def test_arrays_mapped_from_disk_and_empty_meshes_can_be_written(tmp_path: Path) -> None:
    from mono3d_addon.core.reconstruction import load, save

    job = tmp_path / "job"
    job.mkdir()
    save(results.result(tmp_path), job)
    loaded = load(job)
    empty = replace(loaded, mesh=results.random_mesh(0, 1, 0))
    for name in FORMATS:
        if name != "vtp":
            export(loaded, name, tmp_path)
            export(empty, name, tmp_path)
    assert io.BytesIO((tmp_path / f"{NAME}.ply").read_bytes()).readline() == b"ply\n"
