# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator of training pictures: its disparity against geometry, its files, its being repeatable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from training.scenes import palette, render
from training.scenes.build import build
from training.scenes.shapes import ball, sheet
from training.scenes.stage import Lamp, Light, Scene, Sky, Stage, Sun, View

LENS, WIDTH, HEIGHT = 35.0, 96, 64
DAY = Light(Sky((0.5, 0.6, 0.8), (0.2, 0.4, 0.8), cover=0.5), (Sun(40, 30, 3),), (Lamp((0, -1, 3), (0, 4, 0), 1, 100),))


def _rays(pitch: float) -> NDArray[np.float64]:
    """Returns the directions through the centres of the pixels, of length one along the axis, in the world."""
    pixel = 36 / LENS / WIDTH
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) * pixel
    up = (HEIGHT / 2 - np.arange(HEIGHT) - 0.5) * pixel
    right, high = np.meshgrid(x, up)
    sine, cosine = math.sin(pitch), math.cos(pitch)
    return np.stack([right, cosine - high * sine, sine + high * cosine], -1)


@pytest.mark.parametrize("pitch", [0.0, -0.6, 0.3])
def test_the_disparity_of_a_plane_and_a_ball_is_exact(pitch: float) -> None:
    eye, middle, radius = np.array([0, 0, 1.5]), np.array([0.3, 4.0, 1.2]), 0.9
    stage = Stage()
    stage.add((0.5, 0.5, 0.5), palette.PLAIN, sheet(2000, 2000), ball(radius, 256).moved(*middle))
    view = View((0, 0, 1.5), (0, math.cos(pitch), 1.5 + math.sin(pitch)), LENS, f_number=0.5, focus=2)
    render.empty()
    build(Scene(stage, DAY, view))
    found = render.disparity(WIDTH, HEIGHT)

    rays = _rays(pitch)
    floor = np.where(rays[..., 2] < 0, -rays[..., 2] / eye[2], 0)
    towards = eye - middle
    a, b, c = (rays**2).sum(-1), 2 * rays @ towards, towards @ towards - radius**2
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
    hit = b * b - 4 * a * c > 0
    expected = np.where(hit, np.maximum(2 * a / np.where(hit, -b - root, 1), floor), floor)
    # The ball's polygons, and its outline: a centre of a pixel may fall on either side of it.
    close = np.isclose(found, expected, rtol=2e-3, atol=2e-4)
    assert close.mean() > 0.995
    inside = (b * b - 4 * a * c > 0.4) | (b * b - 4 * a * c < -0.4)
    assert close[inside].all()
