# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_values import DepthValues
from mono3d_addon.core.maps.sky import BEHIND, backdrop, behind, clear_of, find_sky, infinite
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.settings import Settings

ROWS, COLUMNS = 120, 160
Y, X = np.mgrid[0:ROWS, 0:COLUMNS]
RIDGE = (60 + 15 * np.sin(X / 17) < Y) | ((np.abs(X - 50) < 6) & (Y > 20))


def landscape() -> Photo:
    """Returns dark hills and a tower before a bright sky."""
    pixels = np.where(RIDGE[..., None], (60, 80, 40), (150, 190, 240)).astype(np.uint8)
    return Photo(Path("hills.png"), pixels, None, Lens(), "1" * 64)


def probability(shape: tuple[int, int], blur: int) -> NDArray[np.float32]:
    """Returns what a network would say of the landscape: blurred, at low resolution."""
    from PIL import Image, ImageFilter

    picture = Image.fromarray(np.where(RIDGE, 0, 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(blur))
    small = picture.resize(shape[::-1], Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


def test_the_probability_of_a_network_is_refined_to_the_outlines() -> None:
    sky = find_sky(np.zeros((9, 9), np.float32), landscape(), Settings(), probability((60, 80), 3))
    assert sky is not None and sky.dtype == bool and sky.shape == (ROWS, COLUMNS)
    assert (sky != ~RIDGE).mean() < 0.004
    coarse = find_sky(np.zeros((9, 9), np.float32), landscape(), Settings(detail=80), probability((60, 80), 3))
    assert coarse is not None and coarse.shape == (60, 80)


def test_a_network_that_sees_no_sky_is_believed() -> None:
    assert find_sky(np.zeros((9, 9), np.float32), landscape(), Settings(), np.full((60, 80), 0.2, np.float32)) is None


def test_what_is_masked_is_no_sky() -> None:
    photo = dataclasses.replace(landscape(), mask=X > 80)
    sky = find_sky(np.zeros((9, 9), np.float32), photo, Settings(), probability((60, 80), 3))
    assert sky is not None and sky.any() and not sky[X <= 80].any()


def test_only_infinite_distances_are_sky_in_a_depth_map_of_the_users() -> None:
    values = np.full((ROWS, COLUMNS), 5.0, np.float32)
    values[:10], values[20:30] = np.inf, np.nan
    sky = infinite(DepthValues(values, "metres"), landscape(), Settings())
    np.testing.assert_array_equal(sky, Y < 10)
    assert infinite(DepthValues(values[10:], "metres"), landscape(), Settings()) is None
    assert infinite(DepthValues(values, "disparity"), landscape(), Settings()) is None


def test_a_backdrop_is_even_and_behind_everything() -> None:
    depth = np.random.default_rng(0).uniform(1.0, 7.0, (120, 160)).astype(np.float32)
    sky = Y < 40
    result = backdrop(depth, sky, 6.0)
    assert np.ptp(result[:40]) == 0.0 and result[0, 0] == depth[40:].max()
    np.testing.assert_array_equal(result[40:], depth[40:])
    assert backdrop(depth, sky, 90.0)[0, 0] == 90.0
    kept = depth < 3.0
    assert backdrop(depth, sky, 0.0, kept)[0, 0] == depth[40:][kept[40:]].max()


def test_far_behind_is_a_multiple_of_that() -> None:
    depth = np.random.default_rng(0).uniform(1.0, 7.0, (120, 160)).astype(np.float32)
    result = behind(depth, Y < 40, 6.0)
    np.testing.assert_array_equal(result[40:], depth[40:])
    np.testing.assert_array_equal(result[:40], np.float32(BEHIND) * depth[40:].max())


def test_cells_of_the_network_that_the_sky_does_not_reach() -> None:
    clear = clear_of(~RIDGE, 60, 80)
    assert clear is not None and clear.shape == (60, 80)
    assert not (clear & ~RIDGE[::2, ::2]).any() and clear[45:].all()
    assert clear_of(np.ones((ROWS, COLUMNS), bool), 60, 80) is None
