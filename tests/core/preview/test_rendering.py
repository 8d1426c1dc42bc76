# SPDX-License-Identifier: GPL-3.0-or-later
"""Nearer parts hide farther ones, textures are where they belong, and edges mix with what is behind."""

from __future__ import annotations

import numpy as np
import pytest

from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.preview.rendering import Part, rendered, sampled
from mono3d_addon.core.preview.views import View

SIZE = (40, 30)
FRONT = View(np.eye(3), np.zeros(3), (4 / 3, 1.0))
GREY = np.full(3, 0.5, np.float32)


def rectangle(left: float, right: float, top: float, bottom: float, depth: float, colour: tuple[int, int, int]) -> Mesh:
    """Returns a rectangle facing the camera, with corners at depth times these tangents."""
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
    points = np.column_stack([corners, np.ones(4)]).astype(np.float32) * np.float32(depth)
    uv = np.array([[0, 1], [1, 1], [0, 0], [1, 0]], np.float32)
    triangles = np.array([[0, 2, 1], [1, 2, 3]], np.int32)
    return Mesh(points, triangles, uv, np.tile(np.array(colour, np.uint8), (4, 1)), np.zeros_like(points))


def test_the_nearer_part_hides_the_farther_one_in_either_order() -> None:
    near = Part(rectangle(-0.5, 0.5, -0.5, 0.5, 1.0, (255, 0, 0)), None)
    far = Part(rectangle(-4 / 3, 4 / 3, -1, 1, 3.0, (0, 0, 255)), None)
    for parts in ([near, far], [far, near]):
        picture = rendered(parts, FRONT, SIZE, GREY)
        assert picture.shape == (30, 40, 3)
        assert tuple(picture[15, 20]) == (255, 0, 0) and tuple(picture[2, 2]) == (0, 0, 255)


def test_a_texture_is_upright_and_right_in_perspective() -> None:
    texture = np.zeros((64, 64, 3), np.uint8)
    texture[:32, :32], texture[:32, 32:], texture[32:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    flat = rectangle(-1.0, 1.0, -0.8, 0.8, 2.0, (9, 9, 9))
    picture = rendered([Part(flat, texture)], FRONT, SIZE, GREY)
    for place, colour in {
        (8, 10): (255, 0, 0),
        (8, 30): (0, 255, 0),
        (22, 10): (0, 0, 255),
        (22, 30): (0, 0, 0),
    }.items():
        assert tuple(picture[place]) == colour
    # A wall that recedes: its middle is nearer to its far end in the picture.
    points = flat.vertices.copy()
    points[[1, 3]] *= np.array([4.0, 1.0, 4.0], np.float32)
    wall = Mesh(points, flat.triangles, flat.uv, flat.colors, flat.normals)
    middle = 20 + 15 * (points[0, 0] + points[1, 0]) / (points[0, 2] + points[1, 2])
    row = rendered([Part(wall, texture)], FRONT, SIZE, GREY)[14].astype(int)
    red, green = (np.flatnonzero((row[:, one] > 200) & (row[:, other] < 60)) for one, other in ((0, 1), (1, 0)))
    assert len(red) > 10 and len(green) > 2
    assert red.max() + 1 <= middle + 1.0 and green.min() >= middle - 1.0 and green.min() - red.max() <= 2


def test_edges_mix_with_the_background_and_nothing_else() -> None:
    # Its left edge runs through the middle of pixels.
    part = Part(rectangle(-0.5 / 15, 1.0, -2.0, 2.0, 1.0, (255, 255, 255)), None)
    row = rendered([part], FRONT, SIZE, np.zeros(3, np.float32))[15, :, 0]
    assert (row[:19] == 0).all() and (row[20:34] == 255).all() and 100 < row[19] < 160


def test_what_is_behind_the_camera_is_not_drawn() -> None:
    part = Part(rectangle(-0.5, 0.5, -0.5, 0.5, -1.0, (255, 0, 0)), None)
    assert (rendered([part], FRONT, SIZE, GREY) == 128).all()
    assert (rendered([], FRONT, SIZE, GREY) == 128).all()


def test_backs_are_hidden_where_asked_for() -> None:
    front = rectangle(-0.5, 0.5, -0.5, 0.5, 1.0, (255, 0, 0))
    back = Mesh(front.vertices, front.triangles[:, ::-1], front.uv, front.colors, front.normals)
    assert rendered([Part(front, None)], FRONT, SIZE, GREY, hides_backs=True)[15, 20, 0] == 255
    assert rendered([Part(back, None)], FRONT, SIZE, GREY, hides_backs=True)[15, 20, 0] == 128
    assert rendered([Part(back, None)], FRONT, SIZE, GREY)[15, 20, 0] == 255


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 1), (6, 9)])
def test_texels_are_where_their_centres_are(shape: tuple[int, int]) -> None:
    texture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    uv = np.stack([(columns.ravel() + 0.5) / shape[1], 1 - (rows.ravel() + 0.5) / shape[0]], 1).astype(np.float32)
    np.testing.assert_allclose(sampled(texture, uv), texture.reshape(-1, 3), atol=0.01)
    outside = sampled(texture, np.array([[-3.0, 4.0]], np.float32))
    np.testing.assert_allclose(outside[0], texture[0, 0])
