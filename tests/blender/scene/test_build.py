# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects built from a reconstruction."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene import camera, headless, source
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.sphere_part import SpherePart
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from tests.blender import made
from tests.blender.made import bpy

pytestmark = pytest.mark.usefixtures("empty_file")


def build(result: Any) -> Any:
    built = scene.build(result, bpy.context.scene)
    bpy.context.view_layer.update()
    return built


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("size", "off_centre", "aspect"),
    [
        ((400, 300), (0.0, 0.0), 1.0),
        ((300, 400), (0.0, 0.0), 1.0),
        ((256, 256), (0.0, 0.0), 1.0),
        ((400, 300), (0.07, -0.11), 1.0),
        ((300, 400), (-0.09, 0.05), 1.0),
        ((401, 299), (0.02, 0.03), 1.0),
        ((1200, 300), (0.3, -0.2), 1.0),
        ((400, 300), (0.06, 0.04), 1.2),
        ((300, 400), (0.06, -0.04), 0.8),
        ((310, 300), (0.01, 0.0), 0.9),
        ((3, 2), (0.0, 0.0), 1.0),
    ],
)
def test_every_vertex_is_seen_where_its_texture_is(
    size: tuple[int, int], off_centre: tuple[float, float], aspect: float, tmp_path: Path
) -> None:
    seen_by = made.camera(*size, off_centre, aspect)
    result = made.reconstruction(tmp_path, seen_by, rows=size[1] // 10 + 2, columns=size[0] // 10 + 2)
    built = build(result)
    camera.use(bpy.context.scene, built.camera)
    data = built.mesh.data
    uv = np.empty((len(data.loops), 2), dtype=np.float32)
    data.uv_layers.active.uv.foreach_get("vector", uv.reshape(-1))
    of_vertex = np.empty((len(data.vertices), 2))
    of_vertex[[loop.vertex_index for loop in data.loops]] = uv
    world = built.mesh.matrix_world
    seen = [world_to_camera_view(bpy.context.scene, built.camera, world @ vertex.co) for vertex in data.vertices]
    assert np.abs(np.array([point[:2] for point in seen]) - of_vertex).max() < 1e-4
    assert min(point.z for point in seen) > 0


def seen_by(built: Any) -> tuple[Any, Any]:
    """Returns where the camera sees each vertex, and its texture coordinates, both (n, 2)."""
    data = built.mesh.data
    uv = np.empty((len(data.loops), 2), dtype=np.float32)
    data.uv_layers.active.uv.foreach_get("vector", uv.reshape(-1))
    of_vertex = np.empty((len(data.vertices), 2))
    of_vertex[[loop.vertex_index for loop in data.loops]] = uv
    world = built.mesh.matrix_world
    seen = [world_to_camera_view(bpy.context.scene, built.camera, world @ vertex.co) for vertex in data.vertices]
    return np.array([point[:2] for point in seen]), of_vertex


@pytest.mark.parametrize(
    ("pitch", "roll", "off_centre"),
    [(-0.4, 0.0, (0.0, 0.0)), (0.2, -0.15, (0.0, 0.0)), (-0.1, 0.2, (0.3, -0.2)), (0.0, 0.0, (1.5, 0.4))],
)
def test_a_levelled_scene_stands_on_the_floor_and_still_matches(
    pitch: float, roll: float, off_centre: tuple[float, float], tmp_path: Path
) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300, off_centre), 12, 16)
    camera_above = dataclasses.replace(result.camera, pitch=pitch, roll=roll, elevation=1.7)
    built = build(dataclasses.replace(result, camera=camera_above))
    camera.use(bpy.context.scene, built.camera)
    seen, uv = seen_by(built)
    assert np.abs(seen - uv).max() < 1e-4
    assert built.mesh.matrix_world.is_identity and built.camera.location[:] == pytest.approx((0.0, 0.0, 1.7))
    forward = built.camera.matrix_world.to_3x3() @ Vector((0.0, 0.0, -1.0))
    assert forward.z == pytest.approx(np.sin(pitch), abs=1e-6) and forward.x == pytest.approx(0.0, abs=1e-6)
    # The point on the floor below the camera is the origin, in the photo's own frame and in the scene's.
    foot = camera_above.to_scene((-1.7 * camera_above.up)[None].astype(np.float32))
    np.testing.assert_allclose(foot, 0.0, atol=1e-6)
    assert camera.stored(built.mesh) == camera_above


