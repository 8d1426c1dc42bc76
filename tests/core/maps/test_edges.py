# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core import windows
from mono3d_addon.core.maps.edges import sharpen_edges
from mono3d_addon.core.maps.steps import find_steps
from tests.core import measures, scenes

GREY = np.full((80, 120, 3), 0.5, np.float32)


def blurred(values: np.ndarray, radius: int) -> np.ndarray:
    share = windows.total(np.ones_like(values, np.float32), radius)
    for _ in range(2):
        values = windows.total(values.astype(np.float32), radius) / share
    return values


def step(position: int = 60) -> np.ndarray:
    inverse = np.full((80, 120), 0.25, np.float32)
    inverse[:, position:] = 0.5
    return inverse


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_a_blurred_step_becomes_a_clean_one(radius: int) -> None:
    sharp = sharpen_edges(blurred(step(), radius), GREY, 0.04)
    middle = sharp[20:60]
    between = (middle > 0.265) & (middle < 0.475)
    assert not between.any(), "vertices in mid-air are left"
    assert np.abs((middle > 0.4).argmax(1) - 60).max() <= 1


@pytest.mark.parametrize("is_near", [True, False])
@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_strip_that_the_border_cuts_off_is_no_sheet(width: int, is_near: bool) -> None:
    """The border truncates the ramp, so only its visible part shows how near the strip is."""
    wide = np.full((100, 160), 0.25 if is_near else 0.5, np.float32)
    wide[:, : 20 + width] = 0.5 if is_near else 0.25
    seen = np.ascontiguousarray(blurred(wide, 2)[10:90, 20:140])
    sharp = sharpen_edges(seen, GREY, 0.04)[20:60]
    strip, rest = (sharp > 0.4, sharp < 0.35) if is_near else (sharp < 0.35, sharp > 0.4)
    assert np.abs(strip.argmin(axis=1) - width).max() <= 1
    assert (strip | rest).all(), "vertices in mid-air are left"


def test_the_photo_decides_where_the_edge_lies() -> None:
    guide = GREY.copy()
    guide[:, 59:] = (0.9, 0.2, 0.1)
    sharp = sharpen_edges(blurred(step(), 1), guide, 0.04)
    assert ((sharp[20:60] > 0.4).argmax(1) == 59).all()
    without = sharpen_edges(blurred(step(), 1), GREY, 0.04)
    assert ((without[20:60] > 0.4).argmax(1) == 60).all()


@given(st.floats(1.1, 12.0), st.floats(0.0, 360.0))
def test_slopes_stay_as_they_are(ratio: float, angle: float) -> None:
    row, column = np.mgrid[:80, :120]
    along = row * np.sin(np.radians(angle)) + column * np.cos(np.radians(angle))
    along = (along - along.min()) / np.ptp(along)
    inverse = (0.2 * (1.0 + along * (ratio - 1.0))).astype(np.float32)
    assert not find_steps(inverse, 80, 120, 0.04).band.any()
    assert np.array_equal(sharpen_edges(inverse, GREY, 0.04), inverse)


def test_a_crease_between_floor_and_wall_is_no_step() -> None:
    view = scenes.camera(120, 80)
    inverse = 1.0 / np.minimum(scenes.plane_depth(view, (0, 1, 0), 1.0), scenes.plane_depth(view, (0, 0, 1), 5.0))
    assert not find_steps(inverse.astype(np.float32), 80, 120, 0.04).band.any()


def test_the_wide_edge_of_a_real_network_is_a_step() -> None:
    """Networks trained on photos blur edges by more than one of their pixels."""
    for radius in (3, 4):
        assert find_steps(blurred(step(), radius), 80, 120, 0.04).band[20:60, 55:65].any(axis=1).all(), radius


def test_shallow_relief_is_left_alone() -> None:
    inverse = step() * 0.0 + 0.5
    inverse[:, 60:] = 0.51
    assert np.array_equal(sharpen_edges(inverse.astype(np.float32), GREY, 0.04), inverse.astype(np.float32))


def test_without_tearing_nothing_changes() -> None:
    soft = blurred(step(), 3)
    assert np.array_equal(sharpen_edges(soft, GREY, 0.0), soft)


@given(st.integers(0, 2**31))
def test_no_value_leaves_the_range_around_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    soft = blurred((0.2 + (random.random((80, 120)) > 0.995) * 0.5).astype(np.float32), 4)
    guide = random.random((80, 120, 3)).astype(np.float32)
    sharp = sharpen_edges(soft, guide, 0.04)
    assert np.isfinite(sharp).all()
    assert (sharp <= windows.maximum(soft, 20) * 1.3).all() and (sharp >= windows.minimum(soft, 20) * 0.999).all()


def test_a_body_in_front_of_a_wall_is_cut_out_and_not_in_itself() -> None:
    """A sphere blurred as by a small network: no vertex between the two surfaces, and the sphere is not torn."""
    view = scenes.camera(240, 180)
    depth = np.minimum(scenes.sphere_depth(view, (0.0, 0.0, 2.0), 0.6), 6.0)
    inverse = (1.0 / depth).astype(np.float32)
    inside = depth < 5.0
    guide = np.where(inside[..., None], np.array([0.8, 0.4, 0.2]), np.array([0.2, 0.5, 0.3])).astype(np.float32)
    soft = blurred(inverse, 2)
    sharp = sharpen_edges(soft, guide, 0.04)
    between = (1.0 / sharp > 2.6) & (1.0 / sharp < 5.0)
    soft_between = (1.0 / soft > 2.6) & (1.0 / soft < 5.0)
    assert soft_between.mean() > 0.02 and between.mean() < 1e-4
    assert ((1.0 / sharp < 2.6) == inside).mean() > 0.99
    middle = np.hypot(*(np.mgrid[:180, :240] - np.array([89.5, 119.5])[:, None, None])) < 35
    assert np.abs(sharp - soft)[middle].max() < 1e-3


