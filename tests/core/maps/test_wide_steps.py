# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core import windows
from mono3d_addon.core.camera.lens import Lens
from mono3d_addon.core.maps.depth_map import depth_map
from mono3d_addon.core.maps.edges import sharpen_edges
from mono3d_addon.core.maps.outlines import beside_jumps
from mono3d_addon.core.maps.steps import find_steps
from mono3d_addon.core.maps.wide_steps import with_wide_steps
from mono3d_addon.core.photo.photo import Photo
from mono3d_addon.settings import Settings
from tests.core import scenes

ROWS, COLUMNS, JUMP = 300, 400, 0.04
NEAR_COLOR, FAR_COLOR = np.array([0.8, 0.7, 0.5], np.float32), np.array([0.1, 0.3, 0.1], np.float32)


def blurred(values: np.ndarray, radius: int) -> np.ndarray:
    for _ in range(2):
        values = windows.mean(values.astype(np.float32), radius)
    return values


def ball_of_seeds() -> np.ndarray:
    """Where a ball with a ragged rim is, bool (rows, columns)."""
    down, across = np.mgrid[:ROWS, :COLUMNS] - np.array([150.0, 200.0])[:, None, None]
    angle = np.arctan2(down, across)
    return np.asarray(np.hypot(down, across) < 80.0 + 4.0 * np.sin(24.0 * angle))


def painted(inside: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0.0, 0.03, (*inside.shape, 3))
    return np.clip(np.where(inside[..., None], NEAR_COLOR, FAR_COLOR) + noise, 0.0, 1.0).astype(np.float32)


def soft(inside: np.ndarray) -> np.ndarray:
    """Inverse depth as networks estimate it for fur or seeds: a ramp of about 30 cells."""
    return blurred(np.where(inside, 0.5, 0.25), 8)


def in_mid_air(inverse: np.ndarray) -> float:
    return float(((inverse > 0.30) & (inverse < 0.45)).mean())


def test_a_soft_thing_is_cut_from_the_wall_behind_it() -> None:
    inside = ball_of_seeds()
    inverse, guide = soft(inside), painted(inside)
    # The ramp is too wide for the ordinary search: it would be a sheet.
    assert in_mid_air(sharpen_edges(inverse, guide, JUMP, has_wide=False)) > 0.05
    sharp = sharpen_edges(inverse, guide, JUMP)
    assert in_mid_air(sharp) < 0.002
    assert ((sharp > 0.375) == inside).mean() > 0.99


def test_a_wide_ramp_without_an_edge_in_the_photo_is_a_rounded_surface() -> None:
    inverse = soft(ball_of_seeds())
    guide = painted(np.ones_like(inverse, bool))
    assert np.array_equal(sharpen_edges(inverse, guide, JUMP), sharpen_edges(inverse, guide, JUMP, has_wide=False))


@pytest.mark.parametrize("normal", [(0.0, 1.0, 0.0), (0.9, 0.0, 0.5), (-0.95, 0.2, 0.3)])
def test_a_printed_floor_or_oblique_wall_is_not_torn(normal: tuple[float, float, float]) -> None:
    view = scenes.camera(COLUMNS, ROWS)
    inverse = (1.0 / np.minimum(scenes.plane_depth(view, normal, 1.0), 30.0)).astype(np.float32)
    assert np.array_equal(sharpen_edges(blurred(inverse, 2), painted(ball_of_seeds()), JUMP), blurred(inverse, 2))


def test_a_print_with_false_relief_is_not_torn() -> None:
    """Networks see a little of the relief that a picture on a wall shows."""
    inside = ball_of_seeds()
    inverse = blurred(np.where(inside, 0.27, 0.25), 8)
    assert not beside_jumps(sharpen_edges(inverse, painted(inside), JUMP), JUMP).any()


def test_a_sharp_map_has_no_wide_steps() -> None:
    """A rounded body in a rendered map is as wide as a soft ramp."""
    inverse = np.maximum(soft(ball_of_seeds()), 0.0)
    inverse[:, 300:] += 0.5
    steps = find_steps(inverse, ROWS, COLUMNS, JUMP)
    assert steps.is_sharp
    same, wide = with_wide_steps(inverse, steps, JUMP)
    assert same is steps and not wide.any()


def test_only_estimated_maps_are_searched() -> None:
    inside = ball_of_seeds()
    photo = Photo(Path("seeds.png"), (painted(inside) * 255).astype(np.uint8), None, Lens(), "0" * 64)
    settings = Settings(near=2.0, far=4.0)
    own = depth_map(soft(inside), photo, settings, is_estimated=False)[0]
    estimated = depth_map(soft(inside), photo, settings)[0]
    assert in_mid_air(1.0 / own) > 0.04 and in_mid_air(1.0 / estimated) < 0.005
