# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results go: where the scene is free, at the 3D cursor, or in the place of another one, with exact cameras."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import build as build_module
from mono3d_addon.blender.scene import camera as camera_module
from mono3d_addon.blender.scene import placing
from tests.blender import made
from tests.blender.made import bpy

mathutils: Any = importlib.import_module("mathutils")

scene: Any = build_module
camera: Any = camera_module

pytestmark = pytest.mark.usefixtures("empty_file")


def result(folder: Path, **settings: Any) -> Any:
    return made.reconstruction(folder, made.camera(40, 30, (0.05, -0.1)), 6, 8, **settings)


def put(folder: Path) -> tuple[Any, bool]:
    """Builds a result and puts it where the scene is free; returns its objects and whether it was moved."""
    made_one = result(folder)
    built = scene.build(made_one, bpy.context.scene)
    return built, placing.put_beside(built, bpy.context.view_layer, made_one)


def cube(size: float, place: tuple[float, float, float] = (0.0, 0.0, 0.0), height: float = 1.0) -> Any:
    bpy.ops.mesh.primitive_cube_add(size=size, location=place, scale=(1.0, 1.0, height))
    return bpy.context.object


def box(owner: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest and highest corner of an object and its camera in the world."""
    bpy.context.view_layer.update()
    corners = np.array([owner.matrix_world @ mathutils.Vector(corner) for corner in owner.bound_box])
    eyes = [np.array(child.matrix_world.translation) for child in owner.children]
    return np.vstack([corners, *eyes]).min(axis=0), np.vstack([corners, *eyes]).max(axis=0)


def are_apart(one: Any, other: Any) -> bool:
    (low, high), (least, most) = box(one), box(other)
    return bool((high <= least).any() or (most <= low).any())


def error_of_the_match(owner: Any, eye: Any) -> float:
    """Returns the largest difference of a vertex's place in the camera's picture from its UV."""
    target = bpy.context.scene
    camera.use(target, eye)
    bpy.context.view_layer.update()
    view = importlib.import_module("bpy_extras.object_utils").world_to_camera_view
    uv = {
        loop.vertex_index: owner.data.uv_layers[0].uv[number].vector[:] for number, loop in enumerate(owner.data.loops)
    }
    vertices = owner.data.vertices
    return max(
        abs(value - wanted)
        for number, place in uv.items()
        for value, wanted in zip(view(target, eye, owner.matrix_world @ vertices[number].co)[:2], place, strict=True)
    )


@pytest.mark.smoke
def test_a_free_origin_is_taken_and_further_results_stand_in_a_row(tmp_path: Path) -> None:
    first, is_moved = put(tmp_path)
    assert not is_moved and first.mesh.location[:] == (0.0, 0.0, 0.0)
    row = [first.mesh, *(put(tmp_path)[0].mesh for _ in range(3))]
    for number, one in enumerate(row):
        assert all(are_apart(one, other) for other in row[:number])
        assert one.location[1:] == (0.0, 0.0), "a row goes to the right"
        assert error_of_the_match(one, one.children[0]) < 1e-5
    gaps = [box(right)[0][0] - box(left)[1][0] for left, right in itertools.pairwise(row)]
    width = np.subtract(*reversed(box(first.mesh)))[0]
    assert all(0.09 * width < gap < 0.12 * width for gap in gaps), gaps


def test_a_result_goes_back_to_where_one_was_deleted(tmp_path: Path) -> None:
    first, second = put(tmp_path)[0], put(tmp_path)[0]
    place = second.mesh.location.x
    third = put(tmp_path)[0]
    for one in (second.mesh, second.camera):
        bpy.data.objects.remove(one)
    assert put(tmp_path)[0].mesh.location.x == pytest.approx(place)
    assert place < third.mesh.location.x and first.mesh.location.x == 0.0


def test_the_users_things_are_neither_hidden_nor_met(tmp_path: Path) -> None:
    users = cube(2.0)
    built, is_moved = put(tmp_path)
    assert is_moved and are_apart(built.mesh, users)
    assert not users.hide_get() and not users.hide_render and users.location[:] == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("case", "is_moved"),
    [("hidden", False), ("hidden in views only", True), ("behind", False), ("ground", False), ("copy", True)],
)
def test_what_is_in_the_way(case: str, is_moved: bool, tmp_path: Path) -> None:
    if case == "ground":
        cube(1000.0, height=1e-4)
    elif case == "behind":
        cube(2.0, (0.0, 100.0, 0.0))
    else:
        users = cube(2.0, (0.0, 2.0, 0.0))
        if case == "copy":
            kept = bpy.data.collections.new("kept")
            kept.objects.link(users)
            kept.instance_offset = (0.0, 50.0, 0.0)
            users.location.y = 52.0
            bpy.context.scene.collection.objects.unlink(users)
            copy = bpy.data.objects.new("copy", None)
            copy.instance_type, copy.instance_collection = "COLLECTION", kept
            bpy.context.scene.collection.objects.link(copy)
        else:
            users.hide_set(True)
            users.hide_render = case == "hidden"
    assert put(tmp_path)[1] == is_moved


def test_a_result_is_put_at_the_cursor(tmp_path: Path) -> None:
    target = bpy.context.scene
    target.cursor.location = (3.0, -2.0, 1.0)
    built = scene.build(result(tmp_path), target)
    placing.put_at_cursor(built, target)
    assert built.camera.matrix_world.translation[:] == pytest.approx((3.0, -2.0, 1.0))
    assert error_of_the_match(built.mesh, built.camera) < 1e-5


@pytest.mark.smoke
def test_a_result_takes_the_place_of_another_one(tmp_path: Path) -> None:
    target = bpy.context.scene
    old = scene.build(result(tmp_path, near=1.0, far=4.0), target)
    mesh, eye = old.mesh, old.camera
    mesh.location, mesh.rotation_euler = (1.0, 2.0, 3.0), (0.1, 0.2, 0.3)
    mesh.modifiers.new("mine", "SUBSURF").show_viewport = False
    mesh[names.KNOWN] = "{}"
    child = bpy.data.objects.new("child", None)
    target.collection.objects.link(child)
    child.parent = mesh
    new = made.reconstruction(tmp_path, made.camera(50, 40), 7, 9, seed=1, near=0.5, far=4.0)
    built = scene.build(new, target)
    placing.put_in_place_of(built, mesh, target, new)
    assert [one.name for one in bpy.data.objects] == ["child", "made", "made camera"]
    assert len(bpy.data.meshes) == len(bpy.data.cameras) == 1 and len(bpy.data.collections) == 1
    assert len(mesh.data.vertices) == 63 and scene.stored_settings(mesh).near == 0.5
    assert mesh.location[:] == (1.0, 2.0, 3.0) and "mine" in mesh.modifiers and child.parent == mesh
    assert names.KNOWN not in mesh and eye.parent == mesh
    assert eye.data.background_images[0].image == mesh[names.IMAGE] != None  # noqa: E711
    assert error_of_the_match(mesh, eye) < 1e-5


def test_a_lost_camera_comes_with_the_result_that_takes_the_place(tmp_path: Path) -> None:
    target = bpy.context.scene
    old = scene.build(result(tmp_path), target)
    bpy.data.objects.remove(old.camera)
    new = result(tmp_path)
    left = placing.put_in_place_of(scene.build(new, target), old.mesh, target, new)
    assert (
        left.mesh == old.mesh and left.camera.parent == old.mesh and left.camera.users_collection[0] == old.collection
    )
    assert error_of_the_match(left.mesh, left.camera) < 1e-5


def test_only_results_of_this_file_can_be_replaced(tmp_path: Path) -> None:
    built = scene.build(result(tmp_path), bpy.context.scene)
    new = scene.build(result(tmp_path), bpy.context.scene)
    assert placing.can_be_replaced(built.mesh, new)
    assert not any(placing.can_be_replaced(one, new) for one in (None, built.camera, cube(1.0)))
    new.mesh[names.NODES] = "nodes"
    assert not placing.can_be_replaced(built.mesh, new)


@pytest.mark.parametrize(("scale", "system"), [(0.01, "METRIC"), (0.001, "METRIC"), (2.0, "IMPERIAL"), (0.01, "NONE")])
def test_a_result_has_its_true_size_in_the_units_of_the_scene(scale: float, system: str, tmp_path: Path) -> None:
    target = bpy.context.scene
    target.unit_settings.system, target.unit_settings.scale_length = system, scale
    built, wanted = scene.build(result(tmp_path), target), result(tmp_path).mesh.vertices
    bpy.context.view_layer.update()
    shown = scale if system != "NONE" else 1.0
    assert np.array(built.mesh.dimensions) * shown == pytest.approx(np.ptp(wanted, axis=0)[[0, 2, 1]], rel=1e-4)
    depths = wanted[:, 2]
    eye = built.camera.data
    assert eye.clip_start * shown == pytest.approx(0.1 * depths.min(), rel=1e-4)
    assert eye.clip_end * shown == pytest.approx(10.0 * depths.max(), rel=1e-4)
    assert error_of_the_match(built.mesh, built.camera) < 1e-5
    assert put(tmp_path)[1], "the first one is in the way"


def test_a_result_goes_into_the_collection_that_is_given(tmp_path: Path) -> None:
    mine = bpy.data.collections.new("mine")
    bpy.context.scene.collection.children.link(mine)
    built = scene.build(result(tmp_path), bpy.context.scene, into=mine)
    assert list(bpy.data.collections) == [mine] and set(mine.objects) == {built.mesh, built.camera}


@pytest.mark.smoke
@pytest.mark.parametrize("case", ["deleted", "copied", "appended"])
def test_a_camera_is_made_again_from_what_the_mesh_stores(case: str, tmp_path: Path) -> None:
    built = scene.build(result(tmp_path), bpy.context.scene)
    lens = built.camera.data.lens
    if case == "deleted":
        bpy.data.objects.remove(built.camera)
        owner = built.mesh
    elif case == "copied":
        owner = built.mesh.copy()
        owner.location.x = 7.0
        bpy.context.scene.collection.objects.link(owner)
    else:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        with bpy.data.libraries.load(str(tmp_path / "a.blend")) as (_, appended):
            appended.objects = ["made"]
        owner = bpy.data.objects["made"]
        bpy.context.scene.collection.objects.link(owner)
        assert not owner.children
    bpy.context.view_layer.update()
    eye = camera.make_again(owner)
    assert (
        eye.parent == owner
        and eye.data.lens == pytest.approx(lens)
        and eye.users_collection[0] in owner.users_collection[:]
    )
    assert eye.data.background_images[0].image == owner[names.IMAGE]
    assert error_of_the_match(owner, eye) < 1e-5
