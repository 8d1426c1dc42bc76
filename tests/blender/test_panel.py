# SPDX-License-Identifier: GPL-3.0-or-later
"""The order and the length of the sidebar, and what its presets change."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.blender import (
    own_presets,
    panel,
    preferences,
    properties,
    readiness,
    reshape_panel,
    setting_rows,
    state,
)
from mono3d_addon.blender.photos import durations, running
from mono3d_addon.blender.scene import build
from mono3d_addon.core import reconstruction
from mono3d_addon.settings import PRESET_SETTINGS, PRESETS, Settings, fields_of
from tests.blender import drawn, made, stand_in
from tests.blender.made import bpy

FIELDS = {item.name: item for item in fields_of(Settings)}


@pytest.fixture
def values(registered: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The settings of the scene, as if the packages were installed."""
    monkeypatch.setenv("MONO3D_DATA", str(tmp_path / "data"))
    readiness.refresh()
    state.current.offer, state.current.lacking = None, ""
    yield bpy.context.scene.mono3d


@pytest.fixture
def cup(values: Any, tmp_path: Path) -> Any:
    """An active object of Mono3D, and the photo that it was made from."""
    values.photo = "/photos/cup.jpg"
    state.current.photos["/photos/cup.jpg"] = state.PhotoLine(0, ("60 x 40 pixels",), "EXIF")
    reconstruction.save(made.reconstruction(tmp_path, made.camera(60, 40), 8, 12), tmp_path)
    mesh = build.build(reconstruction.load(tmp_path), bpy.context.scene).mesh
    mesh["mono3d_photo"] = values.photo
    bpy.context.view_layer.objects.active = mesh
    return mesh


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_detail_and_effort_and_nothing_else(values: Any, name: str) -> None:
    changed = {"near": 0.5, "far": 4.0, "field_of_view": 65.0, "tear": 5.0, "shading": "principled", "sky": "clamp"}
    chosen = Settings(model="dpt_large_384", surface="adaptive", detail=700, flip=True, **changed)  # type: ignore[arg-type]
    properties.apply(values, chosen)
    assert values.preset == "custom"
    values.preset = name
    assert properties.read(values) == dataclasses.replace(chosen, **PRESETS[name])
    assert values.preset == name


def test_one_preset_undoes_another(values: Any) -> None:
    assert values.preset == "balanced"
    for name in (*PRESETS, *PRESETS):
        values.preset = name
        assert {one: getattr(values, one) for one in PRESET_SETTINGS} == PRESETS[name]
    values.detail += 1
    assert values.preset == "custom"
    values.preset = "custom"
    assert values.detail == PRESETS["best"]["detail"] + 1


def test_a_preset_says_what_it_changes(values: Any) -> None:
    items = values.bl_rna.properties["preset"].enum_items
    assert items["best"].description == ("Set Detail 1920 px, Fine detail on, Mirror average off; nothing else changes")


