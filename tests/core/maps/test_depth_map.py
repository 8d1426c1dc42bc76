# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_map import depth_map
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.core.scene_guess import Measures
from mono3d_addon.settings import Settings


def photo(rows: int, columns: int) -> Photo:
    return Photo(Path("a.png"), np.full((rows, columns, 3), 128, np.uint8), None, Lens(), "")


@pytest.mark.parametrize("detail", [64, 160])
def test_a_deep_step_does_not_overshoot_to_behind_the_camera(detail: int) -> None:
    depth = np.full((240, 320), 900.0, np.float32)
    depth[100:, 150:] = 2.0
    measures = Measures(2.0, 900.0, "metres")
    settings = Settings(near=2.0, far=900.0, detail=detail)
    found, _ = depth_map(1.0 / depth, photo(240, 320), settings, measures=measures)
    assert found.min() > 1.9 and found.max() < 2000.0 and np.isfinite(found).all()


def test_what_is_measured_keeps_its_values_beyond_near_and_far() -> None:
    depth = np.linspace(1.0, 50.0, 64 * 48, dtype=np.float32).reshape(48, 64)
    settings = Settings(near=2.0, far=40.0, detail=64, edge_aware=False)
    found, _ = depth_map(1.0 / depth, photo(48, 64), settings, measures=Measures(2.0, 40.0, "metres"))
    np.testing.assert_allclose(found, depth, rtol=1e-4)
    # Twice the distances are twice the depth; a network's percentiles have no say.
    settings = Settings(near=4.0, far=80.0, detail=64, edge_aware=False, percentile=10.0)
    found, _ = depth_map(1.0 / depth, photo(48, 64), settings, measures=Measures(2.0, 40.0, "metres"))
    np.testing.assert_allclose(found, 2.0 * depth, rtol=1e-4)
