# SPDX-License-Identifier: GPL-3.0-or-later
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.camera.depth_strength import strengthened
from mono3d_addon.core.maps.disparity import to_depth
from mono3d_addon.settings import Settings

BASE = Settings(near=1.0, far=4.0)


@given(st.floats(0.01, 1e5), st.floats(1.05, 100.0))
def test_strength_1_changes_nothing(near: float, ratio: float) -> None:
    settings = Settings(near=near, far=min(near * ratio, 1e6))
    assert strengthened(settings) == settings


@given(st.floats(0.05, 4.0))
def test_the_ratio_is_raised_and_the_middle_stays(strength: float) -> None:
    found = strengthened(replace(BASE, depth_strength=strength))
    assert found.depth_strength == 1.0
    assert found.far / found.near == pytest.approx(4.0**strength)
    assert math.sqrt(found.near * found.far) == pytest.approx(2.0)
    assert replace(found, near=1.0, far=4.0) == BASE


def test_a_plane_stays_a_plane() -> None:
    disparity = np.linspace(0.0, 1.0, 9, dtype=np.float32)
    found = strengthened(replace(BASE, depth_strength=2.0))
    inverse = 1.0 / to_depth(disparity, found.near, found.far)
    assert inverse == pytest.approx(np.linspace(1.0 / 8.0, 1.0 / 0.5, 9), rel=1e-6)


def test_extremes_stay_within_the_bounds_of_near_and_far() -> None:
    found = strengthened(Settings(near=0.01, far=1e5, depth_strength=4.0))
    assert (found.near, found.far) == (0.001, 1e6)
