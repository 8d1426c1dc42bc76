# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.maps.relief import with_relief
from mono3d_addon.core.mesh.footprint import median_footprint
from tests.core import scenes


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((60, 80, 3)).astype(np.float32)


def test_none_by_default_changes_nothing() -> None:
    depth = np.full((60, 80), 3.0, np.float32)
    assert with_relief(depth, noise(0), scenes.camera(80, 60), 0.0, 0.04) is depth


@given(st.integers(0, 2**31), st.floats(0.1, 5.0))
def test_it_is_never_higher_than_asked_for(seed: int, strength: float) -> None:
    view = scenes.camera(80, 60)
    depth = np.full((60, 80), 3.0, np.float32)
    raised = with_relief(depth, noise(seed), view, strength, 0.04)
    assert np.abs(raised - depth).max() <= strength * median_footprint(depth, view) * 1.001
    assert np.abs(raised - depth).max() > 0


def test_bright_lines_come_forward() -> None:
    guide = np.full((60, 80, 3), 0.3, np.float32)
    guide[:, 40:42] = 0.6
    raised = with_relief(np.full((60, 80), 3.0, np.float32), guide, scenes.camera(80, 60), 1.0, 0.04)
    assert raised[30, 40] < 3.0 and raised[30, 20] == pytest.approx(3.0)


def test_it_keeps_away_from_tears() -> None:
    depth = np.full((60, 80), 4.0, np.float32)
    depth[:, 40:] = 2.0
    raised = with_relief(depth, noise(2), scenes.camera(80, 60), 2.0, 0.04)
    assert np.allclose(raised[:, 36:44], depth[:, 36:44], rtol=1e-5)
    assert not np.array_equal(raised[:, :10], depth[:, :10])
