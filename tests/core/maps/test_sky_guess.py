# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon.core.maps.sky_guess import guess_sky
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


def found(scene: Scene, disparity: NDArray[np.float32], folder: Path) -> NDArray[np.bool_] | None:
    """Returns the guess at the size of the scene."""
    guess = guess_sky(disparity, photo_of(scene, folder))
    if guess is None:
        return None
    assert guess.shape == (144, 192) and guess.dtype == np.float32 and guess.min() >= 0 and guess.max() <= 1
    return np.asarray(Image.fromarray(guess).resize((COLUMNS, ROWS), Image.Resampling.BILINEAR)) > 0.5


@pytest.mark.parametrize("blue", [True, False])
@pytest.mark.parametrize("blurred", [False, True])
def test_the_sky_is_found_up_to_the_house(tmp_path: Path, blue: bool, blurred: bool) -> None:
    scene = outdoors(blue)
    disparity = scene[1]
    if blurred:
        small = Image.fromarray(disparity).resize((COLUMNS // 8, ROWS // 8), Image.Resampling.BOX)
        disparity = np.asarray(small.resize((COLUMNS, ROWS), Image.Resampling.BICUBIC))
    sky = found(scene, disparity, tmp_path)
    assert sky is not None
    assert (sky & ~ABOVE).sum() < 0.02 * ABOVE.sum(), "nothing but sky"
    assert (sky & ABOVE).sum() > 0.93 * ABOVE.sum()


def test_sky_behind_branches_is_found_too(tmp_path: Path) -> None:
    """A gap that the house encloses, far away and blue, is sky although it is not connected to the upper border."""
    pixels, disparity = outdoors()
    gap = (np.abs(X - 160) < 25) & (np.abs(Y - 100) < 20)
    pixels[gap], disparity[gap] = pixels[100, 10], 0.0
    sky = found((pixels, disparity), disparity, tmp_path)
    assert sky is not None and sky[gap].mean() > 0.8


def test_water_below_the_horizon_is_no_sky(tmp_path: Path) -> None:
    """A lake has the colours of the sky, but comes nearer."""
    pixels, disparity = outdoors()
    lake = (Y >= 130) & ~HOUSE
    pixels[lake] = pixels[120, 10]
    sky = found((pixels, disparity), disparity, tmp_path)
    assert sky is not None and (sky & ABOVE).sum() > 0.93 * ABOVE.sum()
    assert sky[(Y >= 150) & ~HOUSE].mean() < 0.02


@pytest.mark.parametrize("scene", [room, blue_wall, portrait, leaves, below])
def test_elsewhere_none_is_found(tmp_path: Path, scene: object) -> None:
    assert callable(scene)
    made = scene()
    assert guess_sky(made[1], photo_of(made, tmp_path)) is None


def test_a_wall_that_comes_nearer_is_no_sky(tmp_path: Path) -> None:
    """Its far end is as far, as even and as blue as a sky, but its colour goes on to the near end."""
    pixels = np.full((ROWS, COLUMNS, 3), (120.0, 160.0, 230.0)) + grain((ROWS, COLUMNS, 3), 2.0)
    pixels[Y > 180] = (150, 110, 80)
    disparity = np.maximum(np.maximum(X / COLUMNS - 0.3, 0.0), np.where(Y > 180, 0.5, 0.0)).astype(np.float32)
    made = np.clip(pixels, 0, 255).astype(np.uint8), disparity
    assert guess_sky(disparity, photo_of(made, tmp_path)) is None


def test_a_flat_picture_has_no_sky(tmp_path: Path) -> None:
    assert guess_sky(np.zeros((20, 30), np.float32), photo_of((np.zeros((40, 60, 3), np.uint8), Y), tmp_path)) is None
