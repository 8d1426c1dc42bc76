# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mono3d_addon import reshape
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.estimate import Estimate, estimate_from
from mono3d_addon.core.maps import depth_map as depth_maps
from mono3d_addon.core.maps import exact_depth
from mono3d_addon.core.maps.depth_values import DepthValues
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.core.scene_guess import Guess, SceneGuess
from mono3d_addon.core.stages import Stages
from mono3d_addon.errors import Mono3DError
from mono3d_addon.reshape import (
    MESH,
    PanoramaReshaper,
    PinholeReshaper,
    Reshaper,
    ReshaperCache,
    make_reshaper,
    shares_of,
)
from mono3d_addon.settings import Settings, fields_of

BASE = Settings(detail=64, near=1.0, far=6.0)
CHANGES: dict[str, Any] = {
    "field_of_view": 80.0,
    "shift_x": 10.0,
    "shift_y": -10.0,
    "near": 0.5,
    "far": 9.0,
    "depth_strength": 1.5,
    "percentile": 5.0,
    "detail": 40,
    "tear": 0.3,
    "edges": "connected",
    "trim": 2,
    "min_island": 5.0,
    "crop_left": 30.0,
    "crop_right": 30.0,
    "crop_top": 30.0,
    "crop_bottom": 30.0,
    "edge_aware": False,
    "solid": "flat",
}


def photo() -> Photo:
    rng = np.random.default_rng(3)
    return Photo(Path("room.png"), rng.integers(0, 256, (60, 80, 3), np.uint8), None, Lens(), "0" * 64)


def disparity() -> np.ndarray:
    row, column = np.mgrid[:30, :40]
    return (np.sin(row / 5.0) + np.cos(column / 7.0) + 3.0 * (column > 20)).astype(np.float32)


def shape(reshaper: Reshaper, settings: Settings) -> reshape.Reshaped:
    return reshaper.reshape(settings, Stages(lambda words, share: None, shares_of(settings)))


def test_what_is_kept_between_meshes_never_shows() -> None:
    """Every setting in turn, by a reshaper that was used before, gives what a fresh one gives, and something new."""
    used = PinholeReshaper(photo(), Estimate(disparity(), ""))
    before = shape(used, BASE)
    for name, value in CHANGES.items():
        settings = replace(BASE, **{name: value})
        again, fresh = shape(used, settings), shape(PinholeReshaper(photo(), Estimate(disparity(), "")), settings)
        for part in ("vertices", "triangles", "uv", "colors", "normals"):
            assert np.array_equal(getattr(again.mesh, part), getattr(fresh.mesh, part)), (name, part)
        assert np.array_equal(again.depth, fresh.depth, equal_nan=True) and again.camera == fresh.camera
        assert not np.array_equal(again.mesh.vertices, before.mesh.vertices), name
        back = shape(used, BASE)
        assert np.array_equal(back.mesh.vertices, before.mesh.vertices)


@pytest.mark.parametrize("kind", [PinholeReshaper, PanoramaReshaper])
def test_automatic_distances_and_lens_equal_their_numbers(kind: type[Reshaper]) -> None:
    scene = SceneGuess(Guess(0.4, 0.1), Guess(0.9, 0.1), Guess(1.3, 0.1), {"object": 1.0})
    guessing = kind(photo(), Estimate(disparity(), "", scene=scene))
    automatic, numbers = replace(BASE, near=0.0, far=0.0), guessing.resolved(Settings()).pinned_to(BASE)
    one, other = shape(guessing, automatic), shape(kind(photo(), Estimate(disparity(), "")), numbers)
    np.testing.assert_allclose(one.mesh.vertices, other.mesh.vertices, rtol=1e-5)
    assert np.array_equal(one.depth, other.depth) and np.array_equal(one.depth, guessing.depth(automatic))
    assert one.depth.max() == pytest.approx(numbers.far, rel=1e-3) and 0.3 < one.depth.min() < 0.5
    assert one.notes[0].startswith("Distances: estimated 0.4") and other.notes == ()
    if kind is PinholeReshaper:
        assert one.camera.source.startswith("estimated 4") and other.camera.source == "your setting"


@pytest.mark.parametrize("name", ["field_of_view", "shift_x", "shift_y"])
def test_a_panorama_tells_that_it_has_no_lens(name: str) -> None:
    around = PanoramaReshaper(photo(), Estimate(disparity(), ""))
    change: dict[str, Any] = {name: 30.0}
    assert shape(around, BASE).notes == ()
    (note,) = shape(around, replace(BASE, **change)).notes
    assert note == "A panorama has no lens: field of view and shifts have no effect on it."


