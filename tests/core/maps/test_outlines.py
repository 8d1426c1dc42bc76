# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_map import depth_map
from mono3d_addon.core.maps.outlines import without_false_steps
from mono3d_addon.core.mesh.grid import torn_triangles
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.settings import Settings

GREY = np.full((90, 120, 3), 0.5, np.float32)
TEAR = 0.04


def disc(radius: float) -> np.ndarray:
    row, column = np.mgrid[:90, :120]
    return np.hypot(row - 45, column - 60) < radius


def painted(inside: np.ndarray) -> np.ndarray:
    return np.where(inside[..., None], np.array([0.8, 0.3, 0.2]), np.array([0.3, 0.5, 0.6])).astype(np.float32)


def torn(inverse: np.ndarray) -> int:
    """Returns how many triangles a mesh loses at the discontinuities of an inverse depth map."""
    rows, columns = inverse.shape
    whole = 2 * (rows - 1) * (columns - 1)
    return whole - len(torn_triangles((1 / inverse).astype(np.float32), TEAR, 0.0, None))


@given(st.floats(1.05, 1.4), st.floats(14.0, 30.0))
def test_a_step_where_the_photo_shows_nothing_becomes_a_slope(ratio: float, radius: float) -> None:
    inverse = np.where(disc(radius), np.float32(0.3 * ratio), np.float32(0.3))
    smooth = without_false_steps(inverse, GREY, TEAR)
    assert torn(inverse) > 0 and torn(smooth) == 0
    far = ~disc(radius + 14) | disc(radius - 14)
    assert np.array_equal(smooth[far], inverse[far])
    assert smooth.min() >= inverse.min() * 0.999999 and smooth.max() <= inverse.max() * 1.000001


@given(st.floats(1.15, 4.0), st.floats(8.0, 30.0))
def test_outlines_do_not_change(ratio: float, radius: float) -> None:
    inverse = np.where(disc(radius), np.float32(0.3 * ratio), np.float32(0.3))
    assert np.array_equal(without_false_steps(inverse, painted(disc(radius)), TEAR), inverse)


def test_a_high_step_stays_without_a_contrast() -> None:
    """Someone in black before a black wall is no rubber sheet."""
    inverse = np.where(disc(20), np.float32(0.8), np.float32(0.3))
    assert np.array_equal(without_false_steps(inverse, GREY, TEAR), inverse)


def test_specks_go_where_the_photo_is_noisy() -> None:
    noise = np.random.default_rng(3).random((270, 360, 3)).astype(np.float32)
    inverse = np.full((270, 360), 0.3, np.float32)
    inverse[40:42, 60] = 0.35
    assert torn(inverse) > 0 and torn(without_false_steps(inverse, noise, TEAR)) == 0


def test_a_ring_round_a_head_goes_and_the_head_stays() -> None:
    inverse = np.where(disc(20), np.float32(0.8), np.where(disc(28), np.float32(0.32), np.float32(0.3)))
    smooth = without_false_steps(inverse.astype(np.float32), painted(disc(20)), TEAR)
    jumps = np.abs(np.diff(np.log(smooth), axis=1)) > np.log(1 + TEAR)
    outline = disc(20)[:, 1:] != disc(20)[:, :-1]
    assert np.array_equal(jumps, outline)
    assert np.array_equal(smooth[disc(20)], inverse.astype(np.float32)[disc(20)])


def test_a_map_without_discontinuities_is_returned_as_it_is() -> None:
    inverse = np.tile(np.linspace(0.2, 0.6, 120, dtype=np.float32), (90, 1))
    assert without_false_steps(inverse, GREY, TEAR) is inverse


@pytest.mark.parametrize("is_estimated", [True, False])
def test_own_maps_keep_their_steps(is_estimated: bool) -> None:
    pixels = np.full((90, 120, 3), 128, np.uint8)
    photo = Photo(Path("scene.png"), pixels, None, Lens(), "0" * 64)
    disparity = np.where(disc(20), np.float32(0.52), np.float32(0.5)).astype(np.float32)
    disparity[:8] = np.linspace(1.0, 0.5, 8, dtype=np.float32)[:, None]
    depth, _ = depth_map(disparity, photo, Settings(percentile=0.0), is_estimated=is_estimated)
    assert (torn(1 / depth[20:]) == 0) == is_estimated
