# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects whose surface Geometry Nodes make: equal to the grid mesh, animated, saved, appended, rendered."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import as_nodes, headless, material
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene.nodes import modifier as modifiers
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.maps.disparity import to_depth
from mono3d_addon.core.mesh.grid import build_grid
from mono3d_addon.core.reconstruction import Reconstruction
from tests.blender import made
from tests.blender.made import bpy

pytestmark = pytest.mark.usefixtures("empty_file")

ROWS, COLUMNS = 48, 64
PRECISION = 3e-7
"""Of positions, relative to their depth: a few units in the last place of 32-bit floats."""


def stepped(rows: int = ROWS, columns: int = COLUMNS) -> NDArray[np.float32]:
    """Returns waves with two near boxes, a thin step, and a floor at a grazing angle, float32 (rows, columns), m."""
    depth = made.depth_map(rows, columns, 0)
    depth[rows // 4 : rows // 2, columns // 4 : columns // 2] *= np.float32(0.5)
    depth[rows // 8 : rows // 6, columns // 2 :] *= np.float32(0.8)
    floor = 3 * rows // 4
    depth[floor:] = (8.0 / np.linspace(1.0, 5.0, rows - floor, dtype=np.float32))[:, None]
    return depth


def of_nodes(folder: Path, depth: NDArray[np.float32], seen_by: Camera, **settings: Any) -> Any:
    """Returns the objects built as nodes for a depth, with the camera in front of it."""
    wanted = {"near": 1.0, "far": 4.0, "edges": "tear", "min_island": 0.0, "build_as": "nodes", **settings}
    rows, columns = depth.shape
    result = made.reconstruction(folder, seen_by, rows, columns, None, depth, **wanted)
    return scene.build(result, bpy.context.scene)


def inputs(owner: Any, **values: Any) -> None:
    for name, value in values.items():
        modifiers.put(as_nodes.modifier_of(owner), name.replace("_", " "), value)


def shown(owner: Any) -> Any:
    """Returns the mesh that the nodes make."""
    bpy.context.view_layer.update()
    return owner.evaluated_get(bpy.context.evaluated_depsgraph_get()).data


def places(data: Any) -> NDArray[np.float32]:
    values = np.empty((len(data.vertices), 3), np.float32)
    if len(values):
        data.attributes["position"].data.foreach_get("vector", values.reshape(-1))
    return values


def faces(data: Any) -> set[tuple[int, ...]]:
    corners = np.empty(len(data.loops), np.int32)
    data.loops.foreach_get("vertex_index", corners)
    return turned(corners.reshape(-1, 3))


def turned(triangles: NDArray[np.int32]) -> set[tuple[int, ...]]:
    """Returns triangles as tuples that begin with the smallest index."""
    first = np.argmin(triangles, axis=1)[:, None]
    return {tuple(one) for one in np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1).tolist()}


def expected(
    depth: NDArray[np.float32], seen_by: Camera, tear: float, island: float = 0.0, *, has_sharp_steps: bool = True
) -> tuple[NDArray[np.float32], set[tuple[int, ...]]]:
    """Returns vertices in Blender's axes and the triangles of the grid mesh."""
    pixels = np.zeros((*depth.shape, 3), np.uint8)
    grid = build_grid(depth, seen_by, pixels, tear, island, None, 0, has_sharp_steps).mesh(seen_by)
    return grid.vertices[:, [0, 2, 1]] * np.array([1, 1, -1], np.float32), turned(grid.triangles)


def check_equal(owner: Any, vertices: NDArray[np.float32], triangles: set[tuple[int, ...]]) -> None:
    found = places(shown(owner))
    assert len(found) == len(vertices)
    assert (np.abs(found - vertices).max(axis=1) / vertices[:, 1]).max() < PRECISION
    assert faces(shown(owner)) == triangles


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("tear", "edge_aware", "island"), [(0.04, True, 0.0), (0.1, False, 0.0), (0.0, True, 0.0), (0.04, True, 1.0)]
)
def test_the_surface_is_the_grid_mesh(tear: float, edge_aware: bool, island: float, tmp_path: Path) -> None:
    seen_by = made.camera(400, 300, (0.07, -0.11), 1.2)
    owner = of_nodes(tmp_path, stepped(), seen_by, tear=tear, edge_aware=edge_aware, min_island=island).mesh
    wanted = expected(stepped(), seen_by, tear, island / 100.0, has_sharp_steps=edge_aware)
    assert tear == 0.0 or len(wanted[1]) < 2 * (ROWS - 1) * (COLUMNS - 1)
    check_equal(owner, *wanted)
    assert not shown(owner).validate(verbose=True)


