# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mono3d_addon.core import windows
from mono3d_addon.core.maps.sky_edges import refined

ROWS, COLUMNS = 240, 320
Y, X = np.mgrid[0:ROWS, 0:COLUMNS]
Mask = NDArray[np.bool_]

GROUND = Y > 160
CIRCLE = (X - 160) ** 2 + (Y - 100) ** 2 < 60**2


def photo(rest: Mask, sky: tuple[float, ...] = (0.6, 0.75, 0.95), noise: float = 0.01) -> NDArray[np.float32]:
    """Returns dark things before a bright sky, with antialiased outlines."""
    share = np.asarray(Image.fromarray(rest.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(1)), np.float32) / 255
    colors = (1 - share)[..., None] * np.array(sky) + share[..., None] * np.array((0.2, 0.25, 0.12))
    return (colors + np.random.default_rng(0).normal(0, noise, colors.shape)).astype(np.float32)


def coarse(rest: Mask, blur: float = 8, shape: tuple[int, int] = (60, 80)) -> NDArray[np.float32]:
    """Returns the share of sky as a network sees it."""
    picture = Image.fromarray(np.where(rest, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(picture.resize(shape[::-1], Image.Resampling.BOX), np.float32) / np.float32(255)


def test_a_coarse_map_becomes_exact_to_the_cell() -> None:
    rest = GROUND | CIRCLE
    sky = refined(coarse(rest), photo(rest))
    assert (sky == rest).mean() < 0.005
    blurred = coarse(rest, shape=(ROWS, COLUMNS)) > 0.5
    assert (sky == rest).mean() < 0.5 * (blurred == rest).mean()


def test_gaps_between_leaves_are_sky() -> None:
    """A crown with gaps that the coarse map does not have."""
    gaps = ((X // 12 + Y // 12) % 2 == 0) & (X % 12 > 2) & (Y % 12 > 2) & ((X - 160) ** 2 + (Y - 100) ** 2 > 48**2)
    rest = GROUND | (CIRCLE & ~gaps)
    sky = refined(coarse(GROUND | CIRCLE, 2), photo(rest))
    inside = windows.minimum((CIRCLE & ~rest).astype(np.float32), 2) > 0
    assert inside.sum() > 100 and sky[inside].mean() > 0.9 and sky[CIRCLE & ~gaps].mean() < 0.1


def test_a_thing_as_bright_as_the_sky_keeps_the_outline_of_the_coarse_map() -> None:
    rest = GROUND | CIRCLE
    guide = np.full((ROWS, COLUMNS, 3), 0.9, np.float32)
    sky = refined(coarse(rest), guide)
    assert (sky == rest).mean() < 0.04


@pytest.mark.parametrize("width", [1, 40])
def test_only_what_is_too_small_for_a_mesh_becomes_part_of_the_sky(width: int) -> None:
    thing = (np.abs(X - 100) <= width // 2) & (np.abs(Y - 60) < 20)
    rest = GROUND | thing
    sky = refined(coarse(rest, 1), photo(rest), 0.005)
    assert sky[thing].mean() > 0.99 if width == 1 else sky[thing].mean() < 0.02
    assert not sky[GROUND & (Y > 164)].any()


def test_even_maps_stay() -> None:
    guide = photo(GROUND)
    assert refined(np.ones((6, 8), np.float32), guide).all()
    assert not refined(np.zeros((6, 8), np.float32), guide).any()


def test_dark_walls_between_lit_windows_are_no_night_sky() -> None:
    """A tower as dark as the sky, that the coarse map sees."""
    tower = (np.abs(X - 160) < 20) & (Y > 40)
    windows_of_it = tower & (X % 8 < 3) & (Y % 8 < 3) & (Y > 50)
    guide = np.empty((ROWS, COLUMNS, 3))
    guide[:] = (0.3, 0.28, 0.34)
    guide[GROUND | tower] = (0.26, 0.25, 0.28)
    guide[windows_of_it] = (0.95, 0.85, 0.6)
    guide += np.random.default_rng(0).normal(0, 0.02, guide.shape)
    sky = refined(coarse(GROUND | tower, 4), guide.astype(np.float32), 0.0005)
    assert sky[tower & (np.abs(X - 160) < 17) & (Y > 44)].mean() < 0.02
    assert sky[~tower & (Y < 150) & (np.abs(X - 160) > 30)].mean() > 0.98
