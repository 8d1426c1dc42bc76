# SPDX-License-Identifier: GPL-3.0-or-later
"""From the arrays of a network to an estimate."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.camera.affine_view import view_of
from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.scene_guess import Guess, Measures, SceneGuess
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.disparity_cache import DisparityCache
from mono3d_addon.depth.engines.engine import DEPTH, DISPARITY, MASK, NORMALS, POINTS, SCALE, SKY
from mono3d_addon.depth.readings import depth_under_sky, of_depth, readings, through_lens

V2, MOGE = MODELS["depth_anything_v2_vits"], MODELS["moge_2_vits_normal"]
METRES, CANONICAL, MONO = (
    MODELS[name] for name in ("depth_anything_v2_metric_vkitti_vits", "da3metric_large", "da3mono_large")
)


def ramp(rows: int = 30, columns: int = 40) -> np.ndarray:
    return np.linspace(2.0, 10.0, rows * columns, dtype=np.float32).reshape(rows, columns)


def test_disparity_stays_as_it_is() -> None:
    (found,) = readings({DISPARITY: ramp()[None]}, V2, [(30, 40)], is_mirrored=False)
    assert np.array_equal(found.disparity, ramp()) and found.scene is None and found.valid is None


@pytest.mark.parametrize(("model", "unit", "factor"), [(METRES, "metres", 1.0), (MONO, "unknown", 1.0)])
def test_depth_becomes_inverse_depth(model: object, unit: str, factor: float) -> None:
    (found,) = readings({DEPTH: ramp()[None]}, model, [(30, 40)], is_mirrored=False)  # type: ignore[arg-type]
    np.testing.assert_allclose(1.0 / found.disparity, factor * ramp(), rtol=1e-6)
    assert found.scene and found.scene.measures
    measures = found.scene.measures
    assert measures.unit == unit and measures.focal == 0.0
    assert (measures.near, measures.far) == pytest.approx(tuple(np.percentile(ramp(), (1, 99))), rel=1e-5)


def test_canonical_depth_is_for_a_focal_length_of_300_pixels() -> None:
    (found,) = readings({DEPTH: ramp()[None]}, CANONICAL, [(300, 400)], is_mirrored=False)
    # 40 columns: a focal length of one longer side is 40 pixels of the network's input.
    np.testing.assert_allclose(1.0 / found.disparity, ramp() * 40 / 300, rtol=1e-6)
    assert found.scene and found.scene.measures and found.scene.measures.unit == "metres by focal length"


def test_the_sky_counts_neither_for_near_nor_for_far() -> None:
    sky = np.zeros((30, 40), np.float32)
    sky[:10] = 1.0
    depth = np.where(sky > 0, np.float32(0.001), ramp())
    (found,) = readings({DEPTH: depth[None], SKY: sky[None]}, MONO, [(30, 40)], is_mirrored=False)
    assert found.scene and found.scene.measures and found.sky is not None
    assert found.scene.measures.near > 4.0
    assert 1.0 / found.disparity[:10].max() == pytest.approx(np.quantile(ramp()[10:], 0.99), rel=1e-3)
    few = np.zeros_like(sky)
    few[0, :10] = 1.0
    assert np.array_equal(depth_under_sky(depth, few), depth)


@pytest.mark.parametrize(("value", "is_sky"), [(0.29, False), (0.31, True)])
def test_what_counts_as_sky_in_the_depth(value: float, is_sky: bool) -> None:
    # Officially from 0.3 on, whatever counts as sky in the mesh.
    sky = np.zeros((30, 40), np.float32)
    sky[:10] = value
    found = depth_under_sky(ramp(), sky)
    farthest = np.quantile(ramp()[10:], 0.99)
    np.testing.assert_allclose(found[:10], farthest if is_sky else ramp()[:10], rtol=1e-6)
    assert np.array_equal(found[10:], ramp()[10:])


@pytest.mark.parametrize(("count", "is_changed"), [(10, False), (11, True)])
def test_few_pixels_of_sky_change_no_depth(count: int, is_changed: bool) -> None:
    for value, other in ((1.0, 0.0), (0.0, 1.0)):
        sky = np.full(1200, other, np.float32)
        sky[:count] = value
        assert np.array_equal(depth_under_sky(ramp(), sky.reshape(30, 40)), ramp()) != is_changed


def seen_points(focal: float, scale: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns what MoGe would give for a scene, and its depth in metres, through a lens in longer sides."""
    rows, columns = 48, 64
    down, across = np.indices((rows, columns), np.float32)
    depth = (3.0 + np.sin(across / 9.0) + np.cos(down / 7.0)).astype(np.float32)
    x, y = ((across + 0.5) / columns - 0.5) / focal, ((down + 0.5) / columns - 0.5 * rows / columns) / focal
    points = np.stack((x * depth, y * depth, depth), axis=-1) / np.float32(scale)
    points[..., 2] -= np.float32(shift)
    return points.astype(np.float32), depth


