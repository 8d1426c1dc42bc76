# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

from mono3d_addon.core.maps.sky_colors import RIM, continued, rim_of

ROWS, COLUMNS = 90, 121
Y, X = np.mgrid[0:ROWS, 0:COLUMNS]
SKY = (Y < 50) & (np.hypot(X - 60, Y - 30) > 15)


def evening() -> np.ndarray:
    """Returns a sky that changes from the top to the horizon, before black things with a blurred outline."""
    sky = np.stack([0.2 + Y / 120, 0.4 + Y / 200, 0.8 - Y / 150], axis=2)
    share = np.where(SKY, np.where(rim_of(SKY), 0.5, 1.0), 0.0)
    return (sky * share[..., None]).astype(np.float32)


def test_the_sky_goes_on_behind_things_without_their_outline() -> None:
    colors = continued(evening(), SKY)
    assert colors.shape == (ROWS, COLUMNS, 3) and colors.dtype == np.float32
    inner = SKY & ~rim_of(SKY)
    np.testing.assert_array_equal(colors[inner], evening()[inner])
    expected = np.stack([0.2 + Y / 120, 0.4 + Y / 200, 0.8 - Y / 150], axis=2)
    hidden = np.hypot(X - 60, Y - 30) <= 15 + RIM
    assert np.abs(colors - expected)[hidden].max() < 0.08, "no darker than the sky around it"
    below = colors[60:]
    assert (below > colors[inner].min(axis=0) - 1e-5).all() and (below < colors[inner].max(axis=0) + 1e-5).all()


def test_the_end_of_a_roof_that_was_taken_for_sky_is_not_continued() -> None:
    sky = np.arange(300)[:, None] < np.full(400, 200)
    guide = np.full((300, 400, 3), (0.3, 0.5, 0.9), np.float32)
    guide[~sky] = 0.1
    guide[196:200, 150:190] = (1.0, 0.1, 0.0)
    assert np.abs(continued(guide, sky)[200:, :, 0] - 0.3).max() < 0.02, "no red smear below"


@pytest.mark.parametrize("seed", range(5))
def test_colours_stay_within_those_of_the_sky(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.integers(2, 40, 2)
    sky = random.random((rows, columns)) < 0.4
    sky[0, 0] = True
    guide = random.random((rows, columns, 3), np.float32)
    colors = continued(guide, sky)
    known = sky & ~rim_of(sky)
    source = guide[known if known.any() else sky]
    assert colors.shape == guide.shape and np.isfinite(colors).all()
    assert (colors >= source.min(axis=0) - 1e-5).all() and (colors <= source.max(axis=0) + 1e-5).all()


def test_the_rim_is_the_sky_beside_anything_else() -> None:
    rim = rim_of(SKY)
    assert not rim[~SKY].any() and rim[48:50].all() and not rim[:10].any()
    assert not rim_of(np.ones((5, 5), bool)).any()