def test_it_still_matches_where_the_mesh_was_moved(tmp_path: Path) -> None:
    built = build(made.reconstruction(tmp_path, made.camera(400, 300), 12, 16))
    built.mesh.location = (3.0, -2.0, 5.0)
    built.mesh.rotation_euler = (0.3, -0.8, 2.0)
    bpy.context.view_layer.update()
    vertex = built.mesh.data.vertices[37]
    uv = next(
        item.vector
        for item, loop in zip(built.mesh.data.uv_layers.active.uv, built.mesh.data.loops, strict=True)
        if loop.vertex_index == 37
    )
    seen = world_to_camera_view(bpy.context.scene, built.camera, built.mesh.matrix_world @ vertex.co)
    assert np.abs(np.array(seen[:2]) - np.array(uv)).max() < 1e-4


def test_the_mesh_is_what_blender_would_have_made(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 30, 40)
    data = build(result).mesh.data
    assert not data.validate(verbose=True), "Blender found something to repair"
    assert len(data.vertices) == 1200 and len(data.polygons) == 2 * 29 * 39
    assert len(data.edges) == 29 * 40 + 30 * 39 + 29 * 39
    assert all(polygon.use_smooth for polygon in data.polygons)
    assert max(polygon.normal.y for polygon in data.polygons if abs(polygon.normal.y) > 0.9) < 0, "faces the camera"
    x, y, z = result.mesh.vertices[17]
    assert data.vertices[17].co[:] == pytest.approx((x, z, -y))


def with_quads(result: Any) -> Any:
    """Pairs the triangles of each cell, which `made` lists one after the other, but for the last cell's."""
    one, other = result.mesh.triangles[0:-2:2], result.mesh.triangles[1:-2:2]
    quads = np.stack([one[:, 0], one[:, 1], other[:, 2], one[:, 2]], axis=1)
    return dataclasses.replace(result, mesh=dataclasses.replace(result.mesh, quads=quads))


def test_quads_are_quads(tmp_path: Path) -> None:
    result = with_quads(made.reconstruction(tmp_path, made.camera(400, 300), 12, 16))
    data = build(result).mesh.data
    assert not data.validate(verbose=True), "Blender found something to repair"
    assert len(data.vertices) == 192 and len(data.edges) == 11 * 16 + 12 * 15 + 1
    assert [polygon.loop_total for polygon in data.polygons] == [4] * (11 * 15 - 1) + [3, 3]
    assert max(polygon.normal.y for polygon in data.polygons if abs(polygon.normal.y) > 0.9) < 0
    uv = data.uv_layers.active.uv
    for loop in data.loops:
        assert uv[loop.index].vector[:] == pytest.approx(result.mesh.uv[loop.vertex_index], abs=1e-6)


def test_textures_lie_beside_where_wanted(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"pack_texture": False, "normal_map": True, "shading": "principled"}
    result = relief(made.reconstruction(tmp_path, made.camera(400, 300), 12, 16, **settings), (128, 128, 255))
    folder = tmp_path / "out"
    folder.mkdir()
    headless.write(result, folder / "cup.blend")
    names_there = {"cup.blend", "cup_texture.png", "cup_normal_texture.png"}
    assert {path.name for path in folder.iterdir()} == names_there
    moved = folder.rename(tmp_path / "elsewhere")
    bpy.ops.wm.open_mainfile(filepath=str(moved / "cup.blend"))
    images = {image.filepath: image for image in bpy.data.images if image.source == "FILE"}
    assert set(images) == {"//cup_texture.png", "//cup_normal_texture.png"}
    for image in images.values():
        assert not image.packed_file and image.size[0] > 0, "not found from the file's new place"
    assert images["//cup_normal_texture.png"].colorspace_settings.name == "Non-Color"