def test_every_live_setting_of_the_grid_is_tried_above() -> None:
    live = {item.name for item in fields_of(Settings) if item.choice.live}
    assert set(CHANGES) | {"mask", "sky", "photo_detail", "planes"} == live - set(reshape._AFTER_GRID)


def test_mask_sky_relief_and_floor_of_a_known_photo_can_be_changed(tmp_path: Path) -> None:
    """A grey house on a rough lawn before an even blue sky, seen before with other settings."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:240, :320]
    house = (abs(column - 160) < 60) & (row > 60) & (row < 180)
    pixels = np.full((240, 320, 3), (110, 160, 225), np.float64)
    pixels[row >= 130], pixels[house] = (70, 120, 50), (150, 140, 130)
    pixels += rng.normal(0.0, 1.0, pixels.shape) + ((row >= 130) | house)[..., None] * rng.normal(0, 25, pixels.shape)
    inverse = np.where(house, 0.4, np.maximum(row - 129.5, 0.0) / 110 * 0.9).astype(np.float32)
    outdoors = Photo(Path("house.png"), np.clip(pixels, 0, 255).astype(np.uint8), None, Lens(), "1" * 64)
    Image.fromarray((column < 160).astype(np.uint8) * 255).save(tmp_path / "left.png")
    reshaper, plain = (
        PinholeReshaper(outdoors, Estimate(inverse, "")),
        Settings(detail=64, tear=0.0, sky="keep", edge_aware=False, near=1.0, far=60.0),
    )
    whole = shape(reshaper, plain)
    half = shape(reshaper, replace(plain, mask=str(tmp_path / "left.png")))
    assert np.isfinite(whole.depth).all() and half.mesh.uv[:, 0].max() < 0.52
    cut = shape(reshaper, replace(plain, sky="remove"))
    assert np.isnan(cut.depth[0]).all() and cut.notes == ("Sky was found and cut out.",)
    even = shape(reshaper, replace(plain, sky="auto"))
    assert np.ptp(even.depth[0]) == 0.0 and even.depth[0, 0] == pytest.approx(60.0), "no dome on a connected surface"
    dome = shape(reshaper, replace(plain, sky="auto", tear=0.04))
    assert np.ptp(dome.depth[0]) == 0.0 and dome.depth[0, 0] == pytest.approx(240.0), "far behind"
    assert dome.notes == ("Sky was found and put far behind.",) and np.nanmax(dome.depth[-20:]) < 61.0
    back = shape(reshaper, plain)
    assert np.array_equal(back.mesh.vertices, whole.mesh.vertices) and not back.notes
    relief = shape(reshaper, replace(plain, photo_detail=3.0))
    assert not np.array_equal(relief.mesh.vertices, whole.mesh.vertices)
    np.testing.assert_allclose(relief.mesh.uv, whole.mesh.uv, atol=1e-5)
    level = shape(reshaper, replace(plain, level=True))
    assert level.camera.elevation > 0.0 and level.camera.elevation != shape(reshaper, plain).camera.elevation
    nearer = shape(reshaper, replace(plain, level=True, far=30.0, near=0.5))
    assert nearer.camera.elevation == pytest.approx(0.5 * level.camera.elevation, rel=0.1), "half as large a scene"


def test_planes_of_a_network_are_made_flat_but_never_those_of_a_depth_map(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(values: np.ndarray, pixels: np.ndarray, given: object) -> np.ndarray:
        calls.append(1)
        return values + np.linspace(0.0, 1.0, values.shape[1], dtype=np.float32)

    monkeypatch.setattr(reshape, "with_planes", counted)
    network = PinholeReshaper(photo(), Estimate(disparity(), ""))
    flat, bent = shape(network, BASE), shape(network, replace(BASE, planes=False))
    assert np.array_equal(bent.depth, depth_maps.depth_map(disparity(), photo(), BASE)[0])
    assert not np.array_equal(flat.depth, bent.depth)
    shape(network, replace(BASE, tear=0.3))
    assert len(calls) == 1, "once a photo"
    own = PinholeReshaper(photo(), Estimate(disparity(), "", values=DepthValues(disparity(), "disparity")))
    assert np.array_equal(shape(own, BASE).depth, shape(own, replace(BASE, planes=False)).depth)
    shape(PanoramaReshaper(photo(), Estimate(disparity(), "")), BASE)
    assert len(calls) == 1, "a depth map and a panorama keep what they have"


def test_the_depth_is_not_made_again_where_it_does_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Settings] = []

    def counted(*values: Any, **details: Any) -> Any:
        calls.append(values[2])
        return depth_maps.depth_map(*values, **details)

    monkeypatch.setattr(reshape, "depth_map", counted)
    reshaper = PinholeReshaper(photo(), Estimate(disparity(), ""))
    for name in (None, "field_of_view", "min_island", "crop_left", "crop_top"):
        shape(reshaper, replace(BASE, **{name: CHANGES[name]}) if name else BASE)
    assert len(calls) == 1
    shape(reshaper, replace(BASE, tear=0.3))
    assert len(calls) == 2


def test_a_crop_that_leaves_nothing_is_one_sentence() -> None:
    with pytest.raises(Mono3DError, match=r"room\.png.*empty mesh"):
        shape(PinholeReshaper(photo(), Estimate(disparity(), "")), replace(BASE, crop_left=99.0, crop_top=99.0))


def test_the_memory_for_photos_is_bounded() -> None:
    reshapers = {name: PinholeReshaper(photo(), Estimate(disparity(), "")) for name in "abc"}
    size = reshapers["a"].nbytes
    cache = ReshaperCache(2 * size + 1)
    for name, reshaper in reshapers.items():
        cache.put(name, reshaper)
    assert cache.get("a") is None and cache.get("b") is reshapers["b"] and cache.get("c") is reshapers["c"]
    cache.get("b")
    cache.put("a", reshapers["a"])
    assert cache.get("c") is None and cache.get("b") is reshapers["b"], "the one used longest ago goes"
    small = ReshaperCache(1)
    small.put("a", reshapers["a"])
    assert small.get("a") is reshapers["a"], "the last one stays however large it is"


def test_only_the_photo_in_use_keeps_its_steps() -> None:
    cache = ReshaperCache()
    one, other = (
        PinholeReshaper(photo(), Estimate(disparity(), "")),
        PinholeReshaper(photo(), Estimate(disparity(), "")),
    )
    cache.put("one", one)
    shape(one, BASE)
    assert one._depth._known is not None
    cache.put("other", other)
    assert one._depth._known is None and one._grid._known is None


def test_the_time_is_measured() -> None:
    stages = Stages(lambda words, share: None, shares_of(BASE))
    PinholeReshaper(photo(), Estimate(disparity(), "")).reshape(BASE, stages)
    assert set(stages.seconds) == {MESH}


@pytest.mark.parametrize(
    ("chosen", "has_background"),
    [({}, True), ({"edges": "tear"}, False), ({"edges": "connected"}, False), ({"solid": "flat"}, False)],
)
def test_the_background_is_filled_by_default_but_not_for_solids(chosen: dict[str, Any], has_background: bool) -> None:
    made = shape(PinholeReshaper(photo(), Estimate(disparity(), "")), replace(BASE, **chosen))
    assert (made.background is not None) == has_background
    assert not any("fill" in note.lower() for note in made.notes)


def test_the_filled_background_follows_every_change_and_a_solid_does_not_lose_it() -> None:
    used = PinholeReshaper(photo(), Estimate(disparity(), ""))
    shape(used, BASE)
    shape(used, replace(BASE, solid="flat"))
    for settings in (BASE, replace(BASE, near=0.5), replace(BASE, crop_left=20.0)):
        again, fresh = (
            shape(used, settings).background,
            shape(PinholeReshaper(photo(), Estimate(disparity(), "")), settings).background,
        )
        assert again is not None and fresh is not None
        assert np.array_equal(again.mesh.vertices, fresh.mesh.vertices)
        assert np.array_equal(again.texture, fresh.texture)


def test_a_panorama_says_nothing_about_the_fill_that_it_lacks() -> None:
    made = shape(PanoramaReshaper(photo(), Estimate(disparity(), "")), BASE)
    assert made.background is None and made.notes == ()


@pytest.mark.parametrize("background", [np.inf, np.nan, 4.0])
def test_exact_depth_changes_only_where_it_is_infinite(background: float) -> None:
    values = np.random.default_rng(0).uniform(2.0, 8.0, (48, 64)).astype(np.float32)
    values[:10] = background
    pixels = np.full((48, 64, 3), (110, 160, 225), np.uint8)
    shown = Photo(Path("blue.png"), pixels, None, Lens(), "1" * 64)
    estimate = estimate_from(DepthValues(values, "metres"), "own")
    reshaper = make_reshaper(shown, estimate, is_panorama=False)
    kept = shape(reshaper, Settings(sky="keep", detail=64, min_island=0.0))
    new = shape(reshaper, Settings(detail=64, min_island=0.0))
    if np.isposinf(background):
        assert np.isnan(kept.depth[:10]).all()
        np.testing.assert_allclose(new.depth[:10], 4 * values[10:].max(), rtol=1e-6)
        np.testing.assert_array_equal(new.depth[10:], kept.depth[10:])
    else:
        np.testing.assert_array_equal(new.depth, kept.depth)
        np.testing.assert_array_equal(new.mesh.vertices, kept.mesh.vertices)


def test_the_fill_takes_the_place_of_mixed_rims_but_of_no_exact_depth() -> None:
    square = np.full((48, 64), 1.0, np.float32)
    square[16:32, 20:44] = 3.0
    settings = Settings(near=1.0, far=6.0, sky="keep", detail=64, min_island=0.0)
    torn = replace(settings, edges="tear")
    network = PinholeReshaper(photo(), Estimate(square, ""))
    assert len(shape(network, settings).mesh.triangles) < len(shape(network, torn).mesh.triangles) - 200
    own = PinholeReshaper(photo(), Estimate(square, "", values=DepthValues(square, "disparity")))
    np.testing.assert_array_equal(shape(own, settings).mesh.triangles, shape(own, torn).mesh.triangles)
    np.testing.assert_array_equal(shape(own, settings).mesh.vertices, shape(own, torn).mesh.vertices)


def test_the_sky_of_the_network_is_taken() -> None:
    """A red sky that nothing else tells."""
    row = np.mgrid[:96, :128][0]
    pixels = np.where((row < 40)[..., None], (220, 40, 40), (40, 90, 40)).astype(np.uint8)
    shown = Photo(Path("red.png"), pixels, None, Lens(), "1" * 64)
    inverse = np.linspace(0.1, 1.0, 96, dtype=np.float32)[:, None] * np.ones((1, 128), np.float32)
    settings = Settings(detail=128, near=1.0, far=10.0)
    known = Estimate(inverse, "test", sky=(row < 40).astype(np.float32))
    found = shape(make_reshaper(shown, known, is_panorama=False), settings)
    np.testing.assert_allclose(found.depth[:40], 40.0, rtol=1e-6)
    assert 9.0 < found.depth[42:].max() < 10.1, "far is the farthest of the rest"
    unknown = shape(make_reshaper(shown, Estimate(inverse, "test"), is_panorama=False), settings)
    assert unknown.depth.max() < 10.1


def pole() -> tuple[Photo, np.ndarray]:
    """A photo, and the metres of a pole 2 cells wide and a ball of 3 cells before a wall."""
    metres = np.full((60, 80), 5.0, np.float32)
    metres[10:50, 40:42] = 2.0
    metres[20:23, 10:13] = 3.0
    return photo(), metres


def depth_of_user() -> PinholeReshaper:
    picture, metres = pole()
    values = DepthValues(metres, "metres")
    return PinholeReshaper(picture, Estimate((1.0 / metres).astype(np.float32), "", values=values))


def test_a_depth_map_keeps_its_thinnest_things() -> None:
    settings = replace(BASE, detail=80)
    depths = shape(depth_of_user(), settings).mesh.vertices[:, 2]
    assert {2.0, 3.0, 5.0} == set(np.unique(np.round(depths, 4)).tolist())
    network = PinholeReshaper(pole()[0], Estimate((1.0 / pole()[1]).astype(np.float32), ""))
    left = shape(network, replace(settings, min_island=5.0, near=2.0, far=5.0, planes=False)).mesh.vertices[:, 2]
    assert left.min() > 4.0, "what a network shows may be noise"


def test_what_smallest_island_removes_from_a_depth_map_is_told() -> None:
    settings = replace(BASE, detail=80)
    assert not any("Smallest island" in note for note in shape(depth_of_user(), settings).notes)
    cut = shape(depth_of_user(), replace(settings, min_island=1.0))
    (note,) = [note for note in cut.notes if "Smallest island" in note]
    whole = shape(depth_of_user(), settings)
    dropped = len(whole.mesh.triangles) - len(cut.mesh.triangles)
    assert dropped > 0 and f"removed {dropped:,} of {len(whole.mesh.triangles):,} triangles" in note


def test_the_defaults_against_noise_are_for_networks_only() -> None:
    own, network = depth_of_user(), PinholeReshaper(photo(), Estimate(disparity(), ""))
    chosen = replace(BASE, min_island=0.5, outlier_neighbours=7, trim_density=1.0)
    for name in exact_depth._AGAINST_NOISE:
        assert getattr(own._for_source(BASE), name) == 0
        assert getattr(own._for_source(chosen), name) == getattr(chosen, name)
        assert getattr(network._for_source(BASE), name) == getattr(BASE, name)
