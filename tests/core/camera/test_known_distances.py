# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.camera.known_distances import KnownDistances, Sighting, sighting
from mono3d_addon.core.maps.disparity import to_depth
from mono3d_addon.errors import Mono3DError

NEAR = st.floats(0.01, 100.0)
RATIO = st.floats(1.05, 200.0)
PLACE = st.tuples(st.floats(0.0, 400.0), st.floats(0.0, 300.0))
DISPARITY = st.floats(0.0, 1.3)
ANGLE = st.floats(10.0, 120.0)


def camera(degrees: float = 55.0) -> Camera:
    return Camera.from_field_of_view(400, 300, math.radians(degrees), "test")


@given(NEAR, RATIO, NEAR, RATIO, PLACE, PLACE, DISPARITY, DISPARITY, ANGLE)
def test_two_distances_from_the_camera_give_back_the_true_near_and_far(
    near: float,
    ratio: float,
    other_near: float,
    other_ratio: float,
    one: tuple[float, float],
    two: tuple[float, float],
    first: float,
    second: float,
    degrees: float,
) -> None:
    """The points come from a mesh with wrong near and far, the distances from the true scene."""
    assume(abs(first - second) > 0.01)
    eye = camera(degrees)
    shown = [
        Sighting(*place, v).point(eye, other_near, other_near * other_ratio)
        for place, v in ((one, first), (two, second))
    ]
    sightings = [sighting(point, eye, other_near, other_near * other_ratio) for point in shown]
    true = [seen.point(eye, near, near * ratio) for seen in sightings]
    known = KnownDistances(sightings[0], sightings[1], tuple(math.hypot(*point) for point in true))
    solved = known.solve(eye, other_near, other_near * other_ratio)
    assert solved == pytest.approx((near, near * ratio), rel=1e-4)
    for seen, distance in zip(sightings, known.distances, strict=True):
        assert math.hypot(*seen.point(eye, *solved)) == pytest.approx(distance, rel=1e-9)


@given(NEAR, RATIO, PLACE, PLACE, DISPARITY, DISPARITY, ANGLE, st.floats(0.01, 1000.0))
def test_a_distance_between_points_settles_the_scale_alone(
    near: float,
    ratio: float,
    one: tuple[float, float],
    two: tuple[float, float],
    first: float,
    second: float,
    degrees: float,
    wanted: float,
) -> None:
    assume(math.dist(one, two) > 1.0)
    eye = camera(degrees)
    known = KnownDistances(Sighting(*one, first), Sighting(*two, second), (wanted,))
    solved = known.solve(eye, near, near * ratio)
    assert solved[1] / solved[0] == pytest.approx(ratio)
    ends = [seen.point(eye, *solved) for seen in (known.first, known.second)]
    assert math.dist(*ends) == pytest.approx(wanted, rel=1e-6)
    assert known.solve(eye, *solved) == pytest.approx(solved, rel=1e-9)


@given(NEAR, RATIO, DISPARITY)
def test_disparity_means_the_same_as_in_the_depth_map(near: float, ratio: float, disparity: float) -> None:
    z = Sighting(200.0, 150.0, disparity).point(camera(), near, near * ratio)[2]
    assert z == pytest.approx(float(to_depth(np.array([disparity], np.float32), near, near * ratio)[0]), rel=1e-5)


def test_what_is_impossible_is_one_sentence() -> None:
    eye = camera()
    near, far = Sighting(200.0, 150.0, 0.9), Sighting(200.0, 150.0, 0.2)
    cases = [
        (KnownDistances(near, Sighting(100.0, 150.0, 0.9), (1.0, 2.0)), "same estimated depth"),
        (KnownDistances(near, far, (3.0, 2.0)), "swap the two"),
        (KnownDistances(near, far, (2.0, 2.0)), "swap the two"),
        (KnownDistances(near, far, (1.0, 10.0)), "behind the camera"),
        (KnownDistances(near, far, (0.0, 2.0)), "greater than 0"),
        (KnownDistances(near, far, (math.nan,)), "greater than 0"),
        (KnownDistances(near, near, (1.0,)), "same position"),
    ]
    for known, words in cases:
        with pytest.raises(Mono3DError, match=words):
            known.solve(eye, 1.0, 6.0)
    for z in (0.0, -1.0, math.nan):
        with pytest.raises(Mono3DError, match="behind the camera"):
            sighting((0.0, 0.0, z), eye, 1.0, 6.0)


def test_it_is_stored_as_text() -> None:
    known = KnownDistances(Sighting(1.5, 2.5, 0.75), Sighting(3.0, 4.0, 0.1), (1.25, 3.5))
    assert KnownDistances.from_json(known.to_json()) == known
    for text in ("", "{}", "[]", '{"first": 1, "second": 2, "distances": [1]}'):
        with pytest.raises(Mono3DError, match="cannot be read"):
            KnownDistances.from_json(text)


def test_a_measured_depth_is_only_scaled() -> None:
    eye = camera(50.0)
    first, second = Sighting(100.0, 80.0, 0.9), Sighting(300.0, 200.0, 0.2)
    now = [math.hypot(*one.point(eye, 1.0, 8.0)) for one in (first, second)]
    exact = KnownDistances(first, second, (2.0 * now[0], 2.0 * now[1]), keeps_ratio=True)
    assert exact.solve(eye, 1.0, 8.0) == pytest.approx((2.0, 16.0))
    # Distances that contradict each other are both missed by the same factor.
    between = KnownDistances(first, second, (2.0 * now[0], 8.0 * now[1]), keeps_ratio=True)
    assert between.solve(eye, 1.0, 8.0) == pytest.approx((4.0, 32.0))
    assert KnownDistances.from_json(between.to_json()) == between
    assert not KnownDistances.from_json(between.to_json().replace(', "keeps_ratio": true', "")).keeps_ratio
