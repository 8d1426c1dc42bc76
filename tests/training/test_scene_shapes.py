# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest

from training.scenes import shapes
from training.scenes.noise import heights
from training.scenes.shapes import Shape
from training.scenes.unwrap import unwrapped

SOLIDS = {
    "box": (shapes.box(1, 2, 3), 6.0),
    "block": (shapes.block((1, 1, 1), (2, 3, 4)), 6.0),
    "polygon": (shapes.polygon([(0, 0), (2, 0), (2, 1), (0, 1)], 0.5), 1.0),
    "cylinder": (shapes.cylinder(1, 2, 64), 2 * math.pi),
    "cone": (shapes.cylinder(1, 3, 64, 1e-6), math.pi),
    "ball": (shapes.ball(1, 128), 4 / 3 * math.pi),
    "tube": (shapes.tube([(0, 0, 0), (0, 0, 1), (0, 0, 5)], 1, 64), 5 * math.pi),
}


def _volume(shape: Shape) -> float:
    """Returns the volume enclosed by faces, by the divergence theorem."""
    total = 0.0
    for faces in shape.faces:
        corners = shape.corners[faces]
        for k in range(1, faces.shape[1] - 1):
            total += float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, k], corners[:, k + 1]))) / 6
    return total


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_are_closed_and_face_outwards(name: str) -> None:
    shape, volume = SOLIDS[name]
    assert _volume(shape) == pytest.approx(volume, rel=5e-3)
    # Moved away from the origin, an open solid would have another volume.
    assert _volume(shape.moved(3, -7, 11)) == pytest.approx(volume, rel=5e-3)


def test_turning_goes_from_x_to_y_and_from_y_to_z() -> None:
    along_x, along_y = (Shape(np.array([corner], float), ()) for corner in ((1, 0, 0), (0, 1, 0)))
    np.testing.assert_allclose(along_x.turned(about_z=math.pi / 2).corners, [(0, 1, 0)], atol=1e-12)
    np.testing.assert_allclose(along_y.turned(about_x=math.pi / 2).corners, [(0, 0, 1)], atol=1e-12)
    np.testing.assert_allclose(along_x.turned(about_y=math.pi / 2).corners, [(0, 0, -1)], atol=1e-12)


def test_joined_shapes_keep_their_faces() -> None:
    both = shapes.joined([shapes.box(1, 1, 1), shapes.cylinder(1, 1, 5).moved(5)])
    assert sorted(faces.shape for faces in both.faces) == [(2, 5), (11, 4)]
    assert _volume(both) == pytest.approx(1 + _volume(shapes.cylinder(1, 1, 5)))


def test_a_terrain_is_as_wide_and_as_high_as_asked() -> None:
    field = heights(np.random.default_rng(1), 20, 3.0)
    assert (field.min(), field.max()) == pytest.approx((0, 1))
    ground = shapes.terrain(field, 10, 30)
    np.testing.assert_allclose(ground.high() - ground.low(), (10, 30, 1))
    assert ground.faces[0].shape == (19 * 19, 4)


def test_rough_heights_differ_more_between_neighbours() -> None:
    smooth, rough = (heights(np.random.default_rng(1), 64, power) for power in (4.0, 1.5))
    assert np.abs(np.diff(smooth, axis=0)).mean() < np.abs(np.diff(rough, axis=0)).mean() / 2


def test_a_wire_sags_in_its_middle() -> None:
    path = shapes.sagging((0, 0, 3), (4, 0, 5), 0.5)
    np.testing.assert_allclose(path[[0, 4, -1]], [(0, 0, 3), (2, 0, 3.5), (4, 0, 5)])


def test_faces_are_unwrapped_along_the_axis_that_they_face() -> None:
    shape = shapes.box(2, 3, 4)
    flat = unwrapped(shape.corners, shape.faces[0]).reshape(6, 4, 2)
    sides = np.ptp(flat, axis=1)
    # Below and above show x and y, front and back x and z, the two sides y and z.
    np.testing.assert_allclose(sides, [(2, 3), (2, 3), (2, 4), (2, 4), (3, 4), (3, 4)])