@pytest.mark.smoke
def test_a_preset_of_the_users_own_keeps_detail_and_effort(
    values: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def user_resource(kind: str, *, path: str = "", create: bool = False) -> str:
        folder = tmp_path / kind / path
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    monkeypatch.setattr(bpy.utils, "user_resource", user_resource)
    # Blender shows the chosen preset as the menu's label.
    monkeypatch.setattr(own_presets.MONO3D_PT_presets, "bl_label", own_presets.MONO3D_PT_presets.bl_label)
    values.detail, values.near = 700, 0.5
    assert bpy.ops.mono3d.add_preset(name="For print") == {"FINISHED"}
    (made_file,) = (tmp_path / "SCRIPTS" / "presets" / "mono3d" / "quality").iterdir()
    assert made_file.name == "For_print.py"
    values.preset, values.near = "fast", 2.0
    menu = own_presets.MONO3D_PT_presets.__name__
    assert bpy.ops.script.execute_preset(filepath=str(made_file), menu_idname=menu) == {"FINISHED"}
    assert values.detail == 700 and values.near == 2.0 and values.preset == "custom"
    text = made_file.read_text("utf-8")
    assert [line.partition(" = ")[0] for line in text.splitlines() if line.startswith("values.")] == [
        f"values.{name}" for name in PRESET_SETTINGS
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_works_without_packages(values: Any, preset: str) -> None:
    values.preset = preset
    assert not properties.read(values).beyond_bare


@pytest.mark.smoke
def test_every_setting_is_shown_once_and_the_advanced_ones_only_in_open_sections(values: Any) -> None:
    values.photo = "/photos/a.jpg"
    always = [name for name, item in FIELDS.items() if item.choice.has_effect(Settings())]
    shown = [name for name in drawn.draw_all().shown if name in FIELDS]
    assert sorted(shown) == sorted(always)
    basic = [name for name in always if FIELDS[name].choice.level == "basic"]
    closed = [name for name in drawn.draw_all(opens_sections=False).shown if name in FIELDS]
    assert closed == basic, "in the order of the settings, the model first"
    for values.surface, values.solid, values.edges in (("poisson", "flat", "fill"), ("ball_pivoting", "off", "fill")):
        shown += [name for name in drawn.draw_all().shown if name in FIELDS]
    assert set(shown) == set(FIELDS), "what depends on another setting is shown with it"


def test_fields_of_a_surface_are_shown_with_that_surface_only(cup: Any) -> None:
    def shown() -> list[str]:
        drawn.draw(reshape_panel.MONO3D_PT_active, layout := stand_in.Layout())
        drawn.draw(reshape_panel.MONO3D_PT_active_more, layout)
        return layout.shown

    of_poisson = {"poisson_depth", "trim_density", "trim_distance", "voxel", "outlier_neighbours", "outlier_deviation"}
    assert not of_poisson & set(shown()) and "solid_size" not in shown() and "tear" in shown()
    cases: tuple[tuple[dict[str, Any], set[str], set[str]], ...] = (
        ({"surface": "poisson"}, of_poisson, {"quads"}),
        ({"surface": "ball_pivoting"}, {"voxel", "outlier_neighbours"}, {"poisson_depth", "trim_distance", "quads"}),
        ({"solid": "flat"}, {"solid_size", "solid_thickness"}, of_poisson),
        ({"edges": "connected"}, {"quads"}, {"tear"}),
    )
    for changes, expected, absent in cases:
        cup["mono3d_settings"] = Settings(**changes).to_json()
        assert expected <= set(shown()) and not absent & set(shown()), changes


def test_the_shape_of_the_active_object_has_the_settings_that_matter(cup: Any) -> None:
    drawn.draw(reshape_panel.MONO3D_PT_active, layout := stand_in.Layout(opens_sections=False))
    shown = [name for name in layout.shown if name in FIELDS]
    assert shown == [
        "near",
        "far",
        "depth_strength",
        "field_of_view",
        "detail",
        "edges",
        "tear",
        "sky",
        "level",
        "surface",
        "solid",
    ]


def test_settings_of_the_next_photo_are_folded_away_while_an_object_is_active(cup: Any) -> None:
    labels = [cls.bl_label for cls in drawn.panels()]
    assert "Settings of the Next Photo" in labels and "Settings" not in labels and "Shape" in labels
    assert len(set(labels)) == len(labels), "no name twice"
    bpy.context.view_layer.objects.active = None
    labels = [cls.bl_label for cls in drawn.panels()]
    assert "Settings" in labels and "Settings of the Next Photo" not in labels and "Shape" not in labels


def test_the_sidebar_is_short(cup: Any) -> None:
    """In rows, before anything is opened."""
    state.current.say("cup: 96 vertices, 154 triangles in 0.1 s.", "Depth: starter, numpy.", "Camera: EXIF.")
    assert drawn.rows() <= 31
    bpy.context.view_layer.objects.active = None
    state.current.say()
    assert drawn.rows() <= 20
    values: Any = bpy.context.scene
    values.mono3d.photo = ""
    assert drawn.rows() <= 6


def test_the_sidebar_is_short_without_packages(cup: Any) -> None:
    """One button gets the better model and the packages; so Shape stays in sight in a small window."""
    state.current.offer, state.current.lacking = state.Offer("230 MB", bytes=230_000_000), "Needs Install, 230 MB"
    readiness.refresh_models()
    state.current.say("cup: 96 vertices, 154 triangles in 0.1 s.", "Depth: starter, numpy.", "Camera: EXIF.")
    assert drawn.rows() <= 35
    readiness.offer_next_step("starter")
    assert state.current.next_step is not None and drawn.rows() <= 32
    state.current.next_step = None
    state.current.say()
    bpy.context.view_layer.objects.active = None
    assert drawn.rows() <= 23


def test_a_failure_is_read_whole_and_the_details_of_a_success_on_demand(values: Any) -> None:
    values.photo = "/photos/a.jpg"
    state.current.say("cup: 96 vertices.", "Camera: EXIF.")
    drawn.draw(panel.MONO3D_PT_main, layout := stand_in.Layout(opens_sections=False))
    assert "cup: 96 vertices." in layout.texts and "Details" in layout.texts and "Camera: EXIF." not in layout.texts
    assert "Camera: EXIF." in drawn.draw_all().texts
    state.current.say("a.jpg: It is damaged.", "b.jpg: It is empty.", failed=True)
    drawn.draw(panel.MONO3D_PT_main, layout := stand_in.Layout(opens_sections=False))
    assert {"a.jpg: It is damaged.", "b.jpg: It is empty."} <= set(layout.texts)


def test_an_installation_shows_stage_megabytes_and_times_and_cuts_no_word(values: Any) -> None:
    stage = "Downloading open3d-cpu: 61 MB of 101 MB"
    work = types.SimpleNamespace(stage=stage, fraction=0.35, elapsed=42.0, can_be_cancelled=True, cancel=lambda: None)
    state.current.installation = work
    drawn.draw(panel.MONO3D_PT_main, layout := stand_in.Layout())
    assert "35%, 0:42, 1:18 left" in layout.texts and "mono3d.cancel_install" in layout.operators
    assert stage in " ".join(layout.texts) and max(map(len, layout.texts)) < 36
    work.fraction, work.can_be_cancelled = 0.0, False
    drawn.draw(panel.MONO3D_PT_main, layout := stand_in.Layout())
    assert "0%, 0:42" in layout.texts and "mono3d.cancel_install" not in layout.operators
    state.current.installation = None


def test_the_preferences_use_their_whole_width(values: Any) -> None:
    sentence = "Nothing was installed, because the disk has 100 MB free and 430 MB are needed; make room first."
    state.current.say(sentence, failed=True)
    region = types.SimpleNamespace(width=1000)
    context = types.SimpleNamespace(region=region, preferences=bpy.context.preferences)
    addon = types.SimpleNamespace(**dict.fromkeys(preferences.MONO3D_AP_preferences.bl_rna.properties.keys()))
    addon.layout = layout = stand_in.Layout()
    preferences.MONO3D_AP_preferences.draw(addon, context)  # type: ignore[arg-type]
    assert sentence in layout.texts


def test_generate_says_how_long_it_usually_takes(values: Any, tmp_path: Path) -> None:
    values.photo = "/photos/a.jpg"
    for preset, seconds in (("fast", 4.0), ("best", 75.0)):
        values.preset = preset
        durations.learn(state.current.data_folder, running.wished(values), seconds)
    shown = []
    for values.preset in PRESETS:
        running.refresh_usual()
        shown.append(next(one for one in drawn.draw_all().labels if one.startswith("Generate")))
    assert shown == ["Generate, about 0:04", "Generate", "Generate, about 1:15"]


def test_what_is_automatic_says_so(values: Any) -> None:
    names = ("near", "far", "field_of_view", "target_triangles")
    setting_rows.draw(layout := stand_in.Layout(), values, names)
    assert layout.shown == list(names) and layout.texts.count("automatic") == 3
    values.near = 0.5
    setting_rows.draw(layout := stand_in.Layout(), values, names)
    assert layout.texts.count("automatic") == 2
