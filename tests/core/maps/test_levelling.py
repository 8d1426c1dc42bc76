# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene is set upright on an estimated ground only as far as that can be trusted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.camera.uprights import find_uprights
from mono3d_addon.core.maps.levelling import NO_GROUND, levelled
from tests.core.maps.test_ground import VIEW, held, level, street

_FINE = 4


def room(roll: float, pitch: float = 0.0, seed: int = 0) -> NDArray[np.uint8]:
    """Returns the photo of walls with posts, panels and stripes of wallpaper, for a camera held like this, degrees."""
    camera = held(pitch, roll)
    # As a lens does, average what each pixel sees: jagged edges would all be upright.
    rows, columns = _FINE * VIEW.height, _FINE * VIEW.width
    ones = np.ones((rows, columns), np.float32)
    ray = VIEW.back_project(ones).reshape(rows, columns, 3) @ camera.rotation.T
    rng = np.random.default_rng(seed)
    # Upright stripes at all angles around the camera are what walls show; the floor below has none.
    angle = np.arctan2(ray[..., 0], ray[..., 2])
    edges = np.sort(rng.uniform(-1.2, 1.2, 40))
    shades = rng.integers(40, 220, 41)
    picture = shades[np.searchsorted(edges, angle)].astype(np.float64)
    picture[ray[..., 1] > 0.6] = 128.0
    picture = picture.reshape(VIEW.height, _FINE, VIEW.width, _FINE).mean(axis=(1, 3))
    picture += rng.normal(0.0, 3.0, picture.shape)
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def meadow() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 255, (VIEW.height, VIEW.width, 3), dtype=np.uint8)


@pytest.mark.parametrize("roll", [-9.0, -2.0, 0.0, 3.0, 8.0])
@pytest.mark.parametrize("pitch", [-25.0, 0.0, 10.0])
def test_upright_edges_tell_the_roll(roll: float, pitch: float) -> None:
    found = find_uprights(room(roll, pitch), VIEW)
    assert found is not None and found.is_clear
    assert math.degrees(found.roll) == pytest.approx(roll, abs=0.7)
    assert abs(found.likely) <= abs(found.roll)


def test_without_upright_edges_nothing_is_clear() -> None:
    found = find_uprights(meadow(), VIEW)
    assert found is None or not found.is_clear
    assert find_uprights(np.full((240, 320, 3), 90, np.uint8), VIEW) is None


def test_a_sloped_ground_does_not_roll_a_level_camera() -> None:
    """A network's floor slopes by 5.6 degrees sideways, while the edges of the room are upright."""
    depth = street(held(-12.0, 5.6), noise=0.01)
    for pixels in (room(0.0, -12.0), meadow()):
        found = levelled(VIEW, depth, None, pixels)
        assert found.camera is not None
        assert abs(math.degrees(found.camera.roll)) < 0.7, "a kitchen was rolled by 5.6 degrees"
        assert math.degrees(found.camera.pitch) == pytest.approx(-12.0, abs=1.0)
        assert found.camera.elevation == pytest.approx(1.6, rel=0.05)
        assert "looks 12 degrees down and is not rolled" in found.note
    assert "to about 5." in found.note and "held level" in found.note


def test_a_camera_that_was_rolled_is_set_upright() -> None:
    found = levelled(VIEW, street(held(-10.0, 7.0)), None, room(7.0, -10.0))
    assert found.camera is not None and 5.5 < math.degrees(found.camera.roll) < 7.5
    assert "by upright edges" in found.note and "to about 1.5 degrees" in found.note


def test_a_ground_that_slopes_too_much_is_not_trusted() -> None:
    found = levelled(VIEW, street(held(-10.0, 12.0)), None, room(0.0, -10.0))
    assert found.camera is None and "slopes sideways by 12 degrees" in found.note and "not levelled" in found.note


def test_exact_depth_is_trusted() -> None:
    found = levelled(VIEW, street(held(-10.0, 12.0)), None, None)
    assert found.camera is not None and math.degrees(found.camera.roll) == pytest.approx(12.0, abs=0.6)
    assert (
        found.note
        == "Levelled on the ground of the depth map: the camera looks 10 degrees down and is rolled by 12 degrees."
    )
    assert levelled(level(VIEW), np.full((120, 160), 3.0, np.float32), None, None).note == NO_GROUND
