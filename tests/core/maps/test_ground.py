# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera, directions
from mono3d_addon.core.maps.ground import camera_on_ground, find_ground

VIEW = Camera.from_field_of_view(320, 240, math.radians(60), "test")


def rays(view: Camera, rows: int, columns: int) -> NDArray[np.float64]:
    """Returns the point of each cell at depth 1 (for a panorama: distance 1), float64 (rows, columns, 3)."""
    ones = np.ones((rows, columns), np.float32)
    return view.back_project(ones).reshape(rows, columns, 3).astype(np.float64)


def street(
    view: Camera, wall: float = 12.0, noise: float = 0.003, rows: int = 120, columns: int = 160
) -> NDArray[np.float32]:
    """Returns the depth of a floor, a wall at the given distance and a box, for a camera with a pose."""
    ray = rays(view, rows, columns) @ view.rotation.T
    start = np.array([0.0, -view.elevation, 0.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(ray[..., 1] > 0, -start[1] / ray[..., 1], np.inf)
        front = np.where(ray[..., 2] > 0, wall / ray[..., 2], np.inf)
        box = np.where(ray[..., 2] > 0, 4.0 / ray[..., 2], np.inf)
        at = start + ray * box[..., None]
    box[(np.abs(at[..., 0] - 0.5) > 0.5) | (at[..., 1] < -0.8) | (at[..., 1] > 0)] = np.inf
    depth = np.minimum(np.minimum(floor, front), box)
    depth[~np.isfinite(depth)] = 50.0
    return np.asarray(depth * np.random.default_rng(0).normal(1.0, noise, depth.shape), np.float32)


def held(pitch: float, roll: float, elevation: float = 1.6) -> Camera:
    return dataclasses.replace(VIEW, pitch=math.radians(pitch), roll=math.radians(roll), elevation=elevation)


def level(camera: Camera) -> Camera:
    return dataclasses.replace(camera, pitch=0.0, roll=0.0, elevation=0.0)


@pytest.mark.parametrize("pitch", [-35.0, -12.0, 0.0, 5.0])
@pytest.mark.parametrize("roll", [-10.0, 0.0, 4.0])
@pytest.mark.parametrize("scale", [1.0, 0.01, 300.0])
def test_the_ground_gives_back_how_the_camera_was_held(pitch: float, roll: float, scale: float) -> None:
    true = held(pitch, roll)
    found = camera_on_ground(level(true), street(true) * np.float32(scale))
    assert found is not None
    assert math.degrees(found.pitch) == pytest.approx(pitch, abs=0.6)
    assert math.degrees(found.roll) == pytest.approx(roll, abs=0.6)
    assert found.elevation == pytest.approx(1.6 * scale, rel=0.02)


def test_the_floor_comes_to_lie_at_height_zero() -> None:
    true = held(-15.0, 3.0)
    depth = street(true, noise=0.0)
    found = camera_on_ground(level(true), depth)
    assert found is not None
    places = found.to_scene(found.back_project(depth))
    ray = (rays(true, *depth.shape) @ true.rotation.T).reshape(-1, 3)
    floor = (ray[:, 1] > 0) & (1.6 / np.maximum(ray[:, 1], 1e-9) < depth.ravel() * 1.0001)
    assert floor.sum() > 3000
    assert np.abs(places[floor, 1]).max() < 0.02


def test_it_is_the_same_each_time() -> None:
    true = held(-15.0, 3.0)
    depth = street(true, noise=0.02)
    assert camera_on_ground(level(true), depth) == camera_on_ground(level(true), depth)


def test_a_panorama_stands_too() -> None:
    true = dataclasses.replace(
        Camera.panorama(400, 200, "test"), pitch=math.radians(4), roll=math.radians(-3), elevation=1.5
    )
    ray = rays(true, 100, 200) @ true.rotation.T
    with np.errstate(divide="ignore"):
        floor = np.where(ray[..., 1] > 0, 1.5 / ray[..., 1], np.inf)
        wall = 5.0 / np.abs(ray[..., [0, 2]]).max(axis=2)
        ceiling = np.where(ray[..., 1] < 0, -1.5 / ray[..., 1], np.inf)
    found = camera_on_ground(level(true), np.minimum(np.minimum(floor, wall), ceiling).astype(np.float32))
    assert found is not None
    assert math.degrees(found.pitch) == pytest.approx(4.0, abs=0.5)
    assert math.degrees(found.roll) == pytest.approx(-3.0, abs=0.5)
    assert found.elevation == pytest.approx(1.5, rel=0.02)


def wall_only() -> NDArray[np.float32]:
    return np.full((120, 160), 3.0, np.float32)


def ceiling_only() -> NDArray[np.float32]:
    return street(held(0.0, 0.0))[::-1]


def ball() -> NDArray[np.float32]:
    y, x = np.mgrid[-1:1:120j, -1:1:160j]
    return np.asarray(2.0 - np.sqrt(np.maximum(0.0, 1.0 - x**2 - y**2)), np.float32)


def noise() -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(1.0, 6.0, (120, 160)).astype(np.float32)


def steep_slope() -> NDArray[np.float32]:
    """Returns a side wall: a plane that is not ground."""
    return np.asarray(1.0 / np.linspace(0.2, 1.0, 160)[None, :].repeat(120, 0), np.float32)


@pytest.mark.parametrize("make", [wall_only, ceiling_only, ball, noise, steep_slope])
def test_without_a_ground_nothing_is_found(make: object) -> None:
    assert callable(make)
    assert find_ground(VIEW, make()) is None


def test_what_is_masked_does_not_count() -> None:
    depth = street(held(-10.0, 0.0))
    lower = np.zeros(depth.shape, bool)
    lower[:50] = True
    assert find_ground(VIEW, depth) is not None
    assert find_ground(VIEW, depth, lower) is None
    assert find_ground(VIEW, np.full((120, 160), np.nan, np.float32)) is None


ANGLES = some.floats(-1.0, 1.0)


@given(ANGLES, ANGLES, some.floats(0.1, 50.0))
def test_the_scene_frame_is_a_rigid_motion_with_up_upwards(pitch: float, roll: float, elevation: float) -> None:
    camera = dataclasses.replace(VIEW, pitch=pitch, roll=roll, elevation=elevation)
    turn = camera.rotation
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    np.testing.assert_allclose(turn @ camera.up, [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(camera.to_scene(np.zeros((1, 3), np.float32)), [[0, -elevation, 0]], rtol=1e-6)
    forward = turn @ [0, 0, 1]
    assert forward[0] == pytest.approx(0.0, abs=1e-9) and forward[2] > 0
    assert forward[1] == pytest.approx(-math.sin(pitch)), "a camera that looks up looks up"


@given(ANGLES, ANGLES)
def test_the_horizon_is_where_level_rays_go(pitch: float, roll: float) -> None:
    camera = dataclasses.replace(VIEW, pitch=pitch, roll=roll, elevation=1.0)
    for x, y in zip((0.0, camera.width), camera.horizon(), strict=True):
        ray = np.array([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, 1.0])
        assert (camera.rotation @ ray)[1] == pytest.approx(0.0, abs=1e-9)


@given(ANGLES, ANGLES)
def test_the_horizon_of_a_panorama_is_where_level_rays_go(pitch: float, roll: float) -> None:
    camera = dataclasses.replace(Camera.panorama(400, 200, "test"), pitch=pitch, roll=roll, elevation=1.0)
    for longitude, y in zip((0.0, math.pi), camera.horizon(), strict=True):
        ray = directions(np.array([longitude]), np.array([(y - camera.cy) / camera.fy]))[0]
        assert (camera.rotation @ ray)[1] == pytest.approx(0.0, abs=1e-9)


def test_a_camera_without_a_ground_changes_nothing() -> None:
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert VIEW.to_scene(points) is points and VIEW.directions_to_scene(points) is points
