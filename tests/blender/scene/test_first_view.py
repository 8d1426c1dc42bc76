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
@pytest.mark.parametrize("pitch", [0.0, -0.3])
def test_it_is_framed_from_the_right(space: Any, size: tuple[int, int], pitch: float, tmp_path: Path) -> None:
    seen_by = made.camera(400, 300, (0.05, 0.02))
    if pitch:
        seen_by = dataclasses.replace(seen_by, pitch=pitch, roll=0.1, elevation=1.5)
    result = made.reconstruction(tmp_path, seen_by, 30, 40)
    first_view.look(space, size, result)
    points = frame.to_blender(result.scene_mesh.vertices)
    shown, turn = places(space, size, points)
    assert (np.abs(shown) <= 1.0).all(axis=1).mean() > 0.99
    assert np.abs(shown).max() > 0.9
    photo = np.array(frame.pose(seen_by))[:3, :3] @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    between = np.degrees(np.arccos(np.clip((turn[:, 2] * photo[:, 2]).sum(), -1, 1)))
    assert 1.0 < between < 14.0
    assert turn[:, 2] @ photo[:, 0] > 0.01, "not from the right"
    assert turn[:, 0] @ photo[:, 0] > 0.9 and turn[:, 1] @ photo[:, 1] > 0.9, "not upright"


def test_other_views_stay(space: Any, tmp_path: Path) -> None:
    panorama = made.reconstruction(
        tmp_path, Camera.panorama(64, 32, "test"), 32, 64, depth=np.full((32, 64), 3.0, np.float32)
    )
    before = space.region_3d.view_location[:]
    first_view.look(space, (800, 600), panorama)
    space.region_3d.view_perspective = "ORTHO"
    first_view.look(space, (800, 600), made.reconstruction(tmp_path, made.camera(40, 30), 30, 40))
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


def test_only_an_untouched_default_cube_that_encloses_the_camera_is_hidden() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene, layer = bpy.context.scene, bpy.context.view_layer
    cube = scene.objects["Cube"]
    eye = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
    scene.collection.objects.link(eye)

    def hides() -> bool:
        layer.update()
        return bool(first_view.hide_default_cube(scene, layer, eye))

    eye.location.z = 1.5
    assert not hides(), "the camera is above it"
    eye.location.z = 0.0
    cube.location.x = 0.5
    assert not hides(), "it was moved"
    cube.location.x = 0.0
    cube.data.vertices[0].co.x = 1.5
    assert not hides(), "it was edited"
    cube.data.vertices[0].co.x = 1.0
    modifier = cube.modifiers.new("Bevel", "BEVEL")
    assert not hides()
    cube.modifiers.remove(modifier)
    assert hides() and cube.hide_get() and cube.hide_render
    assert not hides(), "it is hidden already"
