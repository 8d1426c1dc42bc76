# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.principal_axes import principal_axes


@given(st.floats(-1.5, 1.5), st.floats(-50.0, 50.0), st.integers(0, 1000))
def test_the_axes_of_two_groups_are_their_own(angle: float, shift: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    u, v = 5.0 * random.standard_normal(200), 0.5 * random.standard_normal(200)
    group = random.permutation(np.arange(200) % 2)
    turn = np.where(group == 0, angle, angle + 0.7)
    x, y = shift + u * np.cos(turn) - v * np.sin(turn), -shift + u * np.sin(turn) + v * np.cos(turn)
    found = principal_axes(x, y, group)
    for number in (0, 1):
        inside = group == number
        values, vectors = np.linalg.eigh(np.cov(x[inside], y[inside], bias=True))
        assert (found.least[number], found.most[number]) == pytest.approx(tuple(values), rel=1e-6, abs=1e-9)
        direction = np.array([math.cos(found.angle[number]), math.sin(found.angle[number])])
        assert abs(float(direction @ vectors[:, 1])) == pytest.approx(1.0, abs=1e-9)
        assert (found.x[number], found.y[number]) == pytest.approx((x[inside].mean(), y[inside].mean()))
        places = np.stack([x[inside] - found.x[number], y[inside] - found.y[number]], axis=1)
        np.testing.assert_allclose(found.along[inside], places @ direction, atol=1e-9)


def test_a_row_of_points_has_no_width() -> None:
    found = principal_axes(np.arange(5.0), np.full(5, 3.0), np.zeros(5, np.intp))
    assert (float(found.angle[0]), float(found.least[0])) == (0.0, 0.0) and float(found.most[0]) == pytest.approx(2.0)
    one = principal_axes(np.array([2.0]), np.array([7.0]), np.zeros(1, np.intp))
    assert (one.x[0], one.y[0], one.most[0], one.least[0], one.along[0]) == (2.0, 7.0, 0.0, 0.0, 0.0)
