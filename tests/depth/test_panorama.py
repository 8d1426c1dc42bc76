# SPDX-License-Identifier: GPL-3.0-or-later
"""A panorama's disparity, by a network that tells the truth of each view at a scale and a shift of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import directions
from mono3d_addon.core.camera.sphere_part import WHOLE_SPHERE, SpherePart
from mono3d_addon.core.estimate import Estimate
from mono3d_addon.depth import panorama
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.engines.engine import DEPTH, MASK, POINTS, SCALE, SKY
from mono3d_addon.depth.estimator import InferenceOptions
from mono3d_addon.depth.model import Model
from mono3d_addon.depth.readings import readings

Pixels = NDArray[np.uint8]


def rays(rows: int, columns: int) -> NDArray[np.float64]:
    longitude = ((np.arange(columns) + 0.5) / columns - 0.5) * 2 * math.pi
    latitude = ((np.arange(rows) + 0.5) / rows - 0.5) * math.pi
    return directions(longitude[None, :], latitude[:, None])


def room(ray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the distance to the walls, the floor and the ceiling of a box along unit rays."""
    with np.errstate(divide="ignore"):
        return np.min(
            np.stack([2.0 / np.abs(ray[..., 0]), 1.4 / np.abs(ray[..., 1]), 4.0 / np.abs(ray[..., 2])]), axis=0
        )


