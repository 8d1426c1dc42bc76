# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mono3d_addon.depth import scene_vector


def test_a_vector_says_distances_lens_and_kind() -> None:
    vector = np.log([2.0, 30.0, 0.8, 0.3, 0.5, 0.1, 1.0, 1.0, 6.0, 1.0, 1.0, 2.0]).astype(np.float32)
    scene = scene_vector.scene_of(vector)
    assert scene.near is not None and scene.far is not None and scene.focal is not None
    found = [(one.value, one.deviation) for one in (scene.near, scene.far, scene.focal)]
    np.testing.assert_allclose(found, [(2.0, 0.3), (30.0, 0.5), (0.8, 0.1)], rtol=1e-5)
    assert scene.kinds == pytest.approx(
        dict(zip(scene_vector.KINDS, (1 / 12, 1 / 12, 0.5, 1 / 12, 1 / 12, 1 / 6), strict=True))
    )


@given(arrays(np.float32, scene_vector.LENGTH, elements=st.floats(-1e4, 1e4, width=32)))
def test_any_numbers_give_a_possible_scene(vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    scene = scene_vector.scene_of(vector)
    for guess in (scene.near, scene.far, scene.focal):
        assert guess is not None and 0.0 < guess.value < math.inf
        assert scene_vector.SMALLEST_DEVIATION * 0.999 <= guess.deviation <= scene_vector.LARGEST_DEVIATION * 1.001
    assert sum(scene.kinds.values()) == pytest.approx(1.0)


def test_a_mean_of_logarithms_is_a_geometric_mean() -> None:
    one, other = np.zeros((2, scene_vector.LENGTH), np.float32)
    one[0], other[0] = math.log(2.0), math.log(8.0)
    near = scene_vector.scene_of(scene_vector.averaged([one, other])).near
    assert near is not None and near.value == pytest.approx(4.0)
