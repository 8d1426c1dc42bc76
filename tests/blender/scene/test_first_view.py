# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewport frames the first result, from beside the photo's camera."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mono3d_addon.blender.scene import first_view, frame, headless
from mono3d_addon.core.camera.camera import Camera
from tests.blender import made
from tests.blender.made import bpy

mathutils: Any = importlib.import_module("mathutils")


@pytest.fixture
def space() -> Any:
    headless.warm_up()
    found = next(area for screen in bpy.data.screens for area in screen.areas if area.type == "VIEW_3D").spaces.active
    found.region_3d.view_perspective = "PERSP"
    return found


def places(space: Any, size: tuple[int, int], points: np.ndarray) -> tuple[np.ndarray, Any]:
    """Returns where the viewport shows points, in units of half its size, and its axes."""
    region = space.region_3d
    turn = np.array(region.view_rotation.to_matrix())
    eye = np.array(region.view_location) + turn[:, 2] * region.view_distance
    local = (points - eye) @ turn
    assert (local[:, 2] < 0).all(), "behind the view"
    reach = 36.0 / space.lens * np.array(size) / max(size)
    return local[:, :2] / -local[:, 2:] / reach, turn


@pytest.mark.parametrize("size", [(1200, 700), (500, 900)])
@pytest.mark.parametrize(("pitch", "scale"), [(0.0, 1.0), (-0.3, 1.0), (-0.3, 100.0)])
def test_it_is_framed_from_the_right(
    space: Any, size: tuple[int, int], pitch: float, scale: float, tmp_path: Path
) -> None:
    seen_by = made.camera(400, 300, (0.05, 0.02))
    if pitch:
        seen_by = dataclasses.replace(seen_by, pitch=pitch, roll=0.1, elevation=1.5)
    result = made.reconstruction(tmp_path, seen_by, 30, 40)
    matrix = mathutils.Matrix.Translation((7.0, -2.0, 1.0)) @ mathutils.Matrix.Scale(scale, 4)
    space.region_3d.view_perspective = "CAMERA"
    first_view.look(space, first_view.Pane(*size), result, matrix)
    assert space.region_3d.view_perspective == "PERSP", "another camera may look elsewhere"
    points = frame.to_blender(result.scene_mesh.vertices) * scale + [7.0, -2.0, 1.0]
    shown, turn = places(space, size, points)
    assert (np.abs(shown) <= 1.0).all(axis=1).mean() > 0.99
    assert np.abs(shown).max() > 0.9
    photo = np.array(frame.pose(seen_by))[:3, :3] @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    between = np.degrees(np.arccos(np.clip((turn[:, 2] * photo[:, 2]).sum(), -1, 1)))
    assert 1.0 < between < 14.0
    assert turn[:, 2] @ photo[:, 0] > 0.01, "not from the right"
    assert turn[:, 0] @ photo[:, 0] > 0.9 and turn[:, 1] @ photo[:, 1] > 0.9, "not upright"


@pytest.mark.parametrize("covered", [(0, 400), (300, 0), (80, 400)])
@pytest.mark.parametrize("size", [(1200, 700), (1000, 900)])
def test_it_is_framed_beside_what_covers_the_view(
    space: Any, size: tuple[int, int], covered: tuple[int, int], tmp_path: Path
) -> None:
    seen_by = made.camera(400, 300, (0.05, 0.02))
    result = made.reconstruction(tmp_path, seen_by, 30, 40)
    first_view.look(space, first_view.Pane(*size), result, mathutils.Matrix.Identity(4))
    points = frame.to_blender(result.scene_mesh.vertices)
    region = space.region_3d

    def eye() -> Any:
        return region.view_location + region.view_rotation @ mathutils.Vector((0, 0, region.view_distance))

    free = eye()
    first_view.look(space, first_view.Pane(*size, *covered), result, mathutils.Matrix.Identity(4))
    assert (eye() - free).length < 0.2 * free.length + 0.2, "from another side"
    shown, _ = places(space, size, points)
    first, last = 2 * covered[0] / size[0] - 1, 1 - 2 * covered[1] / size[0]
    inside = (first <= shown[:, 0]) & (shown[:, 0] <= last) & (np.abs(shown[:, 1]) <= 1)
    assert inside.mean() > 0.99
    wide, high = np.ptp(shown, axis=0) / (last - first, 2.0)
    assert max(wide, high) > 0.8, "too small"


def test_it_is_seen_from_the_same_place_in_views_of_all_shapes(space: Any, tmp_path: Path) -> None:
    """A tall view has room above and below the photo's frame; that is no reason to look from below."""
    depth = np.repeat(np.linspace(21.0, 4.0, 30, dtype=np.float32)[:, None], 45, axis=1)
    depth[:10] = 400.0
    result = made.reconstruction(tmp_path, made.camera(450, 300), 30, 45, depth=depth)
    region = space.region_3d
    eyes = []
    for pane in ((1150, 730), (1150, 730, 60, 290), (800, 900), (1400, 500)):
        first_view.look(space, first_view.Pane(*pane), result, mathutils.Matrix.Identity(4))
        eyes.append(region.view_location + region.view_rotation @ mathutils.Vector((0, 0, region.view_distance)))
    np.testing.assert_allclose(eyes, [eyes[0][:]] * len(eyes), atol=0.05)
    assert eyes[0].z > 0.1, "slightly from above"