def test_in_a_scene_of_the_users_own_every_photo_keeps_its_texture(tmp_path: Path) -> None:
    file, work = tmp_path / "street.blend", tmp_path / "work"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    theirs = [tmp_path / "street_texture.png", tmp_path / "street_made_texture.png"]
    for path in theirs:
        path.write_text("the user's own")
    pictures = []
    for number in range(3):
        folder = work / str(number)
        folder.mkdir(parents=True)
        colour = np.full((12, 16, 3), 80 * number, np.uint8)
        result = made.reconstruction(folder, made.camera(400, 300), 12, 16, colour, pack_texture=False)
        result = relief(dataclasses.replace(result, name="cup" if number == 2 else "made"), (128, 128, 255))
        built = scene.build(result, bpy.context.scene, file)
        pictures.append((built.mesh, result.texture.read_bytes()))
    assert [path.read_text() for path in theirs] == ["the user's own"] * 2
    expected = {"street_made_texture_2.png", "street_made_texture_3.png", "street_cup_texture.png"}
    expected |= {"street_made_normal_texture.png", "street_made_normal_texture_2.png", "street_cup_normal_texture.png"}
    there = {path.name for path in tmp_path.glob("*.png")} - {path.name for path in theirs}
    assert there == expected
    for mesh, picture in pictures:
        assert (work / source.write(mesh, work).photo).read_bytes() == picture, "not what reshaping is given"
    written = dataclasses.replace(result, name="\u8336" * 80)
    scene.build(written, bpy.context.scene, file)
    assert len(list(tmp_path.glob("street_\u8336*texture.png"))) == 2, "not too long for a disk"


def relief(result: Any, colour: tuple[int, int, int]) -> Any:
    path = result.texture.with_name("normal_map.png")
    made.write_png(path, np.full((12, 16, 3), colour, np.uint8))
    return dataclasses.replace(result, normal_map=path)


def test_a_normal_map_bends_what_the_lamps_see(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 12, 16, shading="principled")
    tree = build(relief(result, (200, 128, 230))).mesh.data.materials[0].node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    bend = shader.inputs["Normal"].links[0].from_node
    assert bend.type == "NORMAL_MAP" and bend.space == "TANGENT"
    assert bend.inputs["Color"].links[0].from_node.image.packed_file
    data = build(relief(result, (128, 128, 255))).mesh.data
    corners = np.array([corner.vector for corner in data.corner_normals])
    wanted = result.mesh.normals[[loop.vertex_index for loop in data.loops]]
    np.testing.assert_allclose(corners, np.stack([wanted[:, 0], wanted[:, 2], -wanted[:, 1]], axis=1), atol=0.01)
    emission = dataclasses.replace(result, settings=Settings(shading="emission"))
    tree = build(relief(emission, (128, 128, 255))).mesh.data.materials[0].node_tree
    output = tree.get_output_node("ALL")
    assert not any(node.type == "NORMAL_MAP" for node in nodes_before(output)), "emission ignores lights"


def nodes_before(node: Any) -> list[Any]:
    """Returns a node and those that it follows from."""
    before = [link.from_node for socket in node.inputs for link in socket.links]
    return [node, *(one for other in before for one in nodes_before(other))]


def test_triangles_of_other_meshers_are_repaired(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 4, 4, surface="poisson")
    broken = np.concatenate([result.mesh.triangles, [[0, 0, 1], [2, 3, 2]], result.mesh.triangles[:1]]).astype(np.int32)
    object.__setattr__(result.mesh, "triangles", broken)
    data = build(result).mesh.data
    assert len(data.polygons) == 18
    assert not data.validate()


