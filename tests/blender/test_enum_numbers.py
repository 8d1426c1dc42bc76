# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

from mono3d_addon.blender import preferences, properties, state
from mono3d_addon.blender.enum_numbers import NUMBERS
from mono3d_addon.blender.preference_values import HABITS
from mono3d_addon.blender.scene import reshaped
from tests import shared_data

pytestmark = pytest.mark.usefixtures("registered")


def scene() -> Any:
    return bpy.context.scene


def test_every_option_has_a_number_of_its_own() -> None:
    items = {name: item.choice.options for name, item in (properties.FIELDS | HABITS).items() if item.choice.options}
    items |= {"backend": tuple(preferences.BACKENDS)}
    for name, options in items.items():
        assert set(NUMBERS[name]) >= set(options), name
        assert len(set(NUMBERS[name].values())) == len(NUMBERS[name]), name
    found = scene().mono3d.bl_rna.properties["model"].enum_items
    assert {item.identifier: item.value for item in found} == NUMBERS["model"]


def stored(owner: Any) -> Any:
    """Returns the values of a scene as its file stores them."""
    if hasattr(owner, "bl_system_properties_get"):
        return owner.bl_system_properties_get(do_create=True)["mono3d"]
    return owner["mono3d"]


def test_a_file_with_numbers_of_an_older_version_opens_with_the_same_model(tmp_path: Path) -> None:
    scene().mono3d.model = "starter"
    stored(scene())["model"] = 4
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert scene().mono3d.model == "dpt_hybrid_384"


@pytest.mark.parametrize("tiles", [False, True])
def test_a_file_with_the_defaults_of_an_older_version_keeps_them(tiles: bool, tmp_path: Path) -> None:
    values = scene().mono3d
    values.near, values.far, values.tiles = 1.0, 6.0, "auto"
    inside = stored(scene())
    inside["sky"] = inside["edges"] = 0
    inside["tiles"] = tiles
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    found = properties.read(scene().mono3d)
    assert (found.near, found.far, found.sky, found.edges) == (1.0, 6.0, "keep", "tear")
    assert found.tiles == ("on" if tiles else "off") and not state.current.messages


def test_values_out_of_bounds_are_put_right_with_a_sentence(tmp_path: Path) -> None:
    values = scene().mono3d
    values.model, values.detail, values.near = "dpt_hybrid_384", 100, 0.5
    inside = stored(scene())
    inside["model"], inside["detail"] = 77, 1_000_000
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    values = scene().mono3d
    assert (values.model, values.detail, values.near) == ("starter", 8192, 0.5)
    text = " ".join(state.current.messages)
    assert "Detail: 1,000,000 px is outside 16 to 8,192 px" in text and "8192 now" in text and "Model" in text
    assert properties.put_right(values) == [] and properties.read(values).near == 0.5


def test_a_word_that_this_version_lacks_resets_no_other_setting() -> None:
    mesh = bpy.data.objects.new("cup", bpy.data.meshes.new("cup"))
    mesh["mono3d_settings"] = '{"near": 0.5, "surface": "nurbs"}'
    assert reshaped.stored_settings(mesh).near == 0.5 and reshaped.stored_settings(mesh).surface == "grid"
    assert "nurbs" in reshaped.stored_problems(mesh)[0]


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="the file was saved by Blender 5")
def test_the_shared_file_of_an_older_version_keeps_its_model() -> None:
    bpy.ops.wm.open_mainfile(filepath=str(shared_data.case("blender/stored_model_older_version.blend")))
    assert scene().mono3d.model == "dpt_hybrid_384"