def test_a_slanted_side_is_carried_on_to_the_edge() -> None:
    """A slanted board keeps its slope up to its edge; a constant extrapolation would bend it."""
    column = np.tile(np.arange(120, dtype=np.float32), (80, 1))
    inverse = np.where(column < 60, 0.5 + 0.004 * column, 0.2).astype(np.float32)
    sharp = sharpen_edges(blurred(inverse, 2), GREY, 0.04)
    assert np.abs(sharp / inverse - 1)[20:60, 20:100].max() < 0.02


def test_a_pole_that_hides_another_surface_does_not_mix_three_depths() -> None:
    column = np.tile(np.arange(160, dtype=np.float32), (80, 1))
    inverse = np.where(column < 60, 0.9, np.where(column < 90, 0.5, 0.2)).astype(np.float32)
    guide = np.full((80, 160, 3), 0.5, np.float32)
    sharp = sharpen_edges(blurred(inverse, 2), guide, 0.04)[20:60]
    off = np.abs(sharp[..., None] - np.array([0.9, 0.5, 0.2])).min(axis=2)
    assert off.max() < 0.02


def test_a_small_step_that_a_large_one_runs_out_into_stays_a_step() -> None:
    """Where a box meets the floor, its discontinuity fades out; above the threshold no vertex is between both sides."""
    row, column = np.mgrid[:80, :120]
    near = 0.5
    far = near / (1.07 + 0.01 * np.maximum(40.0 - row, 0.0))
    inverse = np.where(column < 60, near, far).astype(np.float32)
    sharp = sharpen_edges(blurred(inverse, 1), GREY, 0.04)[10:36, 40:80]
    place = (sharp - far[10:36, 40:80]) / (near - far[10:36, 40:80])
    assert not ((place > 0.15) & (place < 0.85)).any(), "vertices in mid-air are left"


@pytest.mark.parametrize("width", [2, 3, 4])
def test_the_outermost_cells_of_the_mesh_are_on_their_side_too(width: int) -> None:
    """They are outside the centres of the network's outermost cells, where no profile starts."""
    depth = np.full((300, 480), 4.0, np.float32)
    depth[:, : 60 + width] = 2.0
    seen = np.ascontiguousarray(measures.network_view(depth, 1.0, 160)[10:90, 20:140])
    sharp = sharpen_edges(seen, np.full((240, 360, 3), 0.5, np.float32), 0.04)[60:180]
    assert np.abs(sharp[:, 0] / sharp[:, 2] - 1).max() < 0.02


def test_a_slanted_face_beside_clear_steps_is_no_step() -> None:
    """In a sharp map a long ramp is a slanted surface, such as the top of a table."""
    row = np.tile(np.arange(160.0)[:, None], (1, 120))
    face = np.clip((row - 90.0) / 14.0, 0.0, 1.0)
    inverse = np.where(row < 50, 0.2, 0.4 * (1.0 + 0.4 * face)).astype(np.float32)
    band = find_steps(blurred(inverse, 1), 160, 120, 0.04).band[:, 10:110]
    assert band[46:54].any(axis=0).all()
    assert not band[80:115].any()


@pytest.mark.parametrize("radius", [0, 2])
def test_a_profile_along_the_border_does_not_leave_the_picture(radius: int) -> None:
    """Rounding must not make a complete ramp look truncated by the border."""
    inverse = np.full((192, 256), 0.2, np.float32)
    inverse[:, :128] = 0.9
    seen = blurred(inverse, radius) if radius else inverse
    sharp = sharpen_edges(seen, np.full((768, 1024, 3), 0.5, np.float32), 0.04)
    assert sharp.max() < 0.9 * 1.07


def test_nothing_gets_behind_the_camera() -> None:
    """A floor recedes to a horizon far away, behind something near."""
    rows = np.linspace(-1.0, 1.0, 80, dtype=np.float32)[:, None]
    inverse = np.broadcast_to(np.maximum(rows, 0.0) * 0.4 + 0.001, (80, 120)).copy()
    inverse[20:70, 40:70] = 0.45
    sharp = sharpen_edges(blurred(inverse, 2), GREY, 0.04)
    assert np.isfinite(sharp).all() and sharp.min() > 0.0


@pytest.mark.parametrize("seed", range(4))
def test_the_sparse_search_finds_the_steps_of_a_complete_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Poles, wires at any angle and discs before a floor, little blurred, so that their ramps are narrow."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:160, :240]
    inverse = (0.2 + 0.001 * y).astype(np.float32)
    for _ in range(12):
        top, left, angle, half = (
            chance.uniform(0, 160),
            chance.uniform(0, 240),
            chance.uniform(0, np.pi),
            1 + chance.poisson(1),
        )
        across = np.abs((x - left) * np.sin(angle) - (y - top) * np.cos(angle))
        along = np.hypot(x - left, y - top)
        inverse[(across < half) & (along < 40)] = chance.uniform(0.4, 1.0)
        inverse[np.hypot(x - chance.uniform(0, 240), y - chance.uniform(0, 160)) < chance.uniform(3, 20)] = 0.6
    inverse = blurred(inverse, 1)
    found = find_steps(inverse, 160, 240, 0.04).band
    monkeypatch.setattr("mono3d_addon.core.maps.steps._NEAR", 240)
    complete = find_steps(inverse, 160, 240, 0.04).band
    assert complete.sum() > 2000
    assert not (found & ~complete).any() and (complete & ~found).sum() <= 0.001 * complete.sum()
