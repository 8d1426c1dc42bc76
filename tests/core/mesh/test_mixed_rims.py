# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from mono3d_addon.core.mesh.background_fill import fill_background
from mono3d_addon.core.mesh.grid import grid_of, torn_triangles
from mono3d_addon.core.mesh.mesh import Mesh
from mono3d_addon.core.mesh.mixed_rims import beside, mixed_rims, without
from mono3d_addon.core.mesh.torn_map import TornMap
from mono3d_addon.core.preview.rendering import Part, rendered
from mono3d_addon.core.preview.views import View
from tests.core import scenes
from tests.core.mesh.side_view import covered_share
from tests.core.mesh.test_background_fill import TEAR, boxes

DARK, BRIGHT = 30, 200


def blurred_square(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns depth and photo of a dark square at 2 m before a bright wall at 4 m; its edge is 2 pixels wide."""
    depth = np.full((rows, columns), 4.0, np.float32)
    pixels = np.full((rows, columns), BRIGHT, np.uint8)
    inside = (slice(rows // 3, 2 * rows // 3), slice(columns // 3, 2 * columns // 3))
    depth[inside], pixels[inside] = 2.0, DARK
    picture = Image.fromarray(pixels).convert("RGB").filter(ImageFilter.BoxBlur(1))
    return depth, np.asarray(picture)


def made(depth: np.ndarray, pixels: np.ndarray, trim: int = 0, *, replaces: bool = True) -> list[Part]:
    """Returns the front and the fill, which takes the place of the mixed rims or does not."""
    view = scenes.camera(depth.shape[1], depth.shape[0])
    triangles = torn_triangles(depth, TEAR, 0.0, None)
    grid = grid_of(triangles, depth, view, pixels, TEAR, trim)
    torn = TornMap(triangles, depth, TEAR)
    rims = mixed_rims(torn) if replaces else None
    if rims is not None:
        grid = without(grid, rims)
    found = fill_background(torn, view, pixels, trim, rims)
    parts = [Part(grid.mesh(view), pixels)]
    return parts if found is None else [*parts, Part(found.mesh, found.texture)]


def meshes(parts: list[Part]) -> list[Mesh]:
    return [part.mesh for part in parts]


def darkest_of_wall(parts: list[Part], rows: int, columns: int) -> float:
    """Returns the least brightness of the wall, seen from 10 degrees aside, away from the square itself."""
    camera = scenes.camera(columns, rows)
    angle = math.radians(10)
    turn = np.array([[math.cos(angle), 0, -math.sin(angle)], [0, 1, 0], [math.sin(angle), 0, math.cos(angle)]])
    pivot = np.array([0.0, 0.0, 4.0])
    view = View(turn, pivot - turn @ pivot, (columns / 2 / camera.fx, rows / 2 / camera.fy))
    size = (columns, rows)
    square = Mesh(*(getattr(parts[0].mesh, name) for name in ("vertices", "triangles", "uv", "colors", "normals")))
    near = square.triangles[square.vertices[square.triangles, 2].max(axis=1) < 3]
    white, black = np.ones(3, np.float32), np.zeros(3, np.float32)
    only = Part(Mesh(square.vertices, near, square.uv, np.zeros_like(square.colors), square.normals), None)
    mask = rendered([only], view, size, white)[..., 0] < 255
    mask = np.asarray(Image.fromarray(mask).convert("L").filter(ImageFilter.MaxFilter(3))) > 0
    picture = rendered(parts, view, size, black)[..., 0]
    edge = columns // 8
    return float(picture[edge:-edge, edge:-edge][~mask[edge:-edge, edge:-edge]].min())


@pytest.mark.parametrize(("rows", "columns"), [(240, 320), (360, 480)])
def test_no_contour_of_what_stands_before_it_is_left_on_the_wall(rows: int, columns: int) -> None:
    depth, pixels = blurred_square(rows, columns)
    assert darkest_of_wall(made(depth, pixels), rows, columns) > BRIGHT - 12
    assert darkest_of_wall(made(depth, pixels, replaces=False), rows, columns) < BRIGHT - 40


@limits(max_examples=4)
@given(st.integers(0, 2**31), st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 2))
def test_a_camera_that_moves_sees_no_gap(seed: int, right: float, up: float, trim: int) -> None:
    depth, pixels = boxes(seed, 60, 80)
    depth[:8] = depth[-8:] = 6.0
    depth[:, :8] = depth[:, -8:] = 6.0
    parts = made(depth, pixels, trim)
    assert covered_share(meshes(parts), scenes.camera(80, 60), 6.0, right, up) > 0.999


def test_the_camera_of_the_photo_sees_no_gap_either() -> None:
    parts = made(*blurred_square(60, 80))
    assert covered_share(meshes(parts), scenes.camera(80, 60), 4.0, 0, 0) > 0.9999


def test_the_fill_goes_over_into_the_colours_of_a_wall_in_grain() -> None:
    depth, pixels = blurred_square(240, 320)
    grain = np.random.default_rng(3).normal(0, 20, (240, 320, 1))
    pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    found = made(depth, pixels)[1].texture
    assert found is not None
    rim = slice(76, 80), slice(110, 210)
    assert abs(found[rim].mean() - pixels[60:70].mean()) < 6


def test_rims_are_the_far_sides_of_tears_only() -> None:
    depth, _ = blurred_square(60, 80)
    rims = mixed_rims(TornMap(torn_triangles(depth, TEAR, 0.0, None), depth, TEAR))
    assert rims.any() and (depth[rims] == 4).all()
    assert not mixed_rims(TornMap(torn_triangles(depth, 0.0, 0.0, None), depth, 0.0)).any()
    row = rims[30]
    assert np.flatnonzero(row).tolist() == [24, 25, 53, 54]


def test_beside_does_not_cross_a_tear() -> None:
    inverse = np.array([[0.5, 0.5, 0.25, 0.25, 0.25, 0.1]], np.float32)
    cells = np.array([[False, False, True, False, False, False]])
    assert beside(cells, inverse, 2, TEAR).tolist() == [[False, False, True, True, True, False]]
