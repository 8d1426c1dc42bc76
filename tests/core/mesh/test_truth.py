# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the geometry with ground truth at a small size; `benchmarks/geometry.py` does it at full size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_map import depth_map
from mono3d_addon.core.mesh.grid import build_grid
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.settings import Settings
from tests.core import measures, truth_scenes
from tests.core.ray_caster import Truth

SIZE = (480, 360)


def figures(truth: Truth) -> measures.EdgeFigures:
    seen = measures.network_view(truth.depth, 1.0)
    near, far = 1 / float(seen.max()), 1 / float(seen.min())
    photo = Photo(Path("scene.png"), truth.pixels, None, Lens(), "")
    depth, _ = depth_map(seen, photo, Settings(near=near, far=far, percentile=0.0, detail=SIZE[0]))
    triangles = build_grid(depth, truth.camera, truth.pixels, Settings().tear, 0.001).triangles
    return measures.edge_figures(depth, triangles, truth.depth, truth.item)


def test_there_are_twenty_scenes_and_more() -> None:
    assert len(truth_scenes.SCENES) >= 20


@pytest.mark.parametrize(
    "name",
    [
        "ball before a wall",
        "fence before stone",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("three balls", "stone before stone", "tilted card", "window")
        ),
    ],
)
def test_silhouettes_are_clean_and_in_place(name: str) -> None:
    found = figures(truth_scenes.truth(name, *SIZE))
    assert found.in_air < 1e-3
    assert found.tear < 1.0


@pytest.mark.parametrize("name", ["long floor", pytest.param("ramp", marks=pytest.mark.thorough)])
def test_a_grazing_floor_is_not_torn(name: str) -> None:
    found = figures(truth_scenes.truth(name, *SIZE))
    assert found.tear < 2.0


def test_the_ray_caster_is_exact() -> None:
    """Silhouette, depth and normals of a sphere, compared with their formulas."""
    truth = truth_scenes.truth("ball before a wall", 120, 90)
    view = truth.camera
    ball = truth.item == 1
    points = view.back_project(truth.depth).reshape(90, 120, 3)
    away = points[ball] - np.array([0.1, 0.0, 2.6])
    assert np.abs(np.linalg.norm(away, axis=1) - 0.7).max() < 1e-4
    assert np.abs(truth.normals[ball] - away / 0.7).max() < 1e-3
    assert np.allclose(truth.depth[~ball], 6.0, atol=1e-4)


def test_the_measures_see_what_they_should() -> None:
    truth = np.full((60, 80), 4.0, np.float32)
    truth[:, 40:] = 2.0
    view = truth_scenes.view(80, 60)
    pixels = np.zeros((60, 80, 3), np.uint8)
    exact = measures.edge_figures(truth, build_grid(truth, view, pixels, 0.04).triangles, truth)
    assert exact.in_air == 0.0 and exact.tear == 0.0
    shifted = np.roll(truth, 2, axis=1)
    shifted[:, :2] = 4.0
    moved = measures.edge_figures(shifted, build_grid(shifted, view, pixels, 0.04).triangles, truth)
    assert moved.tear == pytest.approx(2.0)
    hanging = truth.copy()
    hanging[:, 38:40] = 3.0
    assert measures.edge_figures(hanging, build_grid(hanging, view, pixels, 0.04).triangles, truth).in_air > 0.05
