# SPDX-License-Identifier: GPL-3.0-or-later
"""Views contain the result, in the middle, and the photo's own view is one of them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.preview import views

SIZE = (400, 300)


def photo(width: int = 800, height: int = 600, degrees: float = 55.0) -> Camera:
    return Camera.from_field_of_view(width, height, math.radians(degrees), "test")


def scene(camera: Camera, near: float, far: float, seed: int = 0) -> np.ndarray:
    """Returns points that fill the photo, its corners and both distances among them."""
    random = np.random.default_rng(seed)
    places = random.uniform(0, 1, (400, 2))
    depth = 1.0 / random.uniform(1.0 / far, 1.0 / near, 400)
    places[:8], depth[:8] = [(x, y) for x in (0, 1) for y in (0, 1)] * 2, [near] * 4 + [far] * 4
    pixels = places * (camera.width, camera.height)
    rays = np.column_stack([(pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy), np.ones(400)])
    return (rays * depth[:, None]).astype(np.float32)


@limits(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0.2, 5.0),
    st.floats(1.05, 40.0),
    st.sampled_from([(800, 600), (600, 800), (1600, 300)]),
    st.floats(20.0, 100.0),
    st.floats(-0.4, 0.4),
    st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(-0.4, 0.4)), min_size=1, max_size=3),
)
def test_views_contain_the_result_in_the_middle(
    seed: int,
    near: float,
    ratio: float,
    size: tuple[int, int],
    degrees: float,
    shift: float,
    angles: list[tuple[float, float]],
) -> None:
    camera = photo(*size, degrees).shifted(shift, -shift)
    points = scene(camera, near, near * ratio, seed)
    reaches = []
    for view in views.orbit_of(points, camera).views(angles):
        places, ahead = view.places(points, *SIZE)
        assert (ahead > 0).all()
        shares = places / SIZE
        # A few vertices may lie outside.
        assert (np.abs(shares - 0.5) <= 0.5).all(axis=1).mean() > 0.99
        reaches.append(max(shares.max(), 1.0 - shares.min()))
        assert view.turn @ view.turn.T == pytest.approx(np.eye(3), abs=1e-9)
    assert max(reaches) > 0.98, "the views are from farther than needed"


def test_without_an_orbit_and_a_margin_it_is_the_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_MARGIN", 0.0)
    monkeypatch.setattr(views, "_LEFT_OUT", 0.0)
    camera = photo().shifted(0.2, -0.1)
    points = scene(camera, 1.0, 5.0)
    places, ahead = views.orbit_of(points, camera).views([(0.0, 0.0)])[0].places(points, *SIZE)
    np.testing.assert_allclose(places, camera.project(points) * (SIZE[0] / camera.width), atol=0.01)
    np.testing.assert_allclose(ahead, points[:, 2], rtol=1e-4)


def test_a_view_from_the_right_and_above_shows_near_parts_farther_left_and_down() -> None:
    camera = photo()
    points = np.array([[0, 0, 1.0], [0, 0, 4.0], [-2, -1.5, 4], [2, 1.5, 4], [-0.3, 0.2, 1], [0.3, -0.2, 1]], "f4")
    places, _ = views.orbit_of(points, camera).views([(0.1, 0.05)])[0].places(points, *SIZE)
    assert places[0, 0] < places[1, 0] - 5
    assert places[0, 1] > places[1, 1] + 3


@limits(max_examples=40, deadline=None)
@given(st.floats(0.05, 100.0), st.floats(1.01, 1000.0), st.floats(0.1, 2.0))
def test_the_parallax_and_the_angle_are_bounded(near: float, ratio: float, tangent: float) -> None:
    far = near * ratio
    angle = views.sideways(near, far, tangent)
    assert 0.0 < angle <= views.MOST_SIDEWAYS
    middle = 2.0 / (1.0 / near + 1.0 / far)
    shift = middle * math.tan(angle) * (1.0 / near - 1.0 / far) / (2.0 * tangent)
    assert shift <= views.PARALLAX * 1.001
    assert angle == pytest.approx(views.MOST_SIDEWAYS) or shift == pytest.approx(views.PARALLAX)


@pytest.mark.parametrize("is_panorama", [False, True])
def test_the_sway_is_a_loop_through_both_sides(is_panorama: bool) -> None:
    camera = Camera.panorama(400, 200, "test") if is_panorama else photo()
    points = np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32)
    if not is_panorama:
        points = scene(camera, 1.0, 3.0)
    loop = views.sway(views.orbit_of(points, camera), 24, is_panorama=is_panorama)
    assert len(loop) == 24 and len({id(view) for view in loop}) == 13
    ways = [math.atan2(view.turn[0, 2], view.turn[0, 0]) for view in loop]
    steps = np.abs(np.diff([*ways, ways[0]]))
    assert steps.max() < 0.3 * (max(ways) - min(ways)), "it jumps"
    assert math.degrees(max(ways) - min(ways)) <= 24.001
    assert ways[0] == pytest.approx(0.5 * (max(ways) + min(ways)), abs=1e-6)
    middle = np.asarray(views.orbit_of(points, camera).pivot, np.float32)[None]
    still = [view.places(middle, *SIZE)[0] for view in loop]
    np.testing.assert_allclose(still, np.broadcast_to(still[0], (24, 1, 2)), atol=0.01)
    places = [view.places(points, *SIZE)[0] / SIZE for view in loop]
    assert min(one.min() for one in places) > -0.05 and max(one.max() for one in places) < 1.05


def test_nothing_has_a_view_too() -> None:
    nothing = views.orbit_of(np.empty((0, 3), np.float32), photo())
    assert np.isfinite(views.beside(nothing, is_panorama=False).shift).all()
    assert np.isfinite(
        views.orbit_of(np.empty((0, 3), np.float32), Camera.panorama(8, 4, "")).views([(0, 0)])[0].shift
    ).all()


def test_a_sky_far_behind_does_not_make_the_rest_small() -> None:
    camera = photo()
    points = scene(camera, 1.0, 3.0)
    sky = scene(camera, 11.9, 12.0)
    alone, both = (views.orbit_of(one, camera) for one in (points, np.concatenate([sky, points])))
    assert both.points[:, 2].max() == pytest.approx(3.0)
    np.testing.assert_allclose(camera.project(both.points[:400]), camera.project(sky), atol=0.1)
    assert both.sideways == pytest.approx(alone.sideways, rel=0.2) and both.pivot == pytest.approx(alone.pivot, rel=0.2)
    shifts = [views.beside(one, is_panorama=False).shift for one in (alone, both)]
    assert shifts[1] == pytest.approx(shifts[0], abs=0.2)
    # A thing before a distant scene is no scene with a sky.
    thing = np.concatenate([points[:20] * np.float32(0.02), points])
    assert views.orbit_of(thing, camera).pivot[2] > 1.0


def test_few_outliers_do_not_make_the_rest_small() -> None:
    camera = photo()
    points = np.concatenate([scene(camera, 1.0, 2.0, seed) for seed in range(10)])
    inside = views.orbit_of(points, camera).views([(0.1, 0.0)])[0]
    far_off = np.concatenate([points, np.array([[900.0, 0.0, 1.0]], np.float32)])
    same = views.orbit_of(far_off, camera).views([(0.1, 0.0)])[0]
    assert dataclasses.astuple(same)[2] == dataclasses.astuple(inside)[2]
    assert same.shift == pytest.approx(inside.shift, abs=0.2)
