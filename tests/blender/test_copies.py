# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a mesh, made in each of Blender's ways: changing one leaves the others as they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.blender import names
from mono3d_addon.blender.scene import material, reshaped
from tests.blender.made import bpy
from tests.blender.worked import PYTHON, vertices

pytestmark = [
    pytest.mark.usefixtures("registered"),
    pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages"),
]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _picture(image: Any) -> Any:
    return image and (image.name, _digest(image.packed_file.data))


def look_of(owner: Any) -> dict[str, Any]:
    """Returns what an object shows: mesh, materials with their images, photo with its depth, settings, camera."""
    slots = [slot.material for slot in owner.material_slots]
    photo = owner[names.IMAGE]
    eye: Any = reshaped.camera_of(owner)
    return {
        "mesh": _digest(vertices(owner).tobytes()),
        "slots": [(one.name, _picture(material.image_of(one))) for one in slots],
        "nodes": [repr(material.description(one.node_tree)) for one in slots],
        "photo": (_picture(photo), {key: _digest(str(value).encode()) for key, value in photo.items()}),
        "settings": reshaped.stored_settings(owner),
        "camera": json.loads(owner[names.CAMERA]),
        "eye": eye and (eye.data.name, eye.data.lens, eye.data.clip_start, eye.matrix_world.copy()),
    }


def activate(owner: Any) -> None:
    """Makes an object the only one that is selected, in a scene that shows it."""
    target = next(one for one in bpy.data.scenes if owner.name in one.objects)
    bpy.context.window.scene = target
    for other in bpy.context.view_layer.objects:
        other.select_set(other == owner)
    bpy.context.view_layer.objects.active = owner


def _with_camera(owner: Any) -> None:
    activate(owner)
    eye = reshaped.camera_of(owner)
    assert eye is not None
    eye.select_set(True)


def _new_object(before: set[Any]) -> Any:
    (made,) = (one for one in set(bpy.data.objects) - before if one.type == "MESH")
    return made


def duplicated(owner: Any, folder: Path) -> Any:
    """Shift D."""
    before = set(bpy.data.objects)
    activate(owner)
    bpy.ops.object.duplicate()
    return _new_object(before)


def duplicated_with_camera(owner: Any, folder: Path) -> Any:
    """Shift D of mesh and camera."""
    before = set(bpy.data.objects)
    _with_camera(owner)
    bpy.ops.object.duplicate()
    return _new_object(before)


def made_single(owner: Any, folder: Path) -> Any:
    """Alt D of mesh and camera, then Object > Relations > Make Single User > Object & Data: the camera's stays one."""
    before = set(bpy.data.objects)
    _with_camera(owner)
    bpy.ops.object.duplicate(linked=True)
    twin = _new_object(before)
    twin.data = twin.data.copy()
    return twin


def in_another_scene(owner: Any, folder: Path) -> Any:
    """Scene > New > Full Copy."""
    before = set(bpy.data.objects)
    bpy.ops.scene.new(type="FULL_COPY")
    return _new_object(before)


def copied_by_a_script(owner: Any, folder: Path) -> Any:
    """The Python API, with material slots linked to the object."""
    twin = owner.copy()
    twin.data = owner.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    for slot, other in zip(twin.material_slots, owner.material_slots, strict=True):
        slot.link = "OBJECT"
        slot.material = other.material
    return twin


def appended(owner: Any, folder: Path) -> Any:
    """File > Append of the same file's object, saved before."""
    before, file = set(bpy.data.objects), folder / "cup.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), copy=True)
    with bpy.data.libraries.load(str(file)) as (_, wanted):
        wanted.objects = [owner.name]
    twin = _new_object(before)
    bpy.context.scene.collection.objects.link(twin)
    return twin


WAYS = [
    pytest.param(duplicated, marks=pytest.mark.smoke),
    pytest.param(duplicated_with_camera, marks=pytest.mark.thorough),
    made_single,
    pytest.param(in_another_scene, marks=pytest.mark.thorough),
    pytest.param(copied_by_a_script, marks=pytest.mark.thorough),
    appended,
]
CHANGES: dict[str, dict[str, Any]] = {
    "fill": {"near": 0.5, "far": 9.0, "edges": "fill"},
    "look": {"shading": "principled"},
    "normals": {"normal_map": True},
}


@pytest.mark.parametrize("way", WAYS)
def test_changing_a_copy_or_the_original_leaves_the_other(way: Any, cup: Any, tmp_path: Path) -> None:
    activate(cup)
    bpy.ops.mono3d.reshape(edges="fill")
    twin = way(cup, tmp_path)
    assert len(twin.material_slots) == 2
    for one, other in ((twin, cup), (cup, twin)):
        for words, change in CHANGES.items():
            before = look_of(other)
            activate(one)
            assert bpy.ops.mono3d.reshape(**change) == {"FINISHED"}
            assert look_of(other) == before, f"{words} of {one.name} changed {other.name}"
            mine = look_of(one)
            assert mine["settings"] != before["settings"] or one == cup
    assert look_of(cup)["mesh"] == look_of(twin)["mesh"], "the same changes, the same mesh"
    users = [material.image_of(slot.material) for one in (cup, twin) for slot in one.material_slots]
    assert len(users) == 4 and users[1] != users[3]


def test_a_linked_duplicate_is_the_same_mesh_and_follows(cup: Any, tmp_path: Path) -> None:
    activate(cup)
    bpy.ops.mono3d.reshape(edges="fill")
    apart = duplicated(cup, tmp_path)
    kept = look_of(apart)
    activate(cup)
    bpy.ops.object.duplicate(linked=True)
    twin = bpy.context.active_object
    assert twin.data == cup.data
    bpy.ops.mono3d.reshape(near=0.5, shading="principled")
    shown, original = look_of(twin), look_of(cup)
    shared = ("mesh", "slots", "nodes", "settings", "camera")
    assert {key: shown[key] for key in shared} == {key: original[key] for key in shared}
    assert look_of(apart) == kept and reshaped.stored_settings(cup).shading == "principled"
    output = cup.material_slots[1].material.node_tree.get_output_node("ALL")
    assert output.inputs["Surface"].links[0].from_node.type == "BSDF_PRINCIPLED"


def test_a_changed_material_is_copied_with_its_changes(cup: Any, tmp_path: Path) -> None:
    """Own work on a material that copies share is on both."""
    activate(cup)
    bpy.ops.mono3d.reshape(edges="fill")
    shared = cup.material_slots[1].material
    shared.node_tree.nodes["Emission"].inputs["Strength"].default_value = 2.0
    twin = duplicated(cup, tmp_path)
    bpy.ops.mono3d.reshape(near=0.5)
    assert cup.material_slots[1].material == shared != twin.material_slots[1].material
    for owner in (cup, twin):
        nodes = owner.material_slots[1].material.node_tree.nodes
        assert nodes["Emission"].inputs["Strength"].default_value == 2.0


def test_nothing_is_copied_where_nothing_is_shared(cup: Any) -> None:
    activate(cup)
    bpy.ops.mono3d.reshape(edges="fill")
    counts = [len(one) for one in (bpy.data.materials, bpy.data.images, bpy.data.meshes, bpy.data.cameras)]
    for near in (0.5, 0.6, 0.7):
        bpy.ops.mono3d.reshape(near=near)
    assert [len(one) for one in (bpy.data.materials, bpy.data.images, bpy.data.meshes, bpy.data.cameras)] == counts
