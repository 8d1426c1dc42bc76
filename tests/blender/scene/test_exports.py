# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's exporters write of a result, read back by Blender's importers: every vertex has the photo's colour."""

from __future__ import annotations

import dataclasses
import json
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon import export
from mono3d_addon.blender import export_panel
from mono3d_addon.blender.scene import build as scene
from tests.blender import made
from tests.blender.made import bpy

SHADINGS = ("emission", "principled")
ROWS, COLUMNS = 6, 8
FAR = 80.0
"""Metres of the upper rows, which are sky."""
TOLERANCE = 1e-3
RELIEF = (150, 120, 250)
"""The normal map, everywhere."""


def is_there(kind: str) -> bool:
    """Returns whether this Blender was built with a format; Debian's is without USD and Alembic."""
    built: Any = {"usd": getattr(bpy.app, "usd", None), "abc": getattr(bpy.app, "alembic", None)}.get(kind)
    return built is None or bool(built.supported)


def _export(kind: str, path: Path) -> None:
    wm, scenes = bpy.ops.wm, bpy.ops.export_scene
    if kind == "obj":
        wm.obj_export(filepath=str(path), path_mode="COPY")
    elif kind == "fbx":
        scenes.fbx(filepath=str(path), path_mode="COPY", embed_textures=True, colors_type="NONE")
    elif kind == "glb":
        scenes.gltf(filepath=str(path), export_apply=True)
    elif kind == "usd":
        wm.usd_export(filepath=str(path))
    else:
        wm.alembic_export(filepath=str(path), face_sets=True)


def read_back(kind: str, path: Path) -> None:
    wm, scenes = bpy.ops.wm, bpy.ops.import_scene
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    if kind == "obj":
        wm.obj_import(filepath=str(path))
    elif kind == "fbx":
        scenes.fbx(filepath=str(path))
    elif kind == "glb":
        scenes.gltf(filepath=str(path))
    elif kind == "ply":
        wm.ply_import(filepath=str(path), forward_axis="Y", up_axis="Z")
    elif kind == "usd":
        wm.usd_import(filepath=str(path))
    else:
        wm.alembic_import(filepath=str(path), as_background_job=False)
    bpy.context.view_layer.update()


SUFFIX = {"usd": "usdc"}
KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(not is_there(kind), reason=f"this Blender is built without {kind}"))
    for kind in ("obj", "fbx", "glb", "usd")
]


@dataclass(frozen=True)
class Scene:
    """What is exported: places of the vertices in Blender's frame, and their colours, of both layers."""

    places: np.ndarray
    colours: np.ndarray
    texture: bytes
    normal_map: bytes


def photo(folder: Path, **settings: Any) -> tuple[Any, Scene]:
    """Returns a result with sky, filled background and normal map, and what must be found again of it."""
    seen_by = made.camera(80, 60)
    depth = made.depth_map(ROWS, COLUMNS, 1)
    depth[:2] = FAR
    front, behind, bumps = (folder / name for name in ("front", "behind", "bumps"))
    for one in (front, behind, bumps):
        one.mkdir()
    result = made.reconstruction(front, seen_by, ROWS, COLUMNS, depth=depth, seed=1, edges="fill", **settings)
    back = made.reconstruction(behind, seen_by, ROWS, COLUMNS, depth=depth * np.float32(1.5), seed=2)
    made.write_png(bumps / "normal_map.png", np.full((ROWS, COLUMNS, 3), RELIEF, np.uint8))
    result = dataclasses.replace(
        result, background=back.mesh, background_texture=back.texture, normal_map=bumps / "normal_map.png"
    )
    x, y, z = np.concatenate([result.mesh.vertices, back.mesh.vertices]).T
    colours = np.concatenate([result.mesh.colors, back.mesh.colors])
    expected = Scene(
        np.stack([x, z, -y], 1), colours, result.texture.read_bytes(), (bumps / "normal_map.png").read_bytes()
    )
    return result, expected


