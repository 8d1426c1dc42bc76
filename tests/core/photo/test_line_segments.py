# SPDX-License-Identifier: GPL-3.0-or-later
"""Straight edges of photos are found where they are, and nowhere else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mono3d_addon.core.arrays import Bytes
from mono3d_addon.core.photo.line_segments import find_segments

SIZE = (640, 480)
FINE = 4
"""Pictures are drawn this much larger, for soft edges as in photos."""


def half_plane(angle: float, place: float, size: tuple[int, int] = SIZE) -> Bytes:
    """A picture whose one edge runs at `angle` past the middle, at a distance of `place` pixels."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    off = y * math.cos(angle) - x * math.sin(angle) - place
    grey = 60.0 + 140.0 * np.clip(off + 0.5, 0.0, 1.0)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


@settings(max_examples=60)
@given(st.floats(-math.pi / 2, math.pi / 2), st.floats(-80.0, 80.0))
def test_one_edge_is_found_exactly(angle: float, place: float) -> None:
    found = find_segments(half_plane(angle, place))
    longest = found.longest(1)
    off = (float(longest.angle[0]) - angle + math.pi / 2) % math.pi - math.pi / 2
    assert abs(off) < math.radians(0.1)
    distance = longest.y[0] * math.cos(angle) - longest.x[0] * math.sin(angle)
    assert abs(float(distance) - place / max(SIZE)) < 0.3 / max(SIZE)
    # It may be cut where its direction lies between two sectors, but not lost.
    assert 0.5 < float(found.length.sum()) < 1.3


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (2000, 500), (300, 300), (97, 31)])
def test_places_are_relative_to_the_longer_side(size: tuple[int, int]) -> None:
    found = find_segments(half_plane(math.pi / 2, -0.2 * size[0], size))
    assert found.x == pytest.approx(0.2 * size[0] / max(size), abs=0.004)
    assert np.abs(np.abs(found.angle) - math.pi / 2) == pytest.approx(0.0, abs=0.01)
    assert float(found.length.sum()) == pytest.approx(size[1] / max(size), rel=0.2)


def test_both_sides_of_a_bar_are_edges() -> None:
    picture = Image.new("L", (FINE * SIZE[0], FINE * SIZE[1]), 40)
    ImageDraw.Draw(picture).polygon([(400, 300), (2100, 700), (2080, 780), (380, 380)], fill=200)
    found = find_segments(np.asarray(picture.resize(SIZE, Image.Resampling.BOX).convert("RGB")))
    along = found.angle[found.length > 0.5]
    assert len(along) == 2 and np.degrees(along) == pytest.approx(math.degrees(math.atan2(400, 1700)), abs=0.3)


def test_a_curve_is_not_straight() -> None:
    picture = Image.new("L", (FINE * SIZE[0], FINE * SIZE[1]), 40)
    ImageDraw.Draw(picture).ellipse([900, 700, 1500, 1300], fill=200)
    found = find_segments(np.asarray(picture.resize(SIZE, Image.Resampling.BOX).convert("RGB")))
    assert not (found.length > 0.08).any()


@pytest.mark.parametrize("height, width", [(1, 1), (1, 900), (900, 1), (8, 8), (3000, 40)])
def test_any_size_will_do(height: int, width: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    assert np.isfinite(find_segments(pixels).length).all()


def test_noise_has_hardly_any() -> None:
    random = np.random.default_rng(2)
    noise = np.clip(128 + 12 * random.standard_normal((480, 640, 3)), 0, 255).astype(np.uint8)
    assert len(find_segments(noise)) < 5
    assert len(find_segments(np.full((480, 640, 3), 90, np.uint8))) == 0
