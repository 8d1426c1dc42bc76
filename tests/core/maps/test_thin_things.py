# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.arrays import Floats
from mono3d_addon.core.maps.thin_things import with_straight_bars

ROWS, COLUMNS = 240, 320
JUMP = 0.04
Y, X = np.mgrid[:ROWS, :COLUMNS].astype(np.float32)


def floor() -> Floats:
    return (0.1 + 0.2 * Y / ROWS).astype(np.float32)


def bar(
    turn: float = 0.0, wave: float = 0.0, width: float = 6.0
) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Returns a map of a floor with a straight bar before it, and where the bar is.

    Its inverse depth is linear along it, but for a wave of a height relative to it.
    """
    along = (X - COLUMNS / 2) * np.sin(turn) + (Y - ROWS / 2) * np.cos(turn)
    across = (X - COLUMNS / 2) * np.cos(turn) - (Y - ROWS / 2) * np.sin(turn)
    where = (np.abs(along) < 70) & (np.abs(across) < width / 2)
    straight = 0.6 + 0.001 * along
    return np.where(where, straight * (1 + wave * np.sin(along / 9)), floor()).astype(np.float32), where


@pytest.mark.parametrize("turn", [0.0, 0.4, np.pi / 2, 2.0])
@pytest.mark.parametrize("wave", [0.05, 0.15])
def test_a_wavy_bar_becomes_straight(turn: float, wave: float) -> None:
    wavy, where = bar(turn, wave)
    truth, _ = bar(turn)
    found = with_straight_bars(wavy, JUMP)
    before, after = (np.abs(one[where] / truth[where] - 1.0) for one in (wavy, found))
    assert np.sqrt(np.square(after).mean()) < 0.35 * np.sqrt(np.square(before).mean())
    np.testing.assert_array_equal(found[~where], wavy[~where])


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_a_straight_bar_stays_as_it_is(turn: float) -> None:
    straight, _ = bar(turn)
    np.testing.assert_allclose(with_straight_bars(straight, JUMP), straight, rtol=2e-4)


def test_what_is_wide_short_or_behind_does_not_change() -> None:
    ball = np.hypot(X - 160, Y - 120) < 30
    spot = np.hypot(X - 60, Y - 60) < 4
    gap, _ = bar()
    for values in (
        np.where(ball, 0.6 + 0.1 * np.sin(X / 9), floor()),
        np.where(spot, 0.8 + 0.1 * np.sin(X), floor()),
        bar(0.2, 0.1, width=40)[0],
        0.5 / gap,
        floor(),
    ):
        plain = values.astype(np.float32)
        np.testing.assert_array_equal(with_straight_bars(plain, JUMP), plain)


def test_a_hole_in_a_table_is_no_bar() -> None:
    table = np.where((X > 40) & (X < 280) & (Y > 60) & (Y < 200), 0.5 + 0.02 * np.sin(X / 7), floor())
    table[100:160, 150:156] = 0.2
    plain = table.astype(np.float32)
    np.testing.assert_array_equal(with_straight_bars(plain, JUMP), plain)


def torn(values: Floats, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Returns between how many neighbours among some cells the surface is torn."""
    count = 0
    for axis in (0, 1):
        one, other = (np.take(values, range(start, values.shape[axis] - 1 + start), axis) for start in (0, 1))
        both = np.take(where, range(values.shape[axis] - 1), axis) & np.take(where, range(1, values.shape[axis]), axis)
        count += int((both & (np.maximum(one, other) > (1 + JUMP) * np.minimum(one, other))).sum())
    return count


@pytest.mark.parametrize("turn", [0.0, 0.5, 1.2])
@pytest.mark.parametrize(("wave", "length"), [(0.04, 15.0), (0.1, 9.0), (0.3, 20.0), (0.2, 40.0)])
def test_no_bar_is_cut_that_was_whole(turn: float, wave: float, length: float) -> None:
    low, where = bar(turn, width=8)
    along = (X - COLUMNS / 2) * np.sin(turn) + (Y - ROWS / 2) * np.cos(turn)
    for level in (0.34, 0.45, 0.8):
        values = np.where(where, level * (1 + wave * np.sin(along / length)), low).astype(np.float32)
        if not torn(values, where):
            assert torn(with_straight_bars(values, JUMP), where) == 0


def test_things_at_different_depths_keep_them() -> None:
    one, other = (np.abs(X - 160 + side * (Y - 120)) < 5 for side in (-1, 1))
    cross = np.where(one, 0.9, np.where(other, 0.5, floor())).astype(np.float32)
    np.testing.assert_allclose(with_straight_bars(cross, JUMP), cross, rtol=1e-5)
    upper, lower = (np.abs(X - 160 + shift) < 5 for shift in (0, 4))
    legs = np.where(upper & (Y < 130), 0.9, np.where(lower & (Y >= 130), 0.5, floor())).astype(np.float32)
    np.testing.assert_allclose(with_straight_bars(legs, JUMP), legs, rtol=1e-5)


def test_a_thin_body_stays_round() -> None:
    across = (X - 160) / 5.0
    where = (np.abs(across) < 1) & (np.abs(Y - 120) < 80)
    body = np.where(where, 0.6 + 0.05 * np.sqrt(np.maximum(1 - across**2, 0)), floor()).astype(np.float32)
    np.testing.assert_allclose(with_straight_bars(body, JUMP), body, rtol=1e-3)


def test_nothing_comes_nearer_than_the_nearest() -> None:
    wavy, _ = bar(0.3, 0.3)
    assert with_straight_bars(wavy, JUMP).max() <= wavy.max()


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (3, 3), (8, 8)])
def test_tiny_maps(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).uniform(0.1, 1.0, shape).astype(np.float32)
    found = with_straight_bars(values, JUMP)
    assert found.shape == shape and np.isfinite(found).all()


@given(scale=st.floats(0.01, 100.0), turn=st.floats(0.0, np.pi))
def test_the_unit_of_the_depth_does_not_matter(scale: float, turn: float) -> None:
    wavy, _ = bar(turn, 0.1)
    found = with_straight_bars(wavy, JUMP)
    np.testing.assert_allclose(with_straight_bars(wavy * np.float32(scale), JUMP), found * scale, rtol=1e-3)