def test_every_direction_is_seen_from_two_sides_or_straight_on() -> None:
    around = panorama.views()
    ray = rays(180, 360)
    weights = np.stack([panorama._weight(*view.place(ray)[:2]) for view in around])
    assert (weights.max(axis=0) > 0.1).all()
    assert ((weights > 0).sum(axis=0) >= 2).mean() > 0.7
    for view in around:
        np.testing.assert_allclose(view.axes @ view.axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(view.axes) == pytest.approx(1.0)


def test_a_view_shows_the_panorama_as_a_camera_would() -> None:
    ray = rays(512, 1024)
    pixels = np.rint((ray * 0.5 + 0.5) * 255).astype(np.uint8)
    for view in panorama.views():
        seen = panorama._picture(view, pixels, 64) / 255.0 * 2 - 1
        step = ((np.arange(64) + 0.5) / 32 - 1) * panorama._TANGENT
        wanted = step[None, :, None] * view.axes[0] + step[:, None, None] * view.axes[1] + view.axes[2]
        wanted /= np.linalg.norm(wanted, axis=2, keepdims=True)
        assert np.abs(seen - wanted).max() < 0.03, "colours are directions here, at the seam and the poles too"


def merged(
    pixels: Pixels,
    network: Callable[[Sequence[Pixels]], Sequence[NDArray[np.float32]]],
    part: SpherePart = WHOLE_SPHERE,
) -> NDArray[np.float32]:
    """Returns the inverse distance that the views of a panorama give together, seen by `network`."""
    around = panorama.views(part)
    seen = network(panorama._pictures(around, pixels, panorama._SMALLEST_VIEW, part))
    return panorama._merged(around, seen, panorama._fits(around, seen, part), part)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_views_with_scales_and_shifts_of_their_own_become_one(noise: float) -> None:
    generator = np.random.default_rng(4)
    around = panorama.views()

    def network(views: Sequence[Pixels]) -> list[NDArray[np.float32]]:
        step = ((np.arange(96) + 0.5) / 48 - 1) * panorama._TANGENT
        found = []
        for view in around:
            ray = step[None, :, None] * view.axes[0] + step[:, None, None] * view.axes[1] + view.axes[2]
            length = np.linalg.norm(ray, axis=2)
            depth = room(ray / length[..., None]) / length
            scale, shift = generator.uniform(0.6, 1.6), generator.uniform(-0.05, 0.05)
            found.append((scale / depth + shift + generator.normal(0, noise, depth.shape)).astype(np.float32))
        return found

    result = merged(np.zeros((64, 128, 3), np.uint8), network)
    true = 1.0 / room(rays(*result.shape))
    design = np.stack([result.ravel(), np.ones(result.size)], axis=1)
    fit = np.linalg.lstsq(design, true.ravel(), rcond=None)[0]
    error = np.abs(design @ fit - true.ravel()) / true.ravel()
    assert np.median(error) < 0.05 and np.quantile(error, 0.95) < 0.15
    seam = np.abs(result[:, 0] - result[:, -1]) / result.std()
    assert seam.max() < 0.15, "the two ends of the rows are neighbours"


def _part(width: float, upper: float, lower: float) -> SpherePart:
    half, top, bottom = (math.radians(angle) for angle in (0.5 * width, upper, lower))
    return SpherePart(-half, half, top, bottom)


PARTS = [
    pytest.param(_part(240, -30, 30), id="band"),
    pytest.param(_part(360, -67.5, 67.5), id="no poles"),
    pytest.param(_part(360, -25, 35), id="closed band"),
    pytest.param(_part(300, -10, 12), id="thin band"),
    pytest.param(_part(70, -20, 30), id="single view"),
    pytest.param(_part(200, -60, 50), id="high"),
    pytest.param(_part(100, 20, 90), id="down to the pole"),
]


def _part_rays(part: SpherePart, rows: int, columns: int) -> NDArray[np.float64]:
    return directions(*panorama._angles(rows, columns, part))


@pytest.mark.parametrize("part", PARTS)
def test_every_direction_of_a_part_is_seen(part: SpherePart) -> None:
    ray = _part_rays(part, 90, 180)
    places = np.stack([np.abs(np.stack(view.place(ray)[:2])).max(axis=0) for view in panorama.views(part)])
    assert places.min(axis=0).max() < 1.0
    assert 1 <= len(places) <= 14


@pytest.mark.parametrize("part", PARTS)
def test_a_view_shows_the_part_as_a_camera_would(part: SpherePart) -> None:
    height, width = round(part.height * 200), round(part.width * 200)
    pixels = np.rint((_part_rays(part, height, width) * 0.5 + 0.5) * 255).astype(np.uint8)
    for view in panorama.views(part):
        seen = panorama._picture(view, pixels, 64, part) / 255.0 * 2 - 1
        step = ((np.arange(64) + 0.5) / 32 - 1) * view.tangent
        wanted = step[None, :, None] * view.axes[0] + step[:, None, None] * view.axes[1] + view.axes[2]
        wanted /= np.linalg.norm(wanted, axis=2, keepdims=True)
        longitude = np.arctan2(wanted[..., 0], wanted[..., 2])
        latitude = np.arcsin(wanted[..., 1])
        inside = (np.abs(longitude) < 0.99 * part.longitude_to) | part.is_closed
        inside &= (latitude > part.latitude_from + 0.02) & (latitude < part.latitude_to - 0.02)
        # Towards a pole the interpolated columns become wide.
        inside &= np.abs(latitude) < 1.45
        assert np.abs(seen - wanted)[inside].max() < 0.03


@pytest.mark.parametrize("part", PARTS)
def test_the_views_of_a_part_become_one(part: SpherePart) -> None:
    generator = np.random.default_rng(4)
    around = panorama.views(part)

    def network(views: Sequence[Pixels]) -> list[NDArray[np.float32]]:
        found = []
        for view in around:
            step = ((np.arange(96) + 0.5) / 48 - 1) * view.tangent
            ray = step[None, :, None] * view.axes[0] + step[:, None, None] * view.axes[1] + view.axes[2]
            length = np.linalg.norm(ray, axis=2)
            depth = room(ray / length[..., None]) / length
            found.append((generator.uniform(0.6, 1.6) / depth + generator.uniform(-0.05, 0.05)).astype(np.float32))
        return found

    pixels = np.zeros((round(part.height * 100), round(part.width * 100), 3), np.uint8)
    result = merged(pixels, network, part)
    assert np.isfinite(result).all() and max(result.shape) == 1024
    assert result.shape[1] / result.shape[0] == pytest.approx(part.width / part.height, rel=0.01)
    true = 1.0 / room(_part_rays(part, *result.shape))
    design = np.stack([result.ravel(), np.ones(result.size)], axis=1)
    fit = np.linalg.lstsq(design, true.ravel(), rcond=None)[0]
    error = np.abs(design @ fit - true.ravel()) / true.ravel()
    assert np.median(error) < 0.05 and np.quantile(error, 0.95) < 0.15


class TrueViews:
    """Stands in for an estimator: what a network without errors measures in each view, one after the other."""

    gains_by_many = False

    def __init__(self, model: Model, kept: Sequence[panorama.View]) -> None:
        self.model, self.left = model, list(kept)

    def estimate(self, pixels: Pixels, options: InferenceOptions) -> Estimate:
        view, count = self.left.pop(0), 96
        step = (((np.arange(count) + 0.5) / (count / 2) - 1) * view.tangent).astype(np.float32)
        x, y = np.broadcast_arrays(step[None, :], step[:, None])
        ray = x[..., None] * view.axes[0] + y[..., None] * view.axes[1] + view.axes[2]
        length = np.linalg.norm(ray, axis=2)
        depth = (room(ray / length[..., None]) / length).astype(np.float32)
        sky = open_sky(ray / length[..., None])
        if self.model.gives == "points":
            # z lacks a shift, and the unit is not a metre.
            points = np.stack((x * depth, y * depth, depth), axis=-1) / np.float32(2.0)
            points[..., 2] -= np.float32(0.3)
            mask = np.where(sky, np.float32(0.01), np.float32(0.99))
            arrays = {POINTS: points, MASK: mask, SCALE: np.array([2.0], np.float32)}
        elif self.model.gives == "metres by focal length":
            pixels_of_focal = 0.5 * count / view.tangent
            arrays = {DEPTH: depth * np.float32(300.0 / pixels_of_focal), SKY: sky.astype(np.float32)}
        elif self.model.gives == "depth":
            # Every view has a scale of its own.
            arrays = {DEPTH: depth * np.float32(0.5 + 0.05 * len(self.left)), SKY: sky.astype(np.float32)}
        else:
            arrays = {DEPTH: depth}
        batch = {name: array[None] for name, array in arrays.items()}
        (found,) = readings(batch, self.model, [(count, count)], is_mirrored=False)
        return found


def open_sky(ray: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns where the room has no ceiling."""
    return ray[..., 1] < -0.6


@pytest.mark.parametrize("model", ["moge_2_vits_normal", "da3metric_large"])
def test_measured_views_become_one_in_metres(model: str) -> None:
    estimator: Any = TrueViews(MODELS[model], panorama.views())
    options, pixels = InferenceOptions(), np.zeros((64, 128, 3), np.uint8)
    made = panorama.estimate(pixels, WHOLE_SPHERE, estimator, options, lambda words, share: None)
    assert made.scene and made.scene.measures and made.scene.measures.unit == "metres" and made.sky is not None
    ray = rays(*made.disparity.shape)
    sky, distance = open_sky(ray), room(ray)
    assert ((made.sky > 0.5) != sky).mean() < 0.01
    below = ray[..., 1] > -0.4
    apart = np.abs(1.0 / made.disparity[below] / distance[below] - 1.0)
    assert np.quantile(apart, 0.95) < 0.01 and np.median(apart) < 2e-3, np.quantile(apart, [0.5, 0.95, 1.0])
    assert made.scene.measures.near == pytest.approx(np.percentile(distance[~sky], 1), rel=0.05)
    if model.startswith("moge"):
        assert made.valid is not None and (made.valid == sky).mean() < 0.01


@pytest.mark.parametrize("model", ["da3mono_large", "depth_anything_v2_metric_vkitti_vits"])
def test_views_without_a_lens_keep_metres_or_proportions(model: str) -> None:
    estimator: Any = TrueViews(MODELS[model], panorama.views())
    options, pixels = InferenceOptions(), np.zeros((64, 128, 3), np.uint8)
    made = panorama.estimate(pixels, WHOLE_SPHERE, estimator, options, lambda words, share: None)
    assert made.scene and made.scene.measures
    gives_metres = MODELS[model].gives == "metres"
    assert made.scene.measures.unit == ("metres" if gives_metres else "unknown")
    ray = rays(*made.disparity.shape)
    below = ray[..., 1] > -0.4
    ratio = made.disparity[below] * room(ray)[below]
    if not gives_metres:
        ratio = ratio / np.median(ratio)
    assert np.quantile(np.abs(ratio - 1.0), 0.95) < (0.01 if gives_metres else 0.03), np.quantile(ratio, [0.05, 0.95])
    assert (made.sky is not None) == (not gives_metres)
