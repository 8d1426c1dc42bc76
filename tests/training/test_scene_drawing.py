# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from training.scenes import lights, palette, plan, views
from training.scenes.kinds import KINDS
from training.scenes.shapes import box
from training.scenes.stage import Hair, Scene, Stage, View

SHARES = {name: share for name, (_, share) in KINDS.items()}


def _scene(kind: str, index: int) -> Scene:
    return KINDS[kind][0](plan.picture(5, index, 384, {kind: 1}).random(0))


def _painted(scene: Scene) -> list[tuple[object, ...]]:
    return [(one.color, one.pattern, one.shape.corners.tolist()) for one in scene.stage.painted]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_valid_scenes(kind: str) -> None:
    for index in range(3):
        scene = _scene(kind, index)
        assert scene.stage.painted
        for one in scene.stage.painted:
            assert np.isfinite(one.shape.corners).all()
            assert all(faces.min() >= 0 and faces.max() < len(one.shape.corners) for faces in one.shape.faces)
            assert all(0 <= part <= 1 for part in one.color)
        assert 16 <= scene.view.lens <= 135
        assert np.linalg.norm(np.subtract(scene.view.towards, scene.view.at)) > 0.01
        # Each further lamp adds noise.
        assert len(scene.light.suns) + len(scene.light.lamps) <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_depends_on_seed_and_number_only(kind: str) -> None:
    first, again, other = _scene(kind, 3), _scene(kind, 3), _scene(kind, 4)
    assert _painted(first) == _painted(again)
    assert (first.view, first.light) == (again.view, again.light)
    assert first.view != other.view


def test_pictures_have_the_kinds_and_sizes_in_their_shares() -> None:
    pictures = [plan.picture(1, index, 384, SHARES) for index in range(2000)]
    kinds = Counter(one.kind for one in pictures)
    for name, share in SHARES.items():
        assert kinds[name] / 2000 == pytest.approx(share / sum(SHARES.values()), abs=0.03)
    assert {(one.width, one.height) for one in pictures} == {(384, 288), (288, 384), (320, 320)}
    assert pictures[7] == plan.picture(1, 7, 384, SHARES)
    assert pictures[7].name == f"{pictures[7].kind}_1_00007"


def test_attempts_have_different_random_numbers() -> None:
    one = plan.picture(1, 0, 384, SHARES)
    assert len({one.random(attempt).random() for attempt in range(5)}) == 5


def test_colours_are_within_bounds() -> None:
    random = np.random.default_rng(0)
    makers = (palette.any_color, palette.wall_color, palette.wood_color, palette.leaf_color, palette.skin_color)
    for _ in range(200):
        for maker in makers:
            assert all(0 <= part <= 1 for part in palette.like(random, maker(random)))


def test_nights_are_distinguished_from_days() -> None:
    random = np.random.default_rng(0)
    drawn = [lights.is_night(lights.outdoors(random)) for _ in range(400)]
    assert 0.02 < np.mean(drawn) < 0.12


def test_the_focus_is_on_a_visible_point_and_the_blur_is_bounded() -> None:
    random = np.random.default_rng(2)
    disparity = np.full((60, 80), 0.1, np.float32)
    disparity[:, :4] = 5.0
    camera = View((0, 0, 0), (0, 1, 0), 85.0, f_number=1.2)
    focused = views.focused(random, camera, disparity)
    assert focused.focus == pytest.approx(10)
    # The blur of an object 0.2 m away, with the lens focused at 10 m.
    blur = 85.0**2 / focused.f_number * (5.0 - 0.1) / 1000
    assert blur / views.SENSOR == pytest.approx(views.WIDEST_BLUR)
    sharp = View((0, 0, 0), (0, 1, 0), 85.0)
    assert views.focused(random, sharp, disparity) == sharp


def test_an_added_stage_is_rotated_and_moved_with_its_hair() -> None:
    part, whole = Stage(), Stage()
    part.add((1, 1, 1), palette.PLAIN, box(2, 4, 1))
    part.hairs.append(Hair(box(1, 1, 1), (0, 0, 0), 10, 0.1, 0.001, 0.5, 0.01, 1))
    whole.take(part, 10, 0, 3, np.pi / 2)
    low, high = whole.bounds()
    np.testing.assert_allclose((low, high), ((8, -1, 3), (12, 1, 4)), atol=1e-12)
    np.testing.assert_allclose(whole.hairs[0].surface.low(), (9.5, -0.5, 3))