def test_points_become_metres_through_any_lens() -> None:
    points, depth = seen_points(0.9, 2.5, 0.4)
    arrays = {POINTS: points[None], MASK: np.ones((1, 48, 64), np.float32), SCALE: np.full((1, 1), 2.5, np.float32)}
    (found,) = readings(arrays, MOGE, [(480, 640)], is_mirrored=False)
    assert found.scene and found.scene.measures and found.valid is None
    assert found.scene.measures.focal == pytest.approx(0.9, rel=1e-3)
    np.testing.assert_allclose(1.0 / found.disparity[1:], depth[1:], rtol=2e-3)
    same, wider = (through_lens(found, focal, 4 / 3) for focal in (0.9, 0.6))
    np.testing.assert_allclose(1.0 / same.disparity[1:], depth[1:], rtol=2e-3)
    moved = 1.0 / wider.disparity[1:] - depth[1:]
    assert np.ptp(moved) < 0.02 and abs(float(np.median(moved))) > 0.1
    assert wider.scene and wider.scene.measures and wider.scene.measures.focal == 0.6


def test_what_would_lie_behind_the_camera_does_not_hold() -> None:
    depth = ramp()
    depth[:3, :4] = (-0.5, 0.0, -3.0, -1e-9)
    holds = np.ones((30, 40), bool)
    found = of_depth(depth, holds, None, "metres", 1.0)
    assert found.valid is not None and not found.valid[:3, :4].any() and found.valid[3:].all()
    assert (found.disparity > 0.0).all()


def test_normals_follow_the_lens() -> None:
    points, _ = seen_points(0.9, 2.5, 0.4)
    down, across = np.gradient(points * np.float32(2.5), axis=(0, 1))
    normals = -np.cross(across, down)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    arrays = {POINTS: points, MASK: np.ones((48, 64), np.float32), SCALE: np.full(1, 2.5, np.float32)}
    batch = {name: one[None] for name, one in (arrays | {NORMALS: normals.astype(np.float32)}).items()}
    (found,) = readings(batch, MOGE, [(480, 640)], is_mirrored=False)
    other = through_lens(found, 0.6, 4 / 3)
    assert other.normals is not None and found.normals is not None
    seen = 1.0 / other.disparity
    rays = np.stack(np.meshgrid((np.arange(64) + 0.5) / 64 - 0.5, (np.arange(48) + 0.5) / 64 - 0.375), axis=-1) / 0.6
    there = np.concatenate((rays, np.ones((48, 64, 1))), axis=-1) * seen[..., None]
    down, across = np.gradient(there, axis=(0, 1))
    wanted = -np.cross(across, down)
    wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
    inner = np.s_[2:-2, 2:-2]
    apart = np.degrees(np.arccos(np.clip((wanted * other.normals).sum(-1)[inner], -1.0, 1.0)))
    before = np.degrees(np.arccos(np.clip((wanted * found.normals).sum(-1)[inner], -1.0, 1.0)))
    assert np.quantile(apart, 0.95) < 1.5 < np.median(before), (np.quantile(apart, [0.5, 0.95]), np.median(before))