@pytest.mark.smoke
def test_photo_colours_and_material_are_those_of_the_mesh(tmp_path: Path) -> None:
    seen_by = made.camera(400, 300)
    result = made.reconstruction(tmp_path, seen_by, ROWS, COLUMNS, near=1.0, far=4.0, min_island=0.0, tear=0.0)
    mesh = shown(scene.build(result, bpy.context.scene).mesh)
    settings = dataclasses.replace(result.settings, build_as="nodes")
    nodes = shown(scene.build(dataclasses.replace(result, settings=settings), bpy.context.scene).mesh)
    uv, colours = [], []
    for data in (mesh, nodes):
        coordinates = np.empty((len(data.loops), 2), np.float32)
        data.uv_layers["UVMap"].uv.foreach_get("vector", coordinates.reshape(-1))
        corners = np.empty(len(data.loops), np.int32)
        data.loops.foreach_get("vertex_index", corners)
        of_vertex = np.empty((len(data.vertices), 2), np.float32)
        of_vertex[corners] = coordinates
        uv.append(of_vertex)
        values = np.empty((len(data.vertices), 4), np.float32)
        data.color_attributes["Color"].data.foreach_get("color_srgb", values.reshape(-1))
        colours.append(values)
    assert np.abs(uv[0] - uv[1]).max() < 1e-6
    assert np.array_equal(colours[0], colours[1])
    assert [len(data.materials) for data in (mesh, nodes)] == [1, 1]
    assert all(polygon.use_smooth for polygon in nodes.polygons)


def test_what_has_no_depth_is_cut_out(tmp_path: Path) -> None:
    depth = stepped()
    depth[5:20, 40:50] = np.nan
    owner = of_nodes(tmp_path, depth, made.camera(400, 300), tear=0.0).mesh
    assert len(places(shown(owner))) == ROWS * COLUMNS - 150


@pytest.mark.smoke
def test_distances_follow_the_inputs_as_reshaping_does(tmp_path: Path) -> None:
    seen_by = made.camera(400, 300)
    disparity = np.linspace(0.0, 1.0, ROWS * COLUMNS, dtype=np.float32).reshape(ROWS, COLUMNS)
    owner = of_nodes(tmp_path, to_depth(disparity, 1.0, 4.0), seen_by, tear=0.0).mesh
    inputs(owner, Near=0.5, Far=20.0)
    check = expected(to_depth(disparity, 0.5, 20.0), seen_by, 0.0)
    found = places(shown(owner))
    assert (np.abs(found - check[0]).max(axis=1) / check[0][:, 1]).max() < 1e-5
    inputs(owner, Near=1.0, Far=4.0, Strength=0.0)
    assert np.allclose(places(shown(owner))[:, 1], 2.0, rtol=1e-6), "flat at the middle distance"
    flat = places(shown(owner))
    inputs(owner, Strength=2.0)
    deep = places(shown(owner))
    assert np.allclose(deep[:, 1], to_depth(disparity, 0.5, 8.0).ravel(), rtol=1e-5)
    assert np.allclose(deep[:, [0, 2]] / deep[:, [1]], flat[:, [0, 2]] / flat[:, [1]], atol=1e-6), "along the rays"


def test_depth_strength_is_an_input_and_made_for_it_changes_nothing(tmp_path: Path) -> None:
    depth, seen_by = made.depth_map(ROWS, COLUMNS, 0), made.camera(400, 300)
    owner = of_nodes(tmp_path, depth, seen_by, tear=0.0, depth_strength=2.0).mesh
    assert modifiers.get(as_nodes.modifier_of(owner), "Strength") == 2.0
    wanted = expected(depth, seen_by, 0.0)[0]
    found = places(shown(owner))
    assert (np.abs(found - wanted).max(axis=1) / wanted[:, 1]).max() < 1e-5


