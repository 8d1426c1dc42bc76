# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest

from training import geometry_scores

FOCAL = 100.0
ROWS, COLUMNS = np.mgrid[:96, :128]
X, Y = (COLUMNS - 63.5) / FOCAL, (ROWS - 47.5) / FOCAL


def plane(a: float, b: float, c: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Returns the inverse depth of the plane a X + b Y + c Z = 1."""
    return (a * X + b * Y + c).astype(np.float32)


WALL, OBLIQUE, FLOOR = plane(0.0, 0.0, 0.3), plane(0.3, 0.0, 0.35), np.maximum(plane(0.0, 0.7, 0.0), 0.0)


def test_planes_are_flat_and_face_as_they_do() -> None:
    for truth in (plane(0.1, 0.0, 0.3), OBLIQUE):
        assert geometry_scores.bends(2.0 * truth + 1.0, truth).max() < 1e-5
    assert geometry_scores.directions(OBLIQUE, OBLIQUE, FOCAL).oblique < 0.1
    floor = geometry_scores.directions(FLOOR, FLOOR, FOCAL)
    assert floor.floor < 0.5 and math.isnan(floor.frontal) and math.isnan(floor.oblique)


@pytest.mark.parametrize("bend", [0.02, 0.1])
def test_a_bend_is_measured_relative_to_depth(bend: float) -> None:
    truth = OBLIQUE
    found = np.median(geometry_scores.bends(truth + (bend * X**2).astype(np.float32), truth))
    # Of t^2 over a window of half width r, a line leaves a deviation of r^2 times root 4 / 45.
    size = round(geometry_scores.WINDOW * 96)
    wanted = bend * (size / 2 / FOCAL) ** 2 * math.sqrt(4 / 45) / 0.35
    assert found == pytest.approx(wanted, rel=0.35)


def test_a_turned_wall_is_seen() -> None:
    both = np.maximum(plane(0.12, 0.0, 0.3), plane(-0.12, 0.0, 0.3))
    angle = geometry_scores.directions(plane(0.12, 0.0, 0.3), both, FOCAL)
    assert angle.oblique > 5.0 or angle.frontal > 5.0


def test_no_depth_no_score() -> None:
    nothing = np.zeros((40, 40), np.float32)
    assert not geometry_scores.bends(nothing, nothing).size
    assert all(math.isnan(value) for value in geometry_scores.directions(nothing, nothing, FOCAL))
    assert all(math.isnan(value) for value in geometry_scores.directions(WALL[:8, :8], WALL[:8, :8], FOCAL))
