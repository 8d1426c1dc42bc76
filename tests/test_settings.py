# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import (
    PRESET_SETTINGS,
    PRESETS,
    BatchOptions,
    Habits,
    RunOptions,
    SettingField,
    Settings,
    WebOptions,
    fields_of,
    preset,
    preset_of,
)


def values(item: SettingField) -> st.SearchStrategy[Any]:
    choice = item.choice
    if choice.options:
        return st.sampled_from(choice.options)
    if item.kind is bool:
        return st.booleans()
    if item.kind is int:
        return st.integers(int(choice.minimum or 0), int(choice.maximum or 0))
    if item.kind is float:
        return st.floats(choice.minimum, choice.maximum)
    return st.text(max_size=20)


ANY_VALUES = st.fixed_dictionaries({item.name: values(item) for item in fields_of(Settings)}).filter(
    lambda found: (
        found["far"] > found["near"] >= 0.001
        and found["crop_left"] + found["crop_right"] < 100.0
        and found["crop_top"] + found["crop_bottom"] < 100.0
    )
)


@given(ANY_VALUES)
def test_settings_round_trip_through_json(chosen: dict[str, Any]) -> None:
    settings = Settings(**chosen)
    assert Settings.from_json(settings.to_json()) == settings


def test_every_field_is_described() -> None:
    for cls in (Settings, RunOptions, BatchOptions, WebOptions, Habits):
        for item in fields_of(cls):
            assert item.choice.label and len(item.choice.help) > 10, item.name
            assert not item.choice.help.endswith("."), item.name
            if item.kind in (int, float):
                assert item.choice.minimum is not None and item.choice.maximum is not None, item.name


@pytest.mark.parametrize("name", ["near", "detail", "tear", "percentile"])
def test_bounds_are_held_and_named(name: str) -> None:
    item = next(field for field in fields_of(Settings) if field.name == name)
    assert item.choice.maximum is not None
    with pytest.raises(Mono3DError, match=item.choice.label):
        Settings(**{name: item.kind(item.choice.maximum * 2 + 1)})


@pytest.mark.parametrize(
    ("name", "value"),
    [("near", "1"), ("near", float("nan")), ("detail", 100.5), ("edge_aware", 1), ("surface", "cube"), ("model", None)],
)
def test_wrong_types_and_words_are_refused(name: str, value: Any) -> None:
    with pytest.raises(Mono3DError):
        Settings(**{name: value})


def test_far_lies_behind_near() -> None:
    with pytest.raises(Mono3DError, match="larger than near"):
        Settings(near=3.0, far=3.0)
    assert Settings(near=3.0).far == Settings(far=0.5).near == 0.0, "one of them is automatic"
    with pytest.raises(Mono3DError, match=r"Near: 0.0009 m is too small; use at least 0.001 m, or 0 for automatic"):
        Settings(near=0.0009)
    with pytest.raises(Mono3DError, match=r"Far: 0.0019 m is too small"):
        Settings(far=0.0019)
    with pytest.raises(Mono3DError, match="Crop left and Crop right"):
        Settings(crop_left=60.0, crop_right=40.0)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"near": "one"}', '{"near": -1}', '{"edge_aware": "yes"}', '{"detail": 1e999}']
)
def test_damaged_json_is_one_sentence(text: str) -> None:
    with pytest.raises(Mono3DError):
        Settings.from_json(text)


def test_settings_of_another_version_are_read() -> None:
    stored = json.loads(Settings(near=2.0).to_json()) | {"from_the_future": 1}
    del stored["tear"]
    assert Settings.from_json(json.dumps(stored)) == Settings(near=2.0)


def test_presets_differ_where_they_say() -> None:
    assert {"fast", "best"} <= set(PRESETS)
    assert preset("fast").detail < preset("balanced").detail < preset("best").detail
    with pytest.raises(Mono3DError, match="fast"):
        preset("medium")


def test_a_preset_sets_detail_and_effort_only() -> None:
    for name, values in PRESETS.items():
        assert tuple(values) == PRESET_SETTINGS == ("detail", "tiles", "flip"), name
        assert preset_of(preset(name)) == name
    assert preset("balanced") == Settings() and preset_of(Settings(detail=700)) == ""
    assert preset_of(dataclasses.replace(preset("best"), near=0.5, model="dpt_large_384")) == "best"


def test_what_a_setting_depends_on_is_a_setting_with_these_values() -> None:
    items = {item.name: item.choice for item in fields_of(Settings)}
    for choice in items.values():
        if choice.only_with is not None:
            name, values = choice.only_with
            assert set(values) < set(items[name].options), choice.label
    assert items["poisson_depth"].has_effect(Settings(surface="poisson"))
    assert not items["poisson_depth"].has_effect(Settings())


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().near = 2.0  # type: ignore[misc]


def test_one_bad_value_in_stored_settings_resets_no_other() -> None:
    kept = Settings(near=2.0, detail=333, sky="clamp")
    values = json.loads(kept.to_json())
    settings, sentences = Settings.repaired(json.dumps(values | {"surface": "nurbs", "tear": 99.0, "flip": "maybe"}))
    assert settings == dataclasses.replace(kept, tear=10.0)
    assert len(sentences) == 3 and any("'nurbs' is not one of" in one and "grid is used" in one for one in sentences)
    assert Settings.repaired(kept.to_json()) == (kept, ())
    settings, sentences = Settings.repaired(json.dumps(values | {"near": 9.0, "far": 3.0}))
    assert settings == dataclasses.replace(kept, near=0.0) and len(sentences) == 1
    for text in ("", "[1]", "null"):
        assert Settings.repaired(text)[0] == Settings() and Settings.repaired(text)[1]
    assert Settings.repaired('{"near": NaN, "far": Infinity}')[0].near == 0.0


@pytest.mark.parametrize(("switch", "word"), [(True, "on"), (False, "off")])
def test_a_switch_of_an_earlier_version_is_understood(switch: bool, word: str) -> None:
    switched: Any = switch
    assert Settings(tiles=switched).tiles == word
    assert Settings.from_json(json.dumps({"tiles": switch})).tiles == word
    assert Settings.repaired(json.dumps({"tiles": switch})) == (Settings(tiles=word), ())


def beyond(**chosen: Any) -> tuple[str, ...]:
    return tuple(item.name for item in Settings(**chosen).beyond_bare)


def test_what_needs_packages_is_known() -> None:
    assert beyond() == beyond(surface="adaptive", solid="flat", smooth=3, quads=True, normal_map=True, level=True) == ()
    assert beyond(model="dpt_large_384", surface="poisson") == ("model", "surface")
    assert beyond(model="dpt_large_384", engine="plain", depth_file="d.npy") == beyond(embedded_depth=True) == ()
    assert beyond(target_triangles=500) == ("target_triangles",)
    assert beyond(target_triangles=500, surface="adaptive") == ()
    assert not any(preset(name).beyond_bare for name in PRESETS)