@pytest.mark.parametrize("surface", ["grid", "poisson"])
def test_the_background_has_a_material_of_its_own(tmp_path: Path, surface: str) -> None:
    seen_by = made.camera(400, 300)
    result = made.reconstruction(tmp_path, seen_by, 12, 16, surface=surface)
    far = made.reconstruction(tmp_path, seen_by, 6, 8, seed=3)
    painted = tmp_path / "behind.png"
    made.write_png(painted, np.full((6, 8, 3), 200, np.uint8))
    result = dataclasses.replace(result, background=far.mesh, background_texture=painted)
    data = build(result).mesh.data
    slots = np.array([polygon.material_index for polygon in data.polygons])
    front = len(result.mesh.triangles)
    assert len(slots) == front + len(far.mesh.triangles)
    assert (slots[:front] == 0).all() and (slots[front:] == 1).all()
    pictures = [
        next(node.image for node in slot.node_tree.nodes if node.type == "TEX_IMAGE") for slot in data.materials
    ]
    assert [picture.packed_file is not None for picture in pictures] == [True, True]
    assert tuple(pictures[1].size) == (8, 6)


def test_an_empty_mesh_is_no_fault(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(4, 4), 1, 1)
    for name, shape in (("vertices", (0, 3)), ("uv", (0, 2)), ("colors", (0, 3)), ("triangles", (0, 3))):
        object.__setattr__(result.mesh, name, np.empty(shape, dtype=getattr(result.mesh, name).dtype))
    assert len(build(result).mesh.data.vertices) == 0


def test_every_colour_reads_as_in_the_photo(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8)
    pixels = np.stack([ramp, ramp[::-1], np.roll(ramp, 100)], axis=1).reshape(16, 16, 3)
    data = build(made.reconstruction(tmp_path, made.camera(160, 160), 16, 16, pixels)).mesh.data
    attribute = data.color_attributes["Color"]
    assert (attribute.domain, attribute.data_type) == ("POINT", "BYTE_COLOR")
    assert data.color_attributes.active_color.name == "Color"
    assert data.color_attributes[data.color_attributes.render_color_index].name == "Color"
    read = np.array([item.color_srgb for item in attribute.data])
    np.testing.assert_allclose(read[:, :3] * 255, pixels.reshape(-1, 3), atol=1e-3)
    assert (read[:, 3] == 1).all()
    half = next(item for item, value in zip(attribute.data, pixels.reshape(-1, 3), strict=True) if value[0] == 128)
    assert half.color[0] == pytest.approx(((128 / 255 + 0.055) / 1.055) ** 2.4, abs=1e-4), "linear is derived from sRGB"


def test_one_collection_for_each_photo(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 6, 8)
    first, second = build(result), build(result)
    assert [first.collection.name, second.collection.name] == ["made", "made.001"]
    assert set(bpy.context.scene.collection.children) == {first.collection, second.collection}
    assert set(first.collection.objects) == {first.mesh, first.camera}
    assert bpy.context.scene.camera == first.camera, "an existing scene camera must stay"


def test_the_settings_come_along(tmp_path: Path) -> None:
    result = made.reconstruction(
        tmp_path, made.camera(400, 300), 6, 8, near=0.7, far=9.1, field_of_view=50.0, tear=0.123
    )
    mesh = build(result).mesh
    assert scene.stored_settings(mesh) == result.settings
    assert Camera(**json.loads(mesh[names.CAMERA])) == result.camera == camera.stored(mesh)
    assert mesh[names.PHOTO] == str(result.photo)
    stranger = bpy.data.objects.new("stranger", None)
    with pytest.raises(Mono3DError, match="stranger"):
        scene.stored_settings(stranger)
    with pytest.raises(Mono3DError, match="stranger"):
        camera.use(bpy.context.scene, stranger)


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("material", "shading"), list(itertools.product(("texture", "vertex_colours"), ("emission", "principled")))
)
def test_the_material_shows_the_photo(material: str, shading: str, tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 6, 8, material=material, shading=shading)
    tree = build(result).mesh.data.materials[0].node_tree
    for engine in ("ALL", "CYCLES", "EEVEE"):
        kinds = {node.type for node in nodes_before(tree.get_output_node(engine))}
        assert ("EMISSION" in kinds, "BSDF_PRINCIPLED" in kinds) == (shading == "emission", shading == "principled")
        assert ("TEX_IMAGE" in kinds, "VERTEX_COLOR" in kinds) == (material == "texture", material != "texture")
    photo = tree.nodes["Photo"]
    assert photo.image.colorspace_settings.name == "sRGB" and photo.image.packed_file
    assert tree.nodes.active == photo, "solid view shows the active node's image"
    assert all(link.is_valid for link in tree.links)
    places = [tuple(node.location) for node in tree.nodes]
    assert len(set(places)) == len(places)


