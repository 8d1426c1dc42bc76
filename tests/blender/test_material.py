# SPDX-License-Identifier: GPL-3.0-or-later
"""The material of an existing object, changed at once by its settings."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender import interface, material_panel, names, reshape_operators, state
from mono3d_addon.blender.scene import build as scene
from mono3d_addon.blender.scene import hand_made, images, material, reshaped
from mono3d_addon.core import reconstruction
from mono3d_addon.settings import Settings
from mono3d_addon.worker.client import Worker
from tests.blender import drawn, stand_in
from tests.blender.made import bpy
from tests.blender.worked import PYTHON, SMALL, sliders, vertices

pytestmark = [
    pytest.mark.usefixtures("registered"),
    pytest.mark.skipif(not PYTHON, reason="MONO3D_TEST_WORKER names no Python with the worker's packages"),
]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that the worker is sent."""
    asked: list[Any] = []
    submit = Worker.submit

    def watched(self: Any, request: dict[str, Any]) -> Any:
        asked.append(request)
        return submit(self, request)

    monkeypatch.setattr(Worker, "submit", watched)
    return asked


@pytest.fixture
def filled(cup: Any) -> Any:
    """The mesh with a filled background, so with two materials."""
    bpy.ops.mono3d.reshape(edges="fill")
    assert len(cup.material_slots) == 2
    return cup


def surface(owner: Any, slot: int = 0) -> Any:
    """Returns the shader that renders."""
    node = owner.material_slots[slot].material.node_tree.get_output_node("ALL").inputs["Surface"].links[0].from_node
    return node.inputs[2].links[0].from_node if node.type == "MIX_SHADER" else node


def photo_of(owner: Any, slot: int = 0) -> Any:
    """Returns the image that a material shows."""
    return material.image_of(owner.material_slots[slot].material)


def source_of(socket: Any) -> Any:
    return socket.links[0].from_node


def said() -> str:
    """Returns the messages in the panel."""
    return " ".join(state.current.messages)


