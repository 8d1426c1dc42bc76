# SPDX-License-Identifier: GPL-3.0-or-later
"""The lens of photos of rooms follows from their straight edges; other photos say nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mono3d_addon.core.arrays import Bytes
from mono3d_addon.core.camera.automatic import Value, angle_words, resolve
from mono3d_addon.core.camera.vanishing_points import lens_of_lines
from mono3d_addon.core.scene_guess import SceneGuess
from mono3d_addon.settings import Settings
from tests.core.tiled_room import SIZE, room, turned


def lens_of(pixels: Bytes) -> Value:
    """Returns the field of view that the program decides on, by the photo's edges alone."""
    return resolve(Settings(), SceneGuess(focal=lens_of_lines(pixels))).field_of_view


@settings(max_examples=15)
@given(st.floats(40.0, 95.0), st.floats(20.0, 70.0), st.floats(-20.0, 20.0), st.floats(-4.0, 4.0))
def test_no_more_is_promised_than_the_edges_tell(degrees: float, yaw: float, pitch: float, roll: float) -> None:
    found = lens_of(room(turned(yaw, pitch, roll), degrees))
    off = math.log(math.tan(found.value / 2.0) / math.tan(math.radians(degrees) / 2.0))
    assert abs(off) < 2.0 * found.deviation


@pytest.mark.parametrize("degrees", [58.0, 66.0, 74.0, 90.0])
@pytest.mark.parametrize("yaw, pitch, roll", [(30.0, 12.0, 2.0), (45.0, -9.0, -3.0), (50.0, 5.0, 0.0)])
def test_the_lens_of_a_room_is_measured(degrees: float, yaw: float, pitch: float, roll: float) -> None:
    found = lens_of(room(turned(yaw, pitch, roll), degrees))
    assert found.source == "estimated" and not found.is_rough
    assert math.degrees(found.value) == pytest.approx(degrees, abs=2.5)


@pytest.mark.parametrize("size", [(360, 480), (640, 240), (300, 300), (900, 600)])
def test_pictures_of_any_shape_have_a_lens(size: tuple[int, int]) -> None:
    found = lens_of(room(turned(35.0, 6.0, 0.0), 68.0, size))
    assert math.degrees(found.value) == pytest.approx(68.0, abs=4.5)


def test_a_mirrored_photo_has_the_same_lens() -> None:
    pixels = room(turned(28.0, -8.0, 2.0), 74.0)
    one, other = (lens_of(each).value for each in (pixels, np.ascontiguousarray(pixels[:, ::-1])))
    assert math.degrees(one) == pytest.approx(math.degrees(other), abs=1.0)


def test_the_same_photo_has_the_same_lens() -> None:
    pixels = room(turned(28.0, -8.0, 2.0), 74.0)
    assert lens_of_lines(pixels) == lens_of_lines(pixels.copy())


def test_a_wall_from_the_front_says_nothing_of_the_lens() -> None:
    x, y = np.meshgrid(np.arange(SIZE[0]) // 40, np.arange(SIZE[1]) // 40)
    wall = np.repeat(np.where((x + y) % 2, 70, 190).astype(np.uint8)[..., None], 3, axis=2)
    found = lens_of(wall)
    assert found.source == "typical" and angle_words(found).startswith("assumed 5")


def lines(pairs: NDArray[np.float64]) -> Bytes:
    """Returns a picture of strokes from end to end, float64 (n, 4) in pixels."""
    picture = Image.new("L", (4 * SIZE[0], 4 * SIZE[1]), 200)
    draw = ImageDraw.Draw(picture)
    for one in pairs:
        draw.line([4.0 * float(value) for value in one], fill=50, width=8)
    return np.asarray(picture.resize(SIZE, Image.Resampling.BOX).convert("RGB"))


@pytest.mark.parametrize("spread", [8.0, 180.0], ids=["waves", "twigs"])
@pytest.mark.parametrize("seed", range(4))
def test_edges_without_order_say_little(spread: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, SIZE[0], 120), random.uniform(0, SIZE[1], 120)
    angle = np.radians(random.normal(0.0, spread / 2, 120) if spread < 90 else random.uniform(0, spread, 120))
    half = random.uniform(8, 30, 120)
    ends = [x - half * np.cos(angle), y - half * np.sin(angle), x + half * np.cos(angle), y + half * np.sin(angle)]
    found = lens_of(lines(np.stack(ends, axis=1)))
    assert found.deviation > 0.25, math.degrees(found.value)
    assert math.degrees(found.value) == pytest.approx(55.0, abs=12.0)


def test_photos_without_edges_say_nothing() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (360, 480, 3), np.uint8)
    assert lens_of_lines(np.full((360, 480, 3), 128, np.uint8)) is None
    assert lens_of_lines(noise) is None or lens_of(noise).deviation > 0.3
    assert lens_of_lines(noise[:1, :1]) is None
