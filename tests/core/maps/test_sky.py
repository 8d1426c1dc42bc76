# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.maps.sky import clamped, find_sky, without
from mono3d_addon.core.photo.photo import Photo, read_photo

ROWS, COLUMNS = 240, 320
Y, X = np.mgrid[0:ROWS, 0:COLUMNS]
HOUSE = (np.abs(X - 160) < 60) & (Y > 60) & (Y < 180)
ABOVE = (Y < 130) & ~HOUSE

Scene = tuple[NDArray[np.uint8], NDArray[np.float32]]


def grain(shape: tuple[int, ...], size: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0.0, size, shape)


def outdoors(blue: bool = True) -> Scene:
    """Returns a house on a lawn before the sky, its colours and its disparity."""
    pixels = np.zeros((ROWS, COLUMNS, 3))
    shade = (Y / ROWS)[..., None]
    pixels[:] = (100, 150, 220) + shade * (80, 60, 20) if blue else (225, 228, 232) + 10 * shade
    pixels[Y >= 130] = (70, 120, 50)
    pixels[HOUSE] = (170, 120, 90)
    pixels[~ABOVE] += grain((int((~ABOVE).sum()), 3), 25.0)
    pixels += grain(pixels.shape, 2.0)
    disparity = np.where(Y >= 130, (Y - 130) / 110 * 0.9 + 0.05, 0.0)
    disparity[HOUSE] = 0.4
    return np.clip(pixels, 0, 255).astype(np.uint8), disparity.astype(np.float32)


def room() -> Scene:
    """Returns a white room: its end, its floor and its ceiling."""
    pixels = np.full((ROWS, COLUMNS, 3), 235.0) + grain((ROWS, COLUMNS, 3), 2.0)
    pixels[Y > 180] = (150, 110, 80)
    depth = np.minimum(
        np.minimum(4.0, 1.5 / np.maximum((Y - 120) / 240, 1e-6)), 1.2 / np.maximum((120 - Y) / 240, 1e-6)
    )
    return np.clip(pixels, 0, 255).astype(np.uint8), (1.0 / depth).astype(np.float32)


def blue_wall() -> Scene:
    pixels, disparity = room()
    pixels[Y <= 180] = (120, 160, 230)
    return pixels, disparity


def portrait() -> Scene:
    """Returns a person in front of a pale, even background at a slightly larger distance."""
    pixels = np.full((ROWS, COLUMNS, 3), 225.0) + grain((ROWS, COLUMNS, 3), 2.0)
    person = (X - 160) ** 2 / 70**2 + (Y - 170) ** 2 / 130**2 < 1
    pixels[person] = (190, 140, 110)
    return np.clip(pixels, 0, 255).astype(np.uint8), np.where(person, 1.0, 0.3 - 0.0003 * X).astype(np.float32)


def leaves() -> Scene:
    """Returns an outdoor scene whose upper part is far but textured, like a forest."""
    pixels, disparity = outdoors()
    rough = pixels + grain(pixels.shape, 50.0)
    return np.clip(rough, 0, 255).astype(np.uint8), disparity


def below() -> Scene:
    """Returns the outdoor scene upside down: far, blue and even, but not at the top."""
    pixels, disparity = outdoors()
    return np.ascontiguousarray(pixels[::-1]), disparity[::-1].copy()


def photo_of(scene: Scene, folder: Path) -> Photo:
    Image.fromarray(scene[0]).save(folder / "photo.png")
    return read_photo(folder / "photo.png")


@pytest.mark.parametrize("blue", [True, False])
@pytest.mark.parametrize("blurred", [False, True])
def test_the_sky_is_found_up_to_the_house(tmp_path: Path, blue: bool, blurred: bool) -> None:
    scene = outdoors(blue)
    disparity = scene[1]
    if blurred:
        small = Image.fromarray(disparity).resize((COLUMNS // 8, ROWS // 8), Image.Resampling.BOX)
        disparity = np.asarray(small.resize((COLUMNS, ROWS), Image.Resampling.BICUBIC))
    sky = find_sky(disparity, photo_of(scene, tmp_path))
    assert sky is not None and sky.shape == (ROWS, COLUMNS)
    assert (sky & ~ABOVE).sum() < 0.01 * ABOVE.sum(), "nothing but sky"
    assert (sky & ABOVE).sum() > 0.93 * ABOVE.sum()


@pytest.mark.parametrize("scene", [room, blue_wall, portrait, leaves, below])
def test_elsewhere_none_is_found(tmp_path: Path, scene: object) -> None:
    assert callable(scene)
    made = scene()
    assert find_sky(made[1], photo_of(made, tmp_path)) is None


def test_a_flat_picture_has_no_sky(tmp_path: Path) -> None:
    assert find_sky(np.zeros((20, 30), np.float32), photo_of((np.zeros((40, 60, 3), np.uint8), Y), tmp_path)) is None


def test_removing_leaves_the_rest(tmp_path: Path) -> None:
    scene = outdoors()
    photo = photo_of(scene, tmp_path)
    sky = find_sky(scene[1], photo)
    assert sky is not None
    rest = without(photo, sky).mask
    assert rest is not None and not (rest & sky).any() and (rest | sky).all()
    assert without(photo, np.ones_like(sky)).mask is None, "a photo of nothing but sky stays"


def test_clamping_makes_an_even_backdrop_behind_everything() -> None:
    depth = np.random.default_rng(0).uniform(1.0, 7.0, (120, 160)).astype(np.float32)
    sky = np.zeros((60, 80), bool)
    sky[:20] = True
    result = clamped(depth, sky, 6.0)
    assert np.ptp(result[:38]) == 0.0 and result[0, 0] == depth[42:].max()
    np.testing.assert_array_equal(result[42:], depth[42:])
    assert clamped(depth, sky, 90.0)[0, 0] == 90.0
