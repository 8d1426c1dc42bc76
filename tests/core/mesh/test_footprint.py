# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a grid cell in the scene."""

from __future__ import annotations

import numpy as np
import pytest

from mono3d_addon.core.mesh.footprint import cell_size, median_footprint
from mono3d_addon.errors import Mono3DError
from tests.core import scenes


def test_the_footprint_is_the_distance_between_neighbouring_points_of_a_wall() -> None:
    view = scenes.camera(400, 300)
    depth = np.full((75, 100), 3.0, np.float32)
    points = view.back_project(depth)
    assert median_footprint(depth, view) == pytest.approx(np.linalg.norm(points[1] - points[0]), rel=1e-5)
    assert cell_size(depth.size, view) == pytest.approx(4.0)


def test_unknown_depths_do_not_count_and_the_footprint_grows_with_the_scene() -> None:
    view = scenes.camera(400, 300)
    depth = np.full((75, 100), 3.0, np.float32)
    plain = median_footprint(depth, view)
    depth[:40] = np.nan
    depth[40] = np.inf
    depth[41] = -1
    assert median_footprint(depth, view) == pytest.approx(plain)
    assert median_footprint(depth * np.float32(1000), view) == pytest.approx(1000 * plain)


def test_a_map_without_distances_is_a_clear_error() -> None:
    with pytest.raises(Mono3DError, match="no distances"):
        median_footprint(np.full((3, 4), np.nan, np.float32), scenes.camera())
