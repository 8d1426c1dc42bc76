# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.made_bodies import made_body
from training.scenes.furnished.bake_people import rotation
from training.scenes.furnished.bodies import Body, Region, pose
from training.scenes.furnished.dress import dressed, part


def test_a_body_survives_its_file(tmp_path: Path) -> None:
    body = made_body(0.4)
    body.save(tmp_path / "body.npz")
    read = Body.load(tmp_path / "body.npz")
    np.testing.assert_allclose(read.vertices, body.vertices, atol=1e-6)
    np.testing.assert_array_equal(read.faces, body.faces)
    np.testing.assert_array_equal(read.regions, body.regions)
    assert (read.seat, read.age, read.gender) == pytest.approx((0.4, 0.5, 0.5))


def test_the_normals_point_outwards() -> None:
    body = made_body()
    corners = np.unique(body.faces[body.regions == Region.TORSO])
    away = body.vertices[corners] - body.middle_of(Region.TORSO)
    assert ((away * body.normals()[corners]).sum(axis=1) > 0).all()


def test_clothes_are_outside_of_the_body() -> None:
    body = made_body()
    bare, thick = part(body, (Region.TORSO,)), part(body, (Region.TORSO,), body.normals(), 0.01)
    grown = np.linalg.norm(thick.corners - bare.corners, axis=1)
    np.testing.assert_allclose(grown, 0.01, rtol=1e-6)
    assert (thick.high() > bare.high()).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_dressed_person_is_as_tall_as_the_body(seed: int) -> None:
    body = made_body()
    made = dressed(np.random.default_rng(seed), body, 200)
    low, high = made.bounds()
    assert high[2] == pytest.approx(body.height, abs=0.1)
    assert low[2] > -0.05
    assert all(np.isfinite(one.shape.corners).all() for one in made.painted)


def test_rotations_turn_by_the_right_hand_rule_x_first() -> None:
    np.testing.assert_allclose(rotation(90, 0, 0) @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation(0, 90, 0) @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(rotation(0, 0, 90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation(90, 0, 90) @ [0, 1, 0], [0, 0, 1], atol=1e-12)


def test_poses_sit_and_stand_with_the_knees_bent_backwards() -> None:
    drawn = [pose(np.random.default_rng(seed)) for seed in range(200)]
    sitting = [turns for turns, sits in drawn if sits]
    assert 0.2 < len(sitting) / len(drawn) < 0.4
    for turns, sits in drawn:
        assert turns["lowerleg01.L"][0] >= 0
        if sits:
            assert turns["upperleg01.L"][0] < -60