def _image(shader: Any, socket: str, data: Any) -> Any:
    """Returns the image that is linked to a socket, straight or multiplied by vertex colours that are white."""
    links = shader.inputs[socket].links
    assert links, f"nothing is linked to {socket}"
    node = links[0].from_node
    if node.type == "MIX":
        by_kind = {link.from_node.type: link.from_node for socket in node.inputs for link in socket.links}
        assert node.blend_type == "MULTIPLY"
        layer = by_kind["VERTEX_COLOR"].layer_name
        values = data.color_attributes[layer or data.color_attributes.render_color_index].data
        assert all(tuple(item.color) == (1.0, 1.0, 1.0, 1.0) for item in values), "the photo is dyed"
        node = by_kind["TEX_IMAGE"]
    assert node.type == "TEX_IMAGE", f"{node.name} is linked to {socket}"
    assert node.image is not None and node.image.size[0], "the image was not found"
    return node.image


def _shown(owner: Any, slot: int, kind: str, shading: str) -> Any:
    """Returns the image that a material read back shows, in the place where it belongs."""
    nodes = owner.material_slots[slot].material.node_tree.nodes
    if kind == "glb" and shading == "emission":
        assert not any(node.type == "BSDF_PRINCIPLED" for node in nodes), "not unlit"
        return _image(next(node for node in nodes if node.type == "EMISSION"), "Color", owner.data)
    socket = "Emission Color" if kind == "usdz" and shading == "emission" else "Base Color"
    return _image(next(node for node in nodes if node.type == "BSDF_PRINCIPLED"), socket, owner.data)


def _pixels(image: Any) -> np.ndarray:
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    return np.rint(values.reshape(height, width, 4)[:, :, :3] * 255)


