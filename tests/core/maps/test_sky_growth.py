# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.sky import find_sky
from mono3d_addon.core.maps.sky_growth import completed
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.core.scene_guess import SceneGuess
from mono3d_addon.settings import Settings

ROWS, COLUMNS = 144, 192
Y, X = np.mgrid[0:ROWS, 0:COLUMNS]
RIDGE = 80 + 12 * np.sin(X / 15) < Y
SKY = ~RIDGE
WHITE, BLUE, DUSK = (255, 255, 255), (110, 150, 220), (40, 45, 70)
NOWHERE = np.zeros((36, 48), np.float32)

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def photo(sky: tuple[int, int, int]) -> Bytes:
    """Returns rough hills before an even sky, which darkens slowly from the top down."""
    rng = np.random.default_rng(0)
    ground = np.array((70, 110, 50)) + rng.normal(0, 25, (ROWS, COLUMNS, 3))
    shade = np.where(min(sky) < 255, 1 - 0.2 * Y / ROWS, 1.0)[..., None]
    return np.where(SKY[..., None], shade * sky, ground).clip(0, 255).astype(np.uint8)


def distances() -> Floats:
    """Returns the disparity of the hills, which come nearer, and of the sky."""
    return np.where(SKY, 0.0, 0.25 + (Y - 60) / 120).astype(np.float32)


def seen(cells: NDArray[np.bool_]) -> Floats:
    """Returns what a network says that sees the sky in these cells only."""
    blocks = (cells & SKY).reshape(ROWS // 2, 2, COLUMNS // 2, 2)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def found(
    pixels: Bytes, disparity: Floats, probability: Floats, scene: SceneGuess | None = None
) -> NDArray[np.bool_] | None:
    return find_sky(disparity, Photo(Path("a.png"), pixels, None, Lens(), "1" * 64), Settings(), probability, scene)


@pytest.mark.parametrize("color", [WHITE, BLUE, DUSK])
def test_all_of_a_sky_is_found_that_the_network_sees_in_part(color: tuple[int, int, int]) -> None:
    sky = found(photo(color), distances(), seen(X < 60))
    assert sky is not None and (sky != SKY).mean() < 0.02


def test_what_an_edge_parts_from_the_sky_is_none() -> None:
    """A tower as even and as far as the sky."""
    pixels, tower = photo(BLUE), (X > 100) & (X < 140) & (Y > 20)
    pixels[tower & SKY] = (150, 140, 140)
    sky = found(pixels, distances(), seen(~tower))
    assert sky is not None and sky[tower & SKY].mean() < 0.05
    assert sky[SKY & ~tower].mean() > 0.95


def ragged(row: int, column: int, size: int) -> NDArray[np.bool_]:
    """Returns the cells of a cloud."""
    distance = np.hypot(Y - row, (X - column) / 2)
    return np.asarray(distance < size + 3 * np.sin(9 * np.arctan2(Y - row, X - column)))


def clouded(cloud: NDArray[np.bool_]) -> Bytes:
    pixels = photo(BLUE)
    rough = np.random.default_rng(1).normal(215, 25, (ROWS, COLUMNS, 1)).clip(0, 255)
    return np.where((cloud & SKY)[..., None], rough, pixels).astype(np.uint8)


def test_a_cloud_that_the_network_does_not_see_as_sky_floats_in_it() -> None:
    cloud = ragged(32, 100, 12)
    sky = found(clouded(cloud), distances(), seen(~cloud))
    assert sky is not None and sky[cloud].mean() > 0.97


def test_what_floats_in_the_sky_nearer_is_none() -> None:
    balloon = ragged(32, 100, 12)
    sky = found(clouded(balloon), np.where(balloon, 0.6, distances()).astype(np.float32), seen(~balloon))
    assert sky is not None and sky[balloon].mean() < 0.15


@pytest.mark.parametrize(("doubt", "is_sky"), [(0.2, True), (0.0, False)])
def test_a_bright_cloud_on_the_ridge_is_sky_if_the_network_is_in_doubt(doubt: float, is_sky: bool) -> None:
    """White houses on a ridge are as bright and as far, but no network is in doubt about them."""
    cloud = (np.abs(X - 100) < 6) & (Y > 55) & SKY
    probability = np.maximum(seen(~cloud), doubt * seen(cloud))
    sky = found(clouded(cloud), distances(), probability)
    assert sky is not None and (sky[cloud].mean() > 0.9 if is_sky else sky[cloud].mean() < 0.2)


def test_the_completed_map_has_the_networks_size() -> None:
    """The refinement looks for the colours of thin things, such as lamps, within cells of that size."""
    probability = seen(X < 60)
    image = Photo(Path("a.png"), photo(BLUE), None, Lens(), "1" * 64)
    result = completed(probability, distances(), image)
    assert result.shape == probability.shape and result.dtype == np.float32
    assert (result >= probability).all() and result.max() <= 1.0


def test_water_in_the_colour_of_the_sky_is_none() -> None:
    """A lake reaches to the horizon and comes nearer from there."""
    pixels = np.full((ROWS, COLUMNS, 3), BLUE, np.uint8)
    disparity = np.clip((Y - 80) / 64, 0.0, 1.0).astype(np.float32)
    blocks = (Y < 80) & (X < 100)
    sky = found(pixels, disparity, blocks.reshape(36, 4, 48, 4).mean(axis=(1, 3)).astype(np.float32))
    assert sky is not None and sky[Y < 76].mean() > 0.95 and not sky[Y > 90].any()


def test_darkness_is_no_sky() -> None:
    """All is even in a black forest, so a patch that the network takes for sky says nothing of the rest."""
    sky = found(photo((6, 6, 6)), distances(), seen((X < 60) & (Y < 40)))
    assert sky is not None and not sky[X > 80].any()


def test_a_white_sky_is_found_that_the_network_does_not_see() -> None:
    sky = found(photo(WHITE), distances(), NOWHERE)
    assert sky is not None and (sky != SKY).mean() < 0.02


@pytest.mark.parametrize("color", [BLUE, (215, 215, 215), DUSK])
def test_a_sky_of_another_colour_must_be_seen(color: tuple[int, int, int]) -> None:
    assert found(photo(color), distances(), NOWHERE) is None


def test_a_white_background_close_behind_is_no_sky() -> None:
    assert found(photo(WHITE), np.where(SKY, 0.2, 1.0).astype(np.float32), NOWHERE) is None


def test_in_a_room_the_network_is_believed() -> None:
    room = SceneGuess(kinds={"room": 0.8, "street": 0.2})
    assert found(photo(WHITE), distances(), NOWHERE, room) is None
    window = found(photo(WHITE), distances(), seen(X < 60), room)
    assert window is not None and not window[X > 120].any()


@pytest.mark.parametrize(("kind", "is_sky"), [("person", False), ("street", True)])
def test_a_patch_of_a_background_is_completed_outdoors_only(kind: str, is_sky: bool) -> None:
    scene = SceneGuess(kinds={kind: 0.9, "room": 0.1})
    pixels, wall = photo(WHITE), X > 120
    pixels[wall] = (90, 70, 60)
    disparity = np.where(wall, 1.0, distances()).astype(np.float32)
    sky = found(pixels, disparity, seen((X < 30) & (Y < 40)), scene)
    assert sky is not None and sky[SKY & (X > 60) & ~wall].mean() == pytest.approx(float(is_sky), abs=0.05)
