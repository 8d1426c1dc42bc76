# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.depth.numpy_network.products import by_einsum, by_library, fastest
from mono3d_addon.depth.numpy_network.workspace import Workspace


def test_memory_is_used_again() -> None:
    space = Workspace()
    first = space.take(3, 5, 7)
    assert first.dtype == np.float32 and first.shape == (3, 5, 7) and first.flags.c_contiguous
    space.give(first)
    assert np.shares_memory(space.take(2, 2), first)


def test_the_smallest_that_fits_is_lent() -> None:
    space = Workspace()
    large, small = space.take(100), space.take(10)
    space.give(large, small)
    assert np.shares_memory(space.take(9), small) and np.shares_memory(space.take(9), large)


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=40))
def test_what_is_lent_is_never_shared(requests: list[tuple[int, bool]]) -> None:
    space, lent = Workspace(), []
    for number, (size, gives_back) in enumerate(requests):
        array = space.take(size)
        array[:] = number
        lent.append((number, array))
        if gives_back:
            space.give(lent.pop(0)[1])
    assert all((array == number).all() for number, array in lent)


def test_giving_back_twice_is_a_mistake() -> None:
    space = Workspace()
    array = space.take(4)
    space.give(array)
    with pytest.raises(AssertionError):
        space.give(array)


def test_both_ways_multiply() -> None:
    random = np.random.default_rng(0)
    left, right = (random.standard_normal(shape).astype(np.float32) for shape in ((7, 33), (33, 129)))
    for way in (by_einsum, by_library, fastest()):
        out = np.full((7, 200), np.nan, np.float32)
        way(left, right, out[:, 20:149])
        np.testing.assert_allclose(out[:, 20:149], left.astype(np.float64) @ right, atol=1e-5)
        assert np.isnan(out[:, :20]).all() and np.isnan(out[:, 149:]).all()