def test_other_views_stay(space: Any, tmp_path: Path) -> None:
    panorama = made.reconstruction(
        tmp_path, Camera.panorama(64, 32, "test"), 32, 64, depth=np.full((32, 64), 3.0, np.float32)
    )
    before = space.region_3d.view_location[:]
    still = mathutils.Matrix.Identity(4)
    first_view.look(space, first_view.Pane(800, 600), panorama, still)
    space.region_3d.view_perspective = "ORTHO"
    first_view.look(space, first_view.Pane(800, 600), made.reconstruction(tmp_path, made.camera(40, 30), 30, 40), still)
    assert space.region_3d.view_location[:] == before


def test_the_background_goes_with_the_photo_unless_the_user_chose_one(space: Any, tmp_path: Path) -> None:
    pixels = np.full((30, 40, 3), (30, 60, 160), np.uint8)
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40, pixels)
    shading = space.shading
    shading.type, shading.background_type = "SOLID", "THEME"
    first_view.set_background(shading, result)
    red, _, blue = shading.background_color
    assert shading.background_type == "VIEWPORT" and blue > red > 0.0
    shading.background_color = (1.0, 0.0, 0.0)
    first_view.set_background(shading, result)
    assert shading.background_color[:] == pytest.approx((1.0, 0.0, 0.0))


def test_several_results_are_framed_together(space: Any) -> None:
    points = [mathutils.Vector(place) for place in np.random.default_rng(0).uniform(-5.0, 40.0, (30, 3))]
    space.region_3d.view_rotation = mathutils.Euler((1.2, 0.1, 0.4)).to_quaternion()
    first_view.look_at_all(space, first_view.Pane(900, 500), points)
    shown, _ = places(space, (900, 500), np.array(points))
    assert 0.85 < np.abs(shown).max() < 0.95
    before = space.region_3d.view_location[:]
    space.region_3d.view_perspective = "CAMERA"
    first_view.look_at_all(space, first_view.Pane(900, 500), [2.0 * point for point in points])
    assert space.region_3d.view_location[:] == before


def test_several_results_are_framed_beside_what_covers_the_view(space: Any) -> None:
    points = [mathutils.Vector(place) for place in np.random.default_rng(0).uniform(-5.0, 40.0, (30, 3))]
    space.region_3d.view_rotation = mathutils.Euler((1.2, 0.1, 0.4)).to_quaternion()
    first_view.look_at_all(space, first_view.Pane(900, 500, 50, 300), points)
    shown, _ = places(space, (900, 500), np.array(points))
    first, last = 100 / 900 - 1, 1 - 600 / 900
    middle, half = 0.5 * (first + last), 0.5 * (last - first)
    across = np.abs(shown[:, 0] - middle) / half
    assert 0.85 < max(across.max(), np.abs(shown[:, 1]).max()) < 0.95


def test_the_corners_of_a_result_leave_out_its_sky(tmp_path: Path) -> None:
    depth = np.full((30, 40), 2.0, np.float32)
    depth[:10] = 100.0
    result = made.reconstruction(tmp_path, made.camera(40, 30), 30, 40, depth=depth)
    matrix = mathutils.Matrix.Translation((0.0, 50.0, 0.0))
    places = np.array(first_view.corners(result, matrix))
    assert places.shape == (8, 3) and places[:, 1].min() == pytest.approx(52.0) and places[:, 1].max() < 53.0


@pytest.mark.parametrize("aspect", [1.0, 1.5])
def test_only_looking_shows_all_that_the_camera_sees_from_its_place(space: Any, aspect: float) -> None:
    seen_by = made.camera(400, 300, (0.1, -0.05), aspect)
    eye = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
    eye.matrix_world = (
        mathutils.Matrix.Translation((3.0, 2.0, 1.0)) @ mathutils.Euler((1.4, 0.2, 0.5)).to_matrix().to_4x4()
    )
    space.region_3d.view_perspective = "CAMERA"
    first_view.look_from(space, first_view.Pane(900, 500), seen_by, eye)
    assert space.region_3d.view_perspective == "PERSP"
    corners = np.array(
        [[(x - seen_by.cx) / seen_by.fx * 5, (y - seen_by.cy) / seen_by.fy * 5, 5] for x in (0, 400) for y in (0, 300)]
    )
    points = np.array([eye.matrix_world @ mathutils.Vector((x, -y, -z)) for x, y, z in corners])
    shown, turn = places(space, (900, 500), points)
    assert np.abs(shown).max() == pytest.approx(1.0, abs=1e-3)
    region = space.region_3d
    viewpoint = np.array(region.view_location) + turn[:, 2] * region.view_distance
    assert viewpoint == pytest.approx([3.0, 2.0, 1.0], abs=1e-5)