def test_a_missing_texture_leaves_nothing_behind(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 6, 8)
    result.texture.unlink()
    with pytest.raises(Mono3DError, match="texture"):
        build(result)
    assert not bpy.data.objects and not bpy.data.collections and not bpy.data.meshes


def test_the_camera_reaches_the_whole_scene(tmp_path: Path) -> None:
    result = made.reconstruction(tmp_path, made.camera(400, 300), 6, 8)
    eye = build(result).camera.data
    depth = result.mesh.vertices[:, 2]
    assert eye.clip_start < depth.min() and eye.clip_end > depth.max()
    assert eye.show_background_images and eye.background_images[0].image
    render = bpy.context.scene.render
    assert (render.resolution_x, render.resolution_y, render.resolution_percentage) == (400, 300, 100)


@pytest.mark.parametrize(("pitch", "roll", "elevation"), [(0.0, 0.0, 0.0), (0.2, -0.1, 1.5)])
def test_a_panorama_is_rendered_as_it_was_photographed(
    pitch: float, roll: float, elevation: float, tmp_path: Path
) -> None:
    rows, columns = 32, 64
    y, x = np.mgrid[0:rows, 0:columns]
    pixels = np.stack([x * 4, y * 8, np.full_like(x, 60)], axis=2).astype(np.uint8)
    seen_by = dataclasses.replace(Camera.panorama(columns, rows, "test"), pitch=pitch, roll=roll, elevation=elevation)
    depth = np.full((rows, columns), 3.0, np.float32)
    built = build(made.reconstruction(tmp_path, seen_by, rows, columns, pixels, depth))
    target = bpy.context.scene
    camera.use(target, built.camera)
    assert built.camera.data.type == "PANO"
    assert (target.render.engine, target.render.resolution_x, target.render.resolution_y) == ("CYCLES", columns, rows)
    target.view_settings.view_transform = "Standard"
    target.cycles.device, target.cycles.samples, target.cycles.use_denoising = "CPU", 4, False
    target.render.filepath = str(tmp_path / "seen.png")
    bpy.ops.render.render(write_still=True)
    seen = made.read_picture(tmp_path / "seen.png") * 255
    # This grid is open at the seam and the poles.
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(seen[inner] - pixels[inner]).max() < 14


@pytest.mark.parametrize(
    "part", [SpherePart(-2.0, 2.0, -0.7, 0.4), SpherePart(-math.pi, math.pi, -1.1, 0.9)], ids=["band", "no poles"]
)
def test_a_part_of_a_panorama_is_rendered_as_it_was_photographed(part: SpherePart, tmp_path: Path) -> None:
    rows, columns = 32, 96
    y, x = np.mgrid[0:rows, 0:columns]
    pixels = np.stack([x * 2, y * 8, np.full_like(x, 60)], axis=2).astype(np.uint8)
    seen_by = Camera.panorama(columns, rows, "test", part)
    built = build(made.reconstruction(tmp_path, seen_by, rows, columns, pixels, np.full((rows, columns), 3.0, "f4")))
    target = bpy.context.scene
    camera.use(target, built.camera)
    target.view_settings.view_transform = "Standard"
    target.cycles.device, target.cycles.samples, target.cycles.use_denoising = "CPU", 4, False
    target.render.filepath = str(tmp_path / "seen.png")
    bpy.ops.render.render(write_still=True)
    seen = made.read_picture(tmp_path / "seen.png") * 255
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(seen[inner] - pixels[inner]).max() < 14