def test_groups_of_the_version_with_another_strength_are_left_alone(tmp_path: Path) -> None:
    groups: Any = bpy.data.node_groups
    for name in ("Mono3D Depth", "Mono3D Distances"):
        groups.new(name, "GeometryNodeTree")[names.NODES] = f"{name} 1"
    owner = of_nodes(tmp_path, made.depth_map(ROWS, COLUMNS, 0), made.camera(400, 300), tear=0.0).mesh
    inputs(owner, Strength=0.0)
    assert np.allclose(places(shown(owner))[:, 1], 2.0, rtol=1e-6)


def test_cut_outs(tmp_path: Path) -> None:
    depth = stepped()
    owner = of_nodes(tmp_path, depth, made.camera(400, 300), tear=0.0).mesh
    inputs(owner, Cut_nearer=1.5, Cut_farther=3.0)
    left = places(shown(owner))[:, 1]
    assert left.min() >= 1.5 and left.max() <= 3.0 and 0.5 < len(left) / ((depth >= 1.5) & (depth <= 3.0)).sum() <= 1
    inputs(owner, Cut_nearer=0.0, Cut_farther=0.0, Crop_left=25.0, Crop_bottom=50.0)
    assert len(places(shown(owner))) == (ROWS // 2) * (3 * COLUMNS // 4)
    inputs(owner, Crop_left=0.0, Crop_bottom=0.0)
    mask = bpy.data.images.new("mask", 4, 2)
    mask.pixels.foreach_set(np.repeat(np.array([[0, 0, 1, 1], [1, 1, 1, 1]], np.float32).ravel(), 4))
    inputs(owner, Mask=mask)
    assert len(places(shown(owner))) == ROWS * COLUMNS - (ROWS // 2) * (COLUMNS // 2)
    inputs(owner, Mask=None, Detail=32)
    assert len(places(shown(owner))) == 32 * 24


@pytest.mark.smoke
def test_a_thick_surface_is_closed(tmp_path: Path) -> None:
    import bmesh

    owner = of_nodes(tmp_path, made.depth_map(ROWS, COLUMNS, 0), made.camera(400, 300), tear=0.0).mesh
    before = places(shown(owner))
    inputs(owner, Thickness=0.25)
    data = shown(owner)
    after = places(data)
    assert len(after) == 2 * len(before)
    body = bmesh.new()
    body.from_mesh(data)
    assert all(edge.is_manifold for edge in body.edges) and body.calc_volume(signed=True) > 0
    body.free()
    distance = np.linalg.norm(before, axis=1)
    assert np.allclose(np.sort(np.linalg.norm(after, axis=1)), np.sort([*distance, *(distance + 0.25)]), atol=1e-5)


@pytest.mark.smoke
def test_keyframes_on_inputs_animate_the_surface(tmp_path: Path) -> None:
    owner = of_nodes(tmp_path, made.depth_map(ROWS, COLUMNS, 0), made.camera(400, 300), tear=0.0).mesh
    modifier = as_nodes.modifier_of(owner)
    for when, strength in ((1, 0.0), (11, 1.0)):
        modifiers.put(modifier, "Strength", strength)
        assert modifiers.keyframe(modifier, "Strength", when)
    seen = {}
    for when in (1, 6, 11):
        bpy.context.scene.frame_set(when)
        seen[when] = places(shown(owner))[:, 1]
    assert np.allclose(seen[1], 2.0) and np.allclose(seen[11], made.depth_map(ROWS, COLUMNS, 0).ravel(), rtol=1e-6)
    assert 0.0 == np.ptp(seen[1]) < np.ptp(seen[6]) < np.ptp(seen[11])


@pytest.mark.smoke
def test_a_saved_object_is_the_same_and_can_be_appended(tmp_path: Path) -> None:
    file = tmp_path / "nodes.blend"
    depth = stepped() + np.float32(1e-7)
    owner = of_nodes(tmp_path, depth, made.camera(400, 300)).mesh
    other = of_nodes(tmp_path, depth, made.camera(400, 300)).mesh
    groups = [as_nodes.modifier_of(one).node_group for one in (owner, other)]
    assert groups[0] == groups[1] and len([one for one in bpy.data.node_groups if one.is_modifier]) == 1
    name, wanted = owner.name, places(shown(owner))
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    bpy.ops.wm.open_mainfile(filepath=str(file))
    assert np.array_equal(places(shown(bpy.data.objects[name])), wanted), "depth is stored exactly"
    image = modifiers.get(as_nodes.modifier_of(bpy.data.objects[name]), "Depth image")
    assert image.packed_file and image.is_float and image.colorspace_settings.name == "Non-Color"
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(file), link=False) as (_, into):
        into.objects = [name]
    appended = bpy.data.objects[name]
    bpy.context.scene.collection.objects.link(appended)
    assert np.array_equal(places(shown(appended)), wanted)


def test_a_levelled_scene_stands_on_the_floor(tmp_path: Path) -> None:
    result = made.reconstruction(
        tmp_path, made.camera(400, 300, (0.3, -0.2)), 12, 16, near=1.0, far=4.0, tear=0.0, min_island=0.0
    )
    result = dataclasses.replace(result, camera=dataclasses.replace(result.camera, pitch=-0.4, roll=0.2, elevation=1.7))
    mesh = places(shown(scene.build(result, bpy.context.scene).mesh))
    settings = dataclasses.replace(result.settings, build_as="nodes")
    nodes = places(shown(scene.build(dataclasses.replace(result, settings=settings), bpy.context.scene).mesh))
    assert np.abs(mesh - nodes).max() < 3e-6


def with_background(result: Reconstruction) -> Reconstruction:
    """Returns a result with a sheet behind it that has a texture of its own."""
    behind = dataclasses.replace(result.mesh, vertices=result.mesh.vertices * np.float32(1.5))
    return dataclasses.replace(result, background=behind, background_texture=result.texture)


def test_the_background_moves_along(tmp_path: Path) -> None:
    result = made.reconstruction(
        tmp_path, made.camera(400, 300), 12, 16, near=1.0, far=4.0, tear=0.0, min_island=0.0, build_as="nodes"
    )
    owner = scene.build(with_background(result), bpy.context.scene).mesh
    data = shown(owner)
    assert len(data.vertices) == 2 * 12 * 16 and [one.name for one in data.materials] == ["made", "made behind"]
    behind = np.array([polygon.material_index for polygon in data.polygons])
    assert (behind == 0).sum() == (behind == 1).sum() == 2 * 11 * 15
    inputs(owner, Strength=0.0)
    assert np.allclose(places(shown(owner))[:, 1], 2.0, rtol=1e-6)


def test_a_render_shows_the_photo(tmp_path: Path) -> None:
    rows, columns = 48, 64
    pixels = np.zeros((rows, columns, 3), np.uint8)
    pixels[:, : columns // 2] = (200, 60, 30)
    pixels[:, columns // 2 :] = (20, 90, 180)
    result = made.reconstruction(
        tmp_path, made.camera(columns, rows), rows, columns, pixels, near=1.0, far=4.0, tear=0.0, build_as="nodes"
    )
    headless.write(result, tmp_path / "nodes.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "nodes.blend"))
    render = bpy.context.scene.render
    render.engine, render.filepath = "CYCLES", str(tmp_path / "render.png")
    bpy.context.scene.cycles.samples = 4
    bpy.context.scene.cycles.use_denoising = False
    bpy.ops.render.render(write_still=True)
    seen = made.read_picture(tmp_path / "render.png")
    inside = np.s_[4:-4, [*range(4, 28), *range(36, 60)]]
    assert np.abs(seen[inside] - (pixels / np.float32(255))[inside]).max() < 3 / 255


def test_the_object_tells_what_it_is(tmp_path: Path) -> None:
    owner = of_nodes(tmp_path, stepped(), made.camera(400, 300)).mesh
    assert as_nodes.is_one(owner) and names.is_ours(owner)
    owner.modifiers.clear()
    assert as_nodes.modifier_of(owner) is None


def test_a_material_of_its_own_stays_that_of_the_nodes(tmp_path: Path) -> None:
    owner = of_nodes(tmp_path, stepped(), made.camera(400, 300)).mesh
    first = owner.data.materials[0]
    assert material.own(owner.material_slots[0]) == first, "only this object uses it"
    bpy.data.objects.new("other", bpy.data.meshes.new("other")).data.materials.append(first)
    copy = material.own(owner.material_slots[0])
    assert copy != first and owner.data.materials[0] == copy
    assert modifiers.get(as_nodes.modifier_of(owner), "Material") == copy
