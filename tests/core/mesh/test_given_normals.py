# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes shaded by a network's normals."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.maps.relative_slopes import GivenNormals, normals_of, places_of, slopes_of
from mono3d_addon.core.mesh.given_normals import are_used, shaded, shading_of
from mono3d_addon.core.mesh.normals import grid_normals
from mono3d_addon.core.scene_guess import Measures, SceneGuess
from mono3d_addon.settings import Settings
from tests import exact_network as exact
from tests.core.ray_caster import Truth

FINE = exact.eye(256, 192)
FOCAL = FINE.fx / FINE.width


def angles(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    products = np.einsum("...i,...i->...", one.astype(np.float64), other.astype(np.float64))
    return np.degrees(np.arccos(np.clip(products, -1.0, 1.0)))


def given(**details: object) -> GivenNormals:
    truth = exact.render(exact.OUTDOORS, FINE)
    return dataclasses.replace(GivenNormals(truth.normals, None, FOCAL), **details)  # type: ignore[arg-type]


def shade(
    points: NDArray[np.float32], normals: NDArray[np.float32], given: GivenNormals, camera: Camera
) -> NDArray[np.float32]:
    """Returns the normals by which the mesh of a whole grid is shaded."""
    used, shape = np.ones(len(points), bool), (camera.height, camera.width)
    return shaded(points, normals, shading_of(points, normals, used, shape, given, camera), camera)


def rippled(truth: Truth) -> NDArray[np.float32]:
    """Returns the true depth with ripples of half a percent, as a network has them."""
    rows, columns = np.indices(truth.depth.shape)
    waves = np.sin(rows * 0.9) + np.sin(columns * 1.1)
    return (truth.depth * (1.0 + 0.0025 * waves)).astype(np.float32)


def test_a_rippled_mesh_is_shaded_as_the_truth() -> None:
    camera = exact.eye(160, 120)
    truth = exact.render(exact.OUTDOORS, camera)
    depth = rippled(truth)
    points, plain = camera.back_project(depth), grid_normals(depth, camera, 0.1).reshape(-1, 3)
    smooth = exact.smooth(truth, 3).ravel()
    true = truth.normals.reshape(-1, 3)
    before = angles(plain, true)[smooth]
    after = angles(shade(points, plain, given(), camera), true)[smooth]
    assert np.median(before) > 5.0 and np.median(after) < 0.3 * np.median(before), (np.median(before), np.median(after))


@pytest.mark.parametrize("degrees", [40.0, 80.0])
@pytest.mark.parametrize(("near", "far"), [(1.0, 1.0), (2.0, 0.6)])
def test_other_distances_and_lenses_turn_them_with_the_mesh(degrees: float, near: float, far: float) -> None:
    # w' = s w + t, and another field of view.
    camera = exact.eye(160, 120, degrees)
    truth = exact.render(exact.OUTDOORS, exact.eye(160, 120))
    measured = (1.0 / 2.0, 1.0 / 12.0)
    wanted = (measured[0] / near, measured[1] / far)
    scale = (wanted[0] - wanted[1]) / (measured[0] - measured[1])
    offset = wanted[1] - scale * measured[1]
    inverse = scale / truth.depth + offset
    depth = (1.0 / np.maximum(inverse, 1e-3)).astype(np.float32)
    points, plain = camera.back_project(depth), grid_normals(depth, camera, 0.1).reshape(-1, 3)
    kept = exact.smooth(truth, 3).ravel() & (inverse > 2e-2).ravel()
    found = shade(points, plain, given(offset=offset), camera)
    # The mesh has no ripples, so that its own normals are right.
    assert np.quantile(angles(found, plain)[kept], 0.95) < 1.5 and kept.sum() > 3000
    unmoved = shade(points, plain, given(), camera)
    assert near == 1.0 or np.quantile(angles(unmoved, plain)[kept], 0.95) > 3.0


def test_where_they_do_not_hold_the_meshs_own_stay() -> None:
    camera = exact.eye(80, 60)
    truth = exact.render(exact.OUTDOORS, camera)
    points, plain = camera.back_project(rippled(truth)), grid_normals(rippled(truth), camera, 0.1).reshape(-1, 3)
    nowhere = np.zeros(FINE_SHAPE, bool)
    assert np.array_equal(shade(points, plain, given(holds=nowhere), camera), plain)
    turned = given(normals=np.broadcast_to(np.array([0.0, 0.0, 1.0], np.float32), (*FINE_SHAPE, 3)))
    assert np.array_equal(shade(points, plain, turned, camera), plain)
    other = np.array([0.9, 0.0, -math.sqrt(1.0 - 0.81)], np.float32)
    beside = given(normals=np.broadcast_to(other, (*FINE_SHAPE, 3)))
    floor = (truth.item == 0).ravel()
    assert np.array_equal(shade(points, plain, beside, camera)[floor], plain[floor])


FINE_SHAPE = (FINE.height, FINE.width)


@pytest.mark.parametrize("aspect", [0.75, 1.0, 1.5])
def test_slopes_lead_back_to_the_normals(aspect: float) -> None:
    random = np.random.default_rng(0)
    normals = random.normal(size=(20, 30, 3)).astype(np.float32)
    normals[..., 2] = -np.abs(normals[..., 2]) - 0.5
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    places = places_of(20, 30, aspect)
    assert np.ptp(places[..., 0]) / np.ptp(places[..., 1]) == pytest.approx(aspect * 29 / 30 * 20 / 19, rel=1e-5)
    found = normals_of(slopes_of(normals, places, 1.1), places, 1.1)
    facing = np.isfinite(found[..., 0])
    assert facing.mean() > 0.9
    np.testing.assert_allclose(found[facing], normals[facing], atol=1e-5)


def test_who_uses_them() -> None:
    normals = np.zeros((2, 2, 3), np.float32)
    known = SceneGuess(measures=Measures(1.0, 2.0, "metres", 0.9))
    unknown = SceneGuess(measures=Measures(1.0, 2.0, "metres"))
    assert are_used(normals, known, Settings())
    assert not are_used(None, known, Settings()) and not are_used(normals, unknown, Settings())
    assert not are_used(normals, None, Settings()) and not are_used(normals, known, Settings(photo_detail=0.5))


def test_a_camera_off_the_middle() -> None:
    straight = exact.eye(160, 120)
    shifted = straight.shifted(0.2, -0.1)
    assert isinstance(shifted, Camera)
    truth = exact.render(exact.OUTDOORS, straight)
    points, plain = shifted.back_project(truth.depth), grid_normals(truth.depth, shifted, 0.1).reshape(-1, 3)
    kept = exact.smooth(truth, 3).ravel()
    assert np.quantile(angles(shade(points, plain, given(), shifted), plain)[kept], 0.95) < 1.5