@pytest.mark.parametrize("value", [0.49, 0.51])
def test_where_points_hold(value: float) -> None:
    points = np.stack((ramp() * 0.1, ramp() * 0.1, ramp()), axis=-1)
    mask = np.full((30, 40), 0.98, np.float32)
    mask[:5] = value
    arrays = {POINTS: points[None], MASK: mask[None], SCALE: np.ones((1, 1), np.float32)}
    (found,) = readings(arrays, MOGE, [(30, 40)], is_mirrored=False)
    holds = np.ones((30, 40), bool) if found.valid is None else found.valid
    assert holds[5:].all() and holds[:5].all() == (value > 0.5) and holds[:5].any() == (value > 0.5)


def test_the_mirror_image_is_mirrored_back() -> None:
    sky = np.zeros((30, 40), np.float32)
    sky[:5, :15] = 1.0
    arrays = {DEPTH: ramp(), SKY: sky}
    both = {name: np.stack((array, array[:, ::-1])) for name, array in arrays.items()}
    (found,) = readings(both, MONO, [(30, 40)], is_mirrored=True)
    (plain,) = readings({name: array[None] for name, array in arrays.items()}, MONO, [(30, 40)], is_mirrored=False)
    np.testing.assert_allclose(found.disparity, plain.disparity, rtol=1e-4)
    assert found.sky is not None and np.array_equal(found.sky, sky)


def test_normals_of_the_mirror_image_look_to_the_other_side() -> None:
    points = np.stack((ramp() * 0.1, ramp() * 0.1, ramp()), axis=-1)
    normals = np.broadcast_to(np.array([0.6, 0.0, -0.8], np.float32), points.shape)
    own = {POINTS: points, MASK: np.ones((30, 40), np.float32), SCALE: np.ones(1, np.float32), NORMALS: normals}
    flip = np.array([-1, 1, 1], np.float32)
    mirror = own | {POINTS: points[:, ::-1] * flip, NORMALS: normals[:, ::-1] * flip}
    both = {name: np.stack((own[name], mirror[name])) for name in own}
    (found,) = readings(both, MOGE, [(30, 40)], is_mirrored=True)
    assert found.normals is not None
    np.testing.assert_allclose(found.normals, normals, atol=1e-6)


def test_nothing_but_sky_is_flat() -> None:
    points = np.ones((20, 20, 3), np.float32)
    arrays = {POINTS: points[None], MASK: np.zeros((1, 20, 20), np.float32), SCALE: np.ones((1, 1), np.float32)}
    (found,) = readings(arrays, MOGE, [(20, 20)], is_mirrored=False)
    assert found.valid is None and np.ptp(found.disparity) == 0 and found.scene is None
    assert through_lens(found, 1.0, 1.0) is found


def test_a_lens_changes_nothing_but_points() -> None:
    (found,) = readings({DEPTH: ramp()[None]}, METRES, [(30, 40)], is_mirrored=False)
    assert through_lens(found, 0.7, 4 / 3) is found


def estimate() -> Estimate:
    points = np.random.default_rng(0).uniform(1, 2, (30, 40, 3)).astype(np.float32)
    view = view_of(points, np.ones((30, 40), bool), 2.0, 4 / 3)
    normals = points / np.linalg.norm(points, axis=-1, keepdims=True)
    scene = SceneGuess(near=Guess(1.0, 0.2), measures=Measures(1.0, 3.0, "metres", 0.8))
    valid = ramp() > 3.0
    return Estimate(ramp(), "exact", ("a note",), scene=scene, valid=valid, normals=normals, view=view)


def test_the_cache_keeps_all_of_an_estimate(tmp_path: Path) -> None:
    kept, cache = estimate(), DisparityCache(tmp_path)
    cache.put("a", kept)
    found = cache.get("a")
    assert found is not None and found.valid is not None and kept.valid is not None
    assert found.normals is not None and kept.normals is not None
    assert (found.engine, found.notes, found.scene) == (kept.engine, kept.notes, kept.scene)
    assert np.array_equal(found.disparity, kept.disparity) and np.array_equal(found.valid, kept.valid)
    np.testing.assert_allclose(found.normals, kept.normals, atol=2e-5)
    for angle in (0.5, 1.3):
        one, other = (through_lens(each, 0.5 / math.tan(0.5 * angle), 4 / 3) for each in (found, kept))
        assert np.array_equal(one.disparity, other.disparity) and one.scene == other.scene