@pytest.fixture
def pushed(cup: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The undo steps that are pushed."""
    steps: list[str] = []
    push = interface.push_undo

    def watched(words: str) -> None:
        steps.append(words)
        push(words)

    monkeypatch.setattr(interface, "push_undo", watched)
    return steps


@pytest.mark.smoke
def test_shading_and_colours_change_at_once_and_both_ways(filled: Any, jobs: list[Any], pushed: list[str]) -> None:
    before = [material.description(slot.material.node_tree) for slot in filled.material_slots]
    shown = [photo_of(filled, slot) for slot in (0, 1)]
    data, kept = [slot.material for slot in filled.material_slots], vertices(filled)
    jobs.clear()
    pushed.clear()
    sliders().shading = "principled"
    assert [surface(filled, slot).type for slot in (0, 1)] == ["BSDF_PRINCIPLED"] * 2
    assert reshaped.stored_settings(filled).shading == sliders().shading == "principled"
    sliders().material = "vertex_colours"
    assert [source_of(surface(filled, slot).inputs["Base Color"]).type for slot in (0, 1)] == ["VERTEX_COLOR"] * 2
    sliders().material = "texture"
    sliders().shading = "emission"
    assert [material.description(slot.material.node_tree) for slot in filled.material_slots] == before
    assert [photo_of(filled, slot) for slot in (0, 1)] == shown
    assert [slot.material for slot in filled.material_slots] == data and np.array_equal(vertices(filled), kept)
    assert pushed == ["Material"] * 4 and not jobs, "one undo step each, without the worker"


def test_undo_takes_a_change_of_the_material_back_and_redo_brings_it_again(cup: Any) -> None:
    name = cup.name
    bpy.ops.ed.undo_push(message="Start")
    sliders().shading = "principled"

    def now() -> tuple[str, str]:
        owner = bpy.data.objects[name]
        bpy.context.view_layer.objects.active = owner
        return surface(owner).type, sliders().shading

    assert now() == ("BSDF_PRINCIPLED", "principled")
    bpy.ops.ed.undo()
    assert now() == ("EMISSION", "emission")
    bpy.ops.ed.redo()
    assert now() == ("BSDF_PRINCIPLED", "principled")


def test_the_operator_changes_shape_and_material_together(cup: Any) -> None:
    assert bpy.ops.mono3d.reshape(shading="principled", near=0.5) == {"FINISHED"}
    assert reshaped.stored_settings(cup) == dataclasses.replace(SMALL, shading="principled", near=0.5)
    assert surface(cup).type == "BSDF_PRINCIPLED" and vertices(cup)[:, 1].min() < 0.6
    with pytest.raises(RuntimeError, match="Far"):
        bpy.ops.mono3d.reshape(shading="emission", near=50.0)
    assert surface(cup).type == "BSDF_PRINCIPLED", "all or nothing"


def test_alone_it_is_an_undo_step_of_the_operator_too(cup: Any) -> None:
    operator = stand_in.followed(reshape_operators.MONO3D_OT_reshape)
    operator._uid, operator._under_way = cup.session_uid, None
    assert operator.has_changed()


@pytest.mark.smoke
def test_the_normal_map_comes_and_goes(cup: Any, reconstructed: Path) -> None:
    bpy.ops.mono3d.reshape(shading="principled", target_triangles=600)
    count = len(bpy.data.images)
    sliders().normal_map = True
    bend = source_of(surface(cup).inputs["Normal"])
    relief = source_of(bend.inputs["Color"]).image
    assert bend.type == "NORMAL_MAP" and relief.packed_file and relief.colorspace_settings.name == "Non-Color"
    assert cup.data.has_custom_normals and not hand_made.is_changed(cup)
    assert len(bpy.data.images) == count + 1
    sliders().near = 0.9
    assert len(bpy.data.images) == count + 1, "a new map takes the place of the old one"
    sliders().shading = "emission"
    sliders().shading = "principled"
    assert source_of(surface(cup).inputs["Normal"]).type == "NORMAL_MAP", "it is kept meanwhile"
    sliders().normal_map = False
    assert not surface(cup).inputs["Normal"].is_linked and not cup.data.has_custom_normals
    assert len(bpy.data.images) == count


def test_it_is_what_generating_with_these_settings_makes(cup: Any, reconstructed: Path) -> None:
    made = dataclasses.replace(
        reconstruction.load(reconstructed), settings=dataclasses.replace(SMALL, shading="principled")
    )
    other: Any = scene.build(made, bpy.context.scene).mesh
    sliders().shading = "principled"
    one, two = (owner.material_slots[0].material.node_tree for owner in (cup, other))
    assert material.description(one) == material.description(two)


def change_value(tree: Any) -> None:
    tree.nodes["Lit"].inputs["Roughness"].default_value = 0.3


def change_link(tree: Any) -> None:
    tree.links.remove(tree.nodes["Emission"].outputs[0].links[0])


def add_node(tree: Any) -> None:
    tree.nodes.new("ShaderNodeBrightContrast")


def change_option(tree: Any) -> None:
    tree.nodes["Photo"].interpolation = "Closest"


@pytest.mark.parametrize("change", [change_value, change_link, add_node, change_option])
@pytest.mark.parametrize("slot", [0, pytest.param(1, marks=pytest.mark.thorough)])
def test_own_changes_of_a_material_are_never_overwritten_unasked(
    filled: Any, pushed: list[str], change: Any, slot: int
) -> None:
    mine = filled.material_slots[slot].material
    change(mine.node_tree)
    before = [material.description(one.material.node_tree) for one in filled.material_slots]
    stored = filled[names.SETTINGS]
    pushed.clear()
    for name, value in (("shading", "principled"), ("material", "vertex_colours"), ("normal_map", True)):
        setattr(sliders(), name, value)
        assert "changed by hand" in said() and mine.name in said()
        with pytest.raises(RuntimeError, match="changed by hand"):
            bpy.ops.mono3d.reshape(**{name: value})
    assert [material.description(one.material.node_tree) for one in filled.material_slots] == before
    assert filled[names.SETTINGS] == stored and not pushed
    bpy.ops.mono3d.reshape(near=0.7)
    assert [material.description(one.material.node_tree) for one in filled.material_slots] == before, "by reshaping"
    assert bpy.ops.mono3d.rebuild_material() == {"FINISHED"}
    sliders().shading = "principled"
    assert surface(filled, 0).type == surface(filled, 1).type == "BSDF_PRINCIPLED"


def test_moved_and_coloured_nodes_and_painted_photos_are_no_changes(cup: Any) -> None:
    tree = cup.material_slots[0].material.node_tree
    for node in tree.nodes:
        node.location.x += 50.0
        node.use_custom_color = True
    painted = bpy.data.images.new("painted", 4, 4)
    tree.nodes["Photo"].image = painted
    sliders().shading = "principled"
    assert surface(cup).type == "BSDF_PRINCIPLED"
    assert source_of(surface(cup).inputs["Base Color"]).image == painted, "the user's image stays"


@pytest.mark.parametrize("is_empty", [True, False])
def test_another_material_in_the_first_slot_is_left_and_replaced_when_asked(cup: Any, is_empty: bool) -> None:
    red = bpy.data.materials.new("Red")
    red.use_fake_user = True
    cup.material_slots[0].material = None if is_empty else red
    before = material.description(red.node_tree) if red.node_tree else None
    sliders().shading = "principled"
    assert "Rebuild Material" in said()
    bpy.ops.mono3d.rebuild_material()
    assert material.image_of(cup.material_slots[0].material) == cup[names.IMAGE]
    assert "Red" in bpy.data.materials and (before is None or material.description(red.node_tree) == before)


def test_in_edit_mode_the_material_waits(cup: Any) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    sliders().shading = "principled"
    assert "leave Edit Mode" in said()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert reshaped.stored_settings(cup).shading == "emission"


def test_textures_are_unpacked_beside_the_file_and_packed_again(filled: Any, tmp_path: Path) -> None:
    sliders().pack_texture = False
    assert "save it first" in said()
    assert sliders().pack_texture and filled[names.IMAGE].packed_file
    content = [photo_of(filled, slot).packed_file.data for slot in (0, 1)]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cup.blend"))
    (tmp_path / "cup_coffee_texture.png").write_text("the user's own")
    sliders().pack_texture = False
    assert not sliders().pack_texture
    for slot in (0, 1):
        image = photo_of(filled, slot)
        path = Path(bpy.path.abspath(image.filepath))
        assert not image.packed_file and image.filepath.startswith("//") and path.parent == tmp_path
        assert path.read_bytes() == content[slot] and image.size[0] > 0
    assert (tmp_path / "cup_coffee_texture.png").read_text() == "the user's own"
    bpy.ops.mono3d.reshape(near=0.6)
    behind = photo_of(filled, 1)
    assert not behind.packed_file and Path(bpy.path.abspath(behind.filepath)).parent == tmp_path, "so are new ones"
    sliders().pack_texture = True
    assert [photo_of(filled, slot).packed_file is not None for slot in (0, 1)] == [True, True]
    assert photo_of(filled).packed_file.data == content[0]


def test_meshes_with_the_same_photo_say_the_same_of_its_file(cup: Any, tmp_path: Path) -> None:
    twin = cup.copy()
    twin.data = cup.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cup.blend"))
    sliders().pack_texture = False
    assert not reshaped.stored_settings(twin).pack_texture and not reshaped.stored_settings(cup).pack_texture


def test_painting_on_a_photo_is_what_is_unpacked(cup: Any, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cup.blend"))
    image = cup[names.IMAGE]
    values = np.ones(4 * image.size[0] * image.size[1], np.float32)
    image.pixels.foreach_set(values)
    assert image.is_dirty
    sliders().pack_texture = False
    other = images.load("other", Path(bpy.path.abspath(image.filepath)))
    read = np.empty_like(values)
    other.pixels.foreach_get(read)
    assert (read == 1.0).all()


def test_the_panel_shows_the_settings_that_settings_py_names(cup: Any) -> None:
    drawn.draw(material_panel.MONO3D_PT_active_material, layout := stand_in.Layout())
    fields = {item.name for item in dataclasses.fields(Settings)}
    assert [name for name in layout.shown if name in fields] == ["material", "shading", "normal_map", "pack_texture"]


def test_stored_settings_of_a_material_survive_in_the_file(cup: Any) -> None:
    sliders().shading = "principled"
    assert json.loads(cup[names.SETTINGS])["shading"] == "principled"