def _corners(owner: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns place, texture coordinates and number of the material of each corner of the faces of an object."""
    data = owner.data
    places = np.array([owner.matrix_world @ data.vertices[loop.vertex_index].co for loop in data.loops])
    uv = np.array([item.vector for item in data.uv_layers.active.uv])
    slots = np.repeat([one.material_index for one in data.polygons], [one.loop_total for one in data.polygons])
    return places, uv, slots


def _nearest(places: np.ndarray, expected: Scene) -> np.ndarray:
    distances = np.linalg.norm(places[:, None] - expected.places[None], axis=2)
    assert distances.min(axis=1).max() < TOLERANCE * FAR, "the geometry is another one"
    return distances.argmin(axis=1)


def check(expected: Scene, kind: str, shading: str, *, is_whole: bool = True) -> None:
    """Checks the scene that was read back; unless `is_whole`, tears and the normal map may lack."""
    meshes = [one for one in bpy.data.objects if one.type == "MESH"]
    found: set[int] = set()
    for owner in meshes:
        places, uv, slots = _corners(owner)
        numbers = _nearest(places, expected)
        for slot in np.unique(slots):
            pixels = _pixels(_shown(owner, slot, kind, shading))
            assert pixels.shape[:2] == (ROWS, COLUMNS)
            here = slots == slot
            column, row = np.floor(uv[here] * (COLUMNS, ROWS)).astype(int).T
            np.testing.assert_array_equal(pixels[row, column], expected.colours[numbers[here]])
        found.update(numbers)
    if not is_whole:
        assert len(found) > 0.6 * len(expected.places)
        return
    assert found == set(range(len(expected.places))), "vertices are missing"
    if shading == "principled" or kind not in ("glb", "usdz"):
        check_relief(meshes)


def check_relief(meshes: list[Any]) -> None:
    """Checks that the normal map bends the normals of one material."""
    found = {
        link.from_node.inputs["Color"].links[0].from_node.image
        for owner in meshes
        for slot in owner.material_slots
        for link in slot.material.node_tree.links
        if (link.from_node.type, link.to_socket.name) == ("NORMAL_MAP", "Normal") and link.from_node.inputs[1].is_linked
    }
    (image,) = found
    assert (_pixels(image) == RELIEF).all()


@pytest.mark.smoke
@pytest.mark.usefixtures("empty_file")
@pytest.mark.parametrize("shading", SHADINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_photo_survives_every_exporter(kind: str, shading: str, tmp_path: Path) -> None:
    # Blender's OBJ exporter does not write packed images.
    result, expected = photo(tmp_path, shading=shading, pack_texture=kind != "obj")
    blend = tmp_path / "cup.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scene.build(result, bpy.context.scene, blend)
    path = tmp_path / f"cup.{SUFFIX.get(kind, kind)}"
    _export(kind, path)
    if kind == "glb":
        check_glb(path, expected, shading)
    if kind == "obj":
        check_mtl(path, expected)
    read_back(kind, path)
    check(expected, kind, shading)


@pytest.mark.smoke
@pytest.mark.parametrize("compress", ["none", "quantize"])
def test_our_own_glb_opens_as_it_was_written(compress: str, tmp_path: Path) -> None:
    result, expected = photo(tmp_path, shading="principled")
    (path,) = export.write(result, "glb", tmp_path / "cup.glb", compress)
    read_back("glb", path)
    check(expected, "glb", "principled")


def check_glb(path: Path, expected: Scene, shading: str) -> None:
    """Checks a GLB without Blender: the photo is the base colour, and unlit with emission."""
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    words, binary = json.loads(content[20 : 20 + length]), content[20 + length + 8 :]
    front = words["materials"][0]
    assert ("KHR_materials_unlit" in front.get("extensions", {})) == (shading == "emission")
    assert "emissiveTexture" not in front

    def picture(texture: int) -> bytes:
        view = words["bufferViews"][words["images"][words["textures"][texture]["source"]]["bufferView"]]
        start = view.get("byteOffset", 0)
        return binary[start : start + view["byteLength"]]

    assert picture(front["pbrMetallicRoughness"]["baseColorTexture"]["index"]) == expected.texture
    if shading == "principled":
        assert picture(front["normalTexture"]["index"]) == expected.normal_map


def check_mtl(path: Path, expected: Scene) -> None:
    """Checks an OBJ's materials without Blender: the first one names the photo, which lies beside it."""
    lines = path.with_suffix(".mtl").read_text("utf-8").splitlines()
    first = next(line for line in lines if line.startswith("map_Kd")).split()[-1]
    assert (path.parent / first).read_bytes() == expected.texture


@pytest.mark.usefixtures("empty_file")
@pytest.mark.parametrize("kind", KINDS)
def test_what_nodes_make_of_the_depth_shows_it_too(kind: str, tmp_path: Path) -> None:
    result, expected = photo(tmp_path, build_as="nodes", pack_texture=kind != "obj")
    blend = tmp_path / "cup.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scene.build(result, bpy.context.scene, blend)
    bpy.context.view_layer.update()
    path = tmp_path / f"cup.{SUFFIX.get(kind, kind)}"
    _export(kind, path)
    read_back(kind, path)
    check(expected, kind, "emission", is_whole=False)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("shading", SHADINGS)
@pytest.mark.parametrize("kind", ["obj", "fbx"])
def test_our_own_entry_brings_packed_textures_along(kind: str, shading: str, tmp_path: Path) -> None:
    result, expected = photo(tmp_path, shading=shading)
    built = scene.build(result, bpy.context.scene)
    bpy.context.view_layer.objects.active = built.mesh
    shown = {image.name: image.filepath for image in bpy.data.images}
    theirs = tmp_path / Path(shown["made"]).name
    theirs.write_text("the user's own")
    path = tmp_path / f"cup.{kind}"
    assert bpy.ops.mono3d.export_mesh(filepath=str(path)) == {"FINISHED"}
    assert theirs.read_text() == "the user's own"
    assert {image.name: image.filepath for image in bpy.data.images} == shown
    assert all(image.packed_file for image in bpy.data.images)
    if kind == "obj":
        check_mtl(path, expected)
    read_back(kind, path)
    check(expected, kind, shading)


@pytest.mark.usefixtures("registered")
def test_our_own_entry_says_in_one_sentence_why_it_cannot_write(tmp_path: Path) -> None:
    assert not bpy.ops.mono3d.export_mesh.poll()
    result, _ = photo(tmp_path)
    bpy.context.view_layer.objects.active = scene.build(result, bpy.context.scene).mesh
    shown = [image.filepath for image in bpy.data.images]
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.mono3d.export_mesh(filepath=str(tmp_path / "nowhere" / "cup.obj"))
    assert [image.filepath for image in bpy.data.images] == shown


@pytest.mark.usefixtures("empty_file")
def test_vertex_colours_travel_when_they_are_asked_for(tmp_path: Path) -> None:
    result, expected = photo(tmp_path, material="vertex_colours")
    scene.build(result, bpy.context.scene)
    path = tmp_path / "cup.glb"
    _export("glb", path)
    content = path.read_bytes()
    words = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
    assert all("baseColorTexture" not in one["pbrMetallicRoughness"] for one in words["materials"])
    read_back("glb", path)
    check_colours(expected)


@pytest.mark.usefixtures("empty_file")
@pytest.mark.skipif(not is_there("abc"), reason="this Blender is built without Alembic")
def test_alembic_which_has_no_materials_keeps_shape_and_coordinates_of_the_photo(tmp_path: Path) -> None:
    result, expected = photo(tmp_path)
    scene.build(result, bpy.context.scene)
    path = tmp_path / "cup.abc"
    _export("abc", path)
    read_back("abc", path)
    (owner,) = (one for one in bpy.data.objects if one.type == "MESH")
    places, uv, slots = _corners(owner)
    photographed = made.camera(80, 60).uv(expected.places[:, [0, 2, 1]] * np.array([1, -1, 1], np.float32))
    np.testing.assert_allclose(uv, photographed[_nearest(places, expected)], atol=1e-4)
    # Blender writes no colours of vertices into Alembic, only those of corners.
    assert set(slots) == {0, 1} and not owner.data.color_attributes


def check_colours(expected: Scene) -> None:
    """Checks that the vertex colours read back are the photo's, within a step of 8 bits."""
    for owner in (one for one in bpy.data.objects if one.type == "MESH"):
        data = owner.data
        layer = data.color_attributes[data.color_attributes.render_color_index]
        values = np.array([item.color_srgb[:3] for item in layer.data]) * 255
        places = np.array([owner.matrix_world @ vertex.co for vertex in data.vertices])
        if layer.domain == "CORNER":
            places = places[[loop.vertex_index for loop in data.loops]]
        np.testing.assert_allclose(values, expected.colours[_nearest(places, expected)], atol=1.0)


@pytest.mark.usefixtures("registered")
def test_the_button_is_there_where_packed_photos_are_left_out(tmp_path: Path) -> None:
    def is_shown(**operator: Any) -> bool:
        space = types.SimpleNamespace(active_operator=types.SimpleNamespace(**operator))
        context: Any = types.SimpleNamespace(space_data=space, view_layer=bpy.context.view_layer)
        return export_panel.MONO3D_PT_export_photos.poll(context)

    obj = {"bl_idname": "WM_OT_obj_export", "path_mode": "COPY"}
    fbx = {"bl_idname": "EXPORT_SCENE_OT_fbx", "path_mode": "COPY"}
    assert not is_shown(**obj) and not bpy.ops.mono3d.write_photos.poll()
    result, _ = photo(tmp_path)
    scene.build(result, bpy.context.scene)
    bpy.context.view_layer.update()
    assert is_shown(**obj) and is_shown(**fbx, embed_textures=False)
    assert not is_shown(**fbx, embed_textures=True) and not is_shown(bl_idname="EXPORT_SCENE_OT_gltf")
    for image in bpy.data.images:
        if image.packed_file:
            image.unpack(method="REMOVE")
    assert not is_shown(**obj) and not bpy.ops.mono3d.write_photos.poll()


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("shading", SHADINGS)
@pytest.mark.parametrize("kind", ["obj", "fbx"])
def test_blenders_own_entries_find_the_packed_photos_that_a_button_writes(
    kind: str, shading: str, tmp_path: Path
) -> None:
    job, folder = tmp_path / "job", tmp_path / "exported"
    job.mkdir()
    folder.mkdir()
    result, expected = photo(job, shading=shading)
    scene.build(result, bpy.context.scene)
    theirs = folder / Path(bpy.data.images["made"].filepath).name
    theirs.write_text("the user's own")
    for _ in range(2):
        assert bpy.ops.mono3d.write_photos(directory=str(folder)) == {"FINISHED"}
    path = folder / f"cup.{kind}"
    if kind == "obj":
        bpy.ops.wm.obj_export(filepath=str(path))
        check_mtl(path, expected)
    else:
        bpy.ops.export_scene.fbx(filepath=str(path))
    assert theirs.read_text() == "the user's own"
    assert all(image.packed_file for image in bpy.data.images if image.source == "FILE")
    assert len(list(folder.glob("*photo.*"))) == 1, "written once"
    read_back(kind, path)
    check(expected, kind, shading)
