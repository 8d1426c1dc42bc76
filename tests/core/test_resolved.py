# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_values import DepthValues
from mono3d_addon.core.resolved import resolved
from mono3d_addon.core.scene_guess import Guess, SceneGuess, from_json, to_json
from mono3d_addon.settings import Settings

GUESS = SceneGuess(Guess(0.4, 0.01), Guess(0.9, 0.01), Guess(1.1, 0.01), {"object": 0.75, "room": 0.25})


@pytest.mark.parametrize("side", [40, 1500])
def test_a_depth_map_in_metres_tells_near_and_far(side: int) -> None:
    values = np.random.default_rng(1).uniform(2.0, 8.0, (side, side)).astype(np.float32)
    values[::7], values[1, :2] = np.nan, (0.0, 5000.0)
    own = DepthValues(values, "metres")
    found = resolved(Settings(), (80, 80), Lens(), own, None, is_panorama=False)
    assert (found.near.value, found.far.value) == pytest.approx((2.06, 7.94), abs=0.06)
    assert found.near.source == found.far.source == "from the file" and found.notes == ()
    relative = resolved(Settings(), (80, 80), Lens(), DepthValues(values, "disparity"), None, is_panorama=False)
    assert relative.near.source == "typical" and relative.notes
    nothing = DepthValues(np.full((4, 4), np.nan, np.float32), "metres")
    assert resolved(Settings(), (80, 80), Lens(), nothing, None, is_panorama=False).near.source == "typical"


def test_the_lens_comes_from_the_file_then_from_the_guess() -> None:
    told = resolved(Settings(), (600, 400), Lens(focal_length_35mm=36.0), None, GUESS, is_panorama=False)
    assert told.field_of_view.source == "from the file" and told.near.source == "estimated"
    guessed = resolved(Settings(), (400, 600), Lens(), None, GUESS, is_panorama=False)
    assert guessed.field_of_view.source == "estimated"
    assert guessed.field_of_view.value == pytest.approx(2.0 * math.atan(0.5 / 1.1), rel=1e-3)
    around = resolved(Settings(field_of_view=40.0), (800, 400), Lens(), None, None, is_panorama=True)
    assert around.field_of_view.value == pytest.approx(2.0 * math.pi) and around.field_of_view.is_known
    assert around.pinned_to(Settings()).field_of_view == 0.0


def test_guesses_survive_json() -> None:
    for scene in (None, SceneGuess(), GUESS):
        assert from_json(to_json(scene)) == scene
