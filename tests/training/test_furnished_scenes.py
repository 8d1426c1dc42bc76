# SPDX-License-Identifier: GPL-3.0-or-later
"""Furnished scenes as data: what stands where, where the camera is, what light there is."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training import made_furniture
from tests.training.made_bodies import made_body
from training.scenes import metric_file
from training.scenes.furnished import catalogue, close_by, indoor_light, lens, plan, rooms, stairs, streets, walls
from training.scenes.furnished.bodies import Body
from training.scenes.furnished.choice import Store
from training.scenes.furnished.scene import Furnished, Ground, footprint, turned
from training.scenes.furnished.surfaces import Place
from training.scenes.furnished.walls import Hole, Shell, Wall
from training.scenes.stage import Stage


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made_furniture.library(tmp_path)
    picture, person = tmp_path / "photo.png", tmp_path / "person.npz"
    Image.new("RGB", (8, 6)).save(picture)
    made_body().save(person)
    return Store(catalogue.read(tmp_path), [picture], [person])


def _shell(made: Furnished) -> Shell | None:
    assert isinstance(made.shoot, partial)
    place = made.shoot.keywords.get("place")
    return made.shoot.keywords.get("shell") or (place.shell if place else None)


@pytest.mark.parametrize("kind", plan.SHARES)
def test_every_kind_makes_scenes_with_light_and_photos(kind: str, store: Store) -> None:
    for seed in range(4):
        random = np.random.default_rng(seed)
        made = plan.scene(random, store, [kind])
        assert made.kind in metric_file.KINDS
        assert made.light is not None
        assert made.shoot is not None
        shots = [shot for _ in range(150) if (shot := made.shoot(random)) is not None]
        assert len(shots) >= 5
        shell = _shell(made)
        for shot in shots:
            assert np.isfinite([*shot.view.at, *shot.view.towards]).all()
            assert np.linalg.norm(np.subtract(shot.view.towards, shot.view.at)) > 0.1
            assert 200 <= max(shot.width, shot.height) <= 320
            if shell is not None:
                assert shell.contains(shot.view.at[0], shot.view.at[1])
                assert 0 < shot.view.at[2] < shell.height


@pytest.mark.parametrize("kind", plan.SHARES)
def test_a_scene_follows_from_its_seed(kind: str, store: Store) -> None:
    first, again = (plan.scene(np.random.default_rng(5), store, [kind]) for _ in range(2))
    assert first.placed == again.placed
    assert first.panels == again.panels
    assert len(first.stage.painted) == len(again.stage.painted)
    for one, other in zip(first.stage.painted, again.stage.painted, strict=True):
        np.testing.assert_array_equal(one.shape.corners, other.shape.corners)


@pytest.mark.parametrize("name", rooms.SHARES)
def test_furniture_stands_in_the_room_and_not_in_other_furniture(name: str, store: Store) -> None:
    for seed in range(6):
        made = rooms.room(np.random.default_rng(seed), store, name)
        shell = _shell(made)
        assert shell is not None
        standing = [one for one in made.placed if one.at[2] == 0 and one.asset.depth > 0.3 and one.asset.height > 0.5]
        for one in standing:
            assert shell.contains(one.at[0], one.at[1])
        # Chairs are pushed under tables.
        solid = [one for one in standing if one.asset.name != "Chair"]
        for index, one in enumerate(solid):
            ground = Ground()
            ground.take(one.at[0], one.at[1], *footprint(one.asset.width, one.asset.depth, one.turn))
            for other in solid[index + 1 :]:
                wide, deep = footprint(other.asset.width, other.asset.depth, other.turn)
                assert ground.is_free(other.at[0], other.at[1], wide, deep, -0.01)


@pytest.mark.parametrize("name", rooms.SHARE_WITH_STAIRS)
def test_stairs_climb_along_a_wall_in_even_steps(name: str, store: Store) -> None:
    built = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        width, depth = (2.4, 9.0) if name == "corridor" else (6.0, 7.0)
        shell = Shell.of(width, depth, 2.6)
        place = Place(Furnished("room", name), store, shell=shell)
        wall = shell.walls[seed % 4]
        if not stairs.flight(place, random, wall, shell):
            continue
        built += 1
        parts = [one.shape for one in place.made.stage.painted]
        tops = np.unique([round(one.high()[2], 6) for one in parts if one.high()[2] - one.low()[2] < 0.031])
        steps = np.diff(tops[tops < shell.height])
        assert len(tops) >= 4 and steps.min() > 0.14 and np.ptp(steps) < 1e-5
        assert tops.max() <= shell.height
        low, high = place.made.stage.bounds()
        assert shell.contains(low[0], low[1], -0.05) and shell.contains(high[0], high[1], -0.05)
        # Nothing else is put on them.
        assert place.ground.taken and place.targets
    assert built >= 6


def test_some_photos_have_a_thing_close_before_the_camera(store: Store) -> None:
    random = np.random.default_rng(0)
    taken = lens.shot(random, (0.0, 0.0, 1.4), (1.0, 2.0, 1.0))
    found = [close_by.sometimes(random, taken, store) for _ in range(400)]
    held = [one.close[0] for one in found if one.close]
    assert len(held) / len(found) == pytest.approx(close_by.SHARE, abs=0.05)
    ahead = np.array([1.0, 2.0, -0.4]) / np.linalg.norm([1.0, 2.0, -0.4])
    for one in held:
        middle = np.add(one.at, (0.0, 0.0, one.asset.height / 2))
        away = float((middle - taken.view.at) @ ahead) - one.asset.extent / 2
        assert close_by.NEAREST - 1e-6 <= away <= close_by.FARTHEST + 1e-6
    assert not close_by.sometimes(random, taken, Store([], [], [])).close


def test_photos_of_a_road_have_a_free_road_ahead(store: Store) -> None:
    random = np.random.default_rng(1)
    made = Furnished("street", "street")
    place = Place(made, store)
    place.ground.take(0.0, 4.0, 2.0, 4.0)
    shots = [shot for _ in range(300) if (shot := streets.of_road(random, place, 4.0, 60.0)) is not None]
    assert 50 < len(shots) < 300
    for shot in shots:
        x, y, z = shot.view.at
        assert 1.0 < z < 2.3
        assert not (abs(x) < 1.0 and -3.0 < y < 6.0)


def test_held_out_people_are_needed_for_people(store: Store) -> None:
    with pytest.raises(ValueError, match="--people"):
        plan.scene(np.random.default_rng(0), Store(store.assets, [], []), ["people"])


def test_fields_of_view_are_those_of_photos() -> None:
    random = np.random.default_rng(0)
    angles = np.array([lens.angle(random) for _ in range(4000)])
    assert angles.min() >= lens.NARROWEST
    assert angles.max() <= lens.WIDEST
    assert np.median(angles) == pytest.approx(62, abs=1)
    assert 0.05 < np.mean(angles < 35) < 0.11
    assert lens.millimetres(90) == pytest.approx(18)


def test_shots_are_landscape_portrait_and_square() -> None:
    random = np.random.default_rng(0)
    sizes = [lens.sides(random, 256) for _ in range(300)]
    assert all(width % 16 == 0 and height % 16 == 0 for width, height in sizes)
    shares = [np.mean([np.sign(width - height) == sign for width, height in sizes]) for sign in (1, -1, 0)]
    assert min(shares) > 0.08


@pytest.mark.parametrize("turn", [0.0, math.pi, math.pi / 2, -math.pi / 2])
def test_the_parts_of_a_wall_leave_its_holes_open_and_fill_the_rest(turn: float) -> None:
    wall = Wall(4.0, 1.5, turn, [Hole(-1.0, 1.0, 0.9, 2.0), Hole(1.0, 0.8, 0.0, 2.1)])
    parts = wall.parts(2.6)

    def is_solid(along: float, z: float) -> bool:
        x, y = wall.at(along, -walls.THICKNESS / 2)
        point = np.array([x, y, z])
        return any((one.low() < point).all() and (point < one.high()).all() for one in parts)

    for along in np.arange(-1.95, 1.99, 0.1):
        for z in np.arange(0.05, 2.6, 0.1):
            in_hole = any(
                abs(along - hole.middle) < hole.width / 2 and hole.bottom < z < hole.top for hole in wall.holes
            )
            assert is_solid(float(along), float(z)) != in_hole, (along, z)


def test_walls_surround_the_room_and_face_inwards() -> None:
    shell = Shell.of(4.0, 6.0, 2.5)
    for wall in shell.walls:
        inside, outside = np.array(wall.at(0.0, 1.0)), np.array(wall.at(0.0, -0.1))
        assert shell.contains(*inside)
        assert not shell.contains(*outside)
        # `along` grows to the right as seen from inside.
        right = np.subtract(wall.at(1.0, 0.0), wall.at(0.0, 0.0))
        ahead = np.subtract(outside, inside)
        assert right[0] * ahead[1] - right[1] * ahead[0] > 0


def test_floor_and_ceiling_reach_under_the_walls() -> None:
    # Between surfaces that only touch, single pixels showed what is far behind the wall.
    shell, stage = Shell.of(4.0, 6.0, 2.5), Stage()
    walls.build(stage, np.random.default_rng(0), shell)
    floor, ceiling = stage.painted[0].shape, stage.painted[1].shape
    for shape in (floor, ceiling):
        np.testing.assert_allclose(shape.high()[:2], [2 + walls.THICKNESS, 3 + walls.THICKNESS])
        np.testing.assert_allclose(shape.low()[:2], [-2 - walls.THICKNESS, -3 - walls.THICKNESS])
    assert floor.high()[2] == 0
    assert ceiling.low()[2] == 2.5


def test_the_sun_shines_through_the_window() -> None:
    shell = Shell.of(4.0, 4.0, 2.5)
    for wall in shell.walls:
        directions = []
        for seed in range(60):
            light = indoor_light.light(np.random.default_rng(seed), shell, [(wall, Hole(0, 1, 0.8, 2))])
            directions += [math.radians(sun.azimuth) for sun in light.suns]
        assert directions
        # A sun of azimuth 0 shines towards +y.
        mean = np.mean([turned(0, 1, one) for one in directions], axis=0)
        inwards = np.subtract(wall.at(0, 1), wall.at(0, 0))
        assert mean @ inwards > 0.6


def test_ground_that_is_taken_is_not_free() -> None:
    ground = Ground()
    ground.take(0, 0, 2, 1)
    assert not ground.is_free(1.4, 0, 1, 1)
    assert ground.is_free(1.6, 0, 1, 1)
    assert ground.is_free(0, 1.1, 1, 1)
    assert footprint(2, 1, math.pi / 2) == pytest.approx((1, 2))


def test_a_body_is_baked_for_the_store(store: Store) -> None:
    assert Body.load(store.people[0]).height > 1
