# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training import made_furniture
from training.scenes.furnished import catalogue
from training.scenes.furnished.choice import LEAST_OF_A_CATEGORY, Store


def test_a_library_gives_sizes_in_metres_and_surfaces(tmp_path: Path) -> None:
    made_furniture.library(tmp_path)
    assets = {one.name: one for one in catalogue.read(tmp_path)}
    assert len(assets) == len(made_furniture.ENTRIES)
    assert (assets["Sofa"].width, assets["Sofa"].depth, assets["Sofa"].height) == (1.9, 0.8, 0.85)
    assert assets["Table"].top == 0.75
    assert assets["Washbasin"].top == 0.34
    assert assets["Washbasin"].elevation == 0.45
    assert assets["Sofa"].top == 0
    assert assets["Door"].is_opening
    assert not assets["Sofa"].is_opening
    assert assets["Sofa"].creator == made_furniture.CREATOR


def test_a_library_of_unknown_licence_is_not_read(tmp_path: Path) -> None:
    made_furniture.library(tmp_path, "SomebodyElses")
    with pytest.raises(FileNotFoundError, match=r"Scopia\.sh3f"):
        catalogue.read(tmp_path)
    catalogue.unpack(tmp_path, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_models_are_unpacked_once(tmp_path: Path) -> None:
    made_furniture.library(tmp_path)
    catalogue.unpack(tmp_path, tmp_path / "cache")
    model = tmp_path / "cache" / "Scopia" / catalogue.read(tmp_path)[0].model
    assert model.read_text().startswith("mtllib")
    model.write_text("kept")
    catalogue.unpack(tmp_path, tmp_path / "cache")
    assert model.read_text() == "kept"


def test_models_that_are_large_or_absent_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_furniture.library(tmp_path)
    monkeypatch.setattr(catalogue, "LARGEST_MODEL", 10)
    with pytest.raises(FileNotFoundError):
        catalogue.read(tmp_path)


def test_entries_keep_their_order_and_their_letters() -> None:
    text = "name#2=Bill 10\\u20ac\nname#1=Frame\nid=x\n#name#3=no\nname#10=Last \n"
    assert [one["name"] for one in catalogue.properties(text)] == ["Frame", "Bill 10€", "Last"]


def test_about_one_asset_in_ten_is_held_out_always_the_same() -> None:
    held = [catalogue.is_held(f"Scopia/{number}.obj") for number in range(3000)]
    assert 0.08 < np.mean(held) < 0.12
    assert held == [catalogue.is_held(f"Scopia/{number}.obj") for number in range(3000)]


def test_the_table_names_creator_licence_and_what_is_held_out(tmp_path: Path) -> None:
    made_furniture.library(tmp_path)
    assets = catalogue.read(tmp_path)
    table = catalogue.table(assets)
    assert "| Scopia | CC-BY-3.0 | Somebody |" in table
    for one in assets:
        stem = Path(one.model).stem
        assert (f"*{stem}*" in table) == one.is_held


def test_a_part_of_the_store_keeps_some_of_each_category(tmp_path: Path) -> None:
    made_furniture.library(tmp_path)
    one = catalogue.read(tmp_path)[0]
    many = [
        catalogue.Asset(f"{category} {number}", category, "Scopia", f"{category}{number}.obj", "", 1, 1, 1)
        for category, count in (("Kitchen", 100), ("Lights", 5))
        for number in range(count)
    ]
    part = Store([*many, one], [], []).part(np.random.default_rng(0), 0.3)
    counts = {name: sum(asset.category == name for asset in part.assets) for name in ("Kitchen", "Lights")}
    assert counts == {"Kitchen": 30, "Lights": 5}
    assert one.category == "Kitchen" or one in part.assets
    assert LEAST_OF_A_CATEGORY > 5
    again = Store([*many, one], [], []).part(np.random.default_rng(0), 0.3)
    assert again.assets == part.assets


def test_picking_respects_conditions_and_weights(tmp_path: Path) -> None:
    made_furniture.library(tmp_path)
    store, random = Store(catalogue.read(tmp_path), [], []), np.random.default_rng(0)
    assert store.pick(random, lambda one: False) is None
    for _ in range(20):
        small = store.small(random, 0.5)
        assert small is not None
        assert small.extent < 0.5
        assert small.elevation == 0
        window = store.opening(random, lambda one: one.elevation > 0.5)
        assert window is not None
        assert window.name == "Window"
    chosen = [store.pick(random, lambda one: True, {"Office": 1.0, "Vehicles": 9.0}) for _ in range(200)]
    share = np.mean([one is not None and one.category == "Vehicles" for one in chosen])
    assert 0.7 < share < 0.95
