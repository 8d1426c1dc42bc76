# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a network measures to a mesh in metres: with a network that makes no errors, the mesh has none either."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon import pipeline
from mono3d_addon.core import windows
from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.depth.engines.engine import NORMALS
from mono3d_addon.depth.readings import of_depth
from mono3d_addon.reshape import make_reshaper
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from tests import exact_network as exact
from tests.core.ray_caster import Truth, depth_at
from tests.core.truth_scenes import BROWN, RED, box, plain, wall

MOGE, METRES, DA3, MONO = (
    "moge_2_vits_normal",
    "depth_anything_v2_metric_vkitti_vits",
    "da3metric_large",
    "da3mono_large",
)


def run(folder: Path, settings: Settings, session: Session | None = None) -> Reconstruction:
    folder.mkdir(exist_ok=True)
    settings = dataclasses.replace(settings, weights=exact.weights(folder))
    session = session or exact.session(folder)
    path = exact.photo(folder)
    return pipeline.reconstruct(path, settings, lambda stage, share: None, session, pipeline.Folders(folder))


def errors(result: Reconstruction) -> NDArray[np.float64]:
    """Returns the relative error of the depth of each vertex that is not at an edge of something."""
    return np.abs(ratios(result) - 1.0)


def ratios(result: Reconstruction, camera: Camera | None = None) -> NDArray[np.float64]:
    """Returns the depth of each vertex that is not at an edge of something, divided by the true one."""
    camera = camera or exact.eye()
    uv = result.mesh.uv.astype(np.float64)
    places = np.stack((uv[:, 0] * camera.width, (1.0 - uv[:, 1]) * camera.height), axis=1)
    truth = exact.render(exact.OUTDOORS, camera)
    cells = np.clip(places, 0, (camera.width - 1, camera.height - 1)).astype(int)
    kept = exact.smooth(truth, 14)[cells[:, 1], cells[:, 0]]
    assert kept.mean() > 0.2
    return result.mesh.vertices[kept, 2] / depth_at(exact.OUTDOORS, camera, places[kept])


def degrees(result: Reconstruction) -> float:
    return math.degrees(result.camera.field_of_view)


def lens_for(model: str) -> float:
    """Returns the field of view that the user has to give, in degrees; 0: none."""
    return 0.0 if model == MOGE else 62.0


@pytest.mark.parametrize("model", [MOGE, METRES, DA3])
def test_the_mesh_is_right_in_metres(model: str, tmp_path: Path) -> None:
    result = run(tmp_path, Settings(model=model, detail=320, field_of_view=lens_for(model), planes=False))
    found = errors(result)
    assert np.quantile(found, 0.99) < 1e-3 and np.quantile(found, 0.999) < 1e-2, np.quantile(
        found, [0.5, 0.9, 0.99, 1.0]
    )
    assert degrees(result) == pytest.approx(62.0, abs=0.01)
    assert result.resolved.near.source == result.resolved.far.source == "estimated"
    assert not result.resolved.near.is_rough
    assert any(note.startswith("Distances: estimated ") for note in result.notes)


def test_planes_stay_near_the_truth(tmp_path: Path) -> None:
    # Round and small things are fitted with planes too, as far as their noise could be.
    found = errors(run(tmp_path, Settings(model=MOGE, detail=320)))
    assert np.quantile(found, 0.9) < 1e-3 and np.quantile(found, 0.99) < 3e-3, np.quantile(found, [0.5, 0.9, 0.99])


def true_sky(rows: int, columns: int) -> NDArray[np.bool_]:
    eye = exact.stretched(exact.eye(), columns, rows)
    return exact.render(exact.OUTDOORS, eye).item == len(exact.OUTDOORS) - 1


@pytest.mark.parametrize("model", [MOGE, DA3, MONO])
def test_the_sky_is_cut_at_the_right_pixels(model: str, tmp_path: Path) -> None:
    result = run(tmp_path, Settings(model=model, detail=640, sky="remove", planes=False))
    cut, sky = np.isnan(result.depth), true_sky(*result.depth.shape)
    assert (cut != sky).mean() < 2e-3
    # Those that differ are cells that the outline goes through.
    beside = windows.maximum(sky.astype(np.float32), 1) != windows.minimum(sky.astype(np.float32), 1)
    assert not ((cut != sky) & ~beside).any()


def test_where_there_is_nothing_there_is_a_hole(tmp_path: Path) -> None:
    kept = run(tmp_path, Settings(model=MOGE, detail=320, sky="keep", planes=False))
    hole, sky = np.isnan(kept.depth), true_sky(*kept.depth.shape)
    assert (hole != sky).mean() < 0.01
    behind = run(tmp_path, Settings(model=MOGE, detail=320, sky="auto", planes=False))
    assert not np.isnan(behind.depth).any()
    # The sky stands far behind the farthest thing.
    assert np.quantile(behind.depth[sky], 0.02) > 3.9 * np.quantile(kept.depth[~sky & ~hole], 0.99)


def test_a_scale_that_is_unknown_keeps_the_proportions(tmp_path: Path) -> None:
    result = run(tmp_path, Settings(model=MONO, detail=320, field_of_view=62.0, near=1.3, planes=False))
    near = result.resolved.near
    assert (near.value, near.source, result.resolved.far.source) == (1.3, "set by you", "estimated")
    guessed = run(tmp_path, Settings(model=MONO, detail=320, field_of_view=62.0, planes=False))
    assert guessed.resolved.near.source == "typical"
    for one in (result, guessed):
        found = ratios(one)
        assert np.quantile(np.abs(found / np.median(found) - 1.0), 0.99) < 1e-3


@pytest.mark.parametrize("model", [MOGE, METRES])
def test_near_and_far_still_change_what_was_measured(model: str, tmp_path: Path) -> None:
    settings = Settings(model=model, detail=160, field_of_view=62.0, planes=False, edges="connected", sky="clamp")
    plain = run(tmp_path, settings)
    near, far = plain.resolved.near.value, plain.resolved.far.value
    # The far distance follows the near one.
    larger = run(tmp_path, dataclasses.replace(settings, near=2.0 * near))
    np.testing.assert_allclose(larger.depth, 2.0 * plain.depth, rtol=2e-3)
    # Both together shift the inverse depth too, as they do for relative depth.
    shifted = run(tmp_path, dataclasses.replace(settings, near=near, far=0.5 * far))
    share = (1.0 / plain.depth - 1.0 / far) / (1.0 / near - 1.0 / far)
    expected = 1.0 / np.maximum(share * (1.0 / near - 2.0 / far) + 2.0 / far, 0.01 * 2.0 / far)
    within = (plain.depth < far) & (plain.depth > near)
    assert np.quantile(np.abs(shifted.depth / expected - 1.0)[within], 0.95) < 1e-2


def test_a_known_lens_shifts_the_points(tmp_path: Path) -> None:
    # The true lens changes nothing, because the points suit it best.
    settings = Settings(model=MOGE, detail=160, planes=False)
    free, known = run(tmp_path, settings), run(tmp_path, dataclasses.replace(settings, field_of_view=62.0))
    np.testing.assert_allclose(known.depth, free.depth, rtol=1e-3)
    longer = run(tmp_path, dataclasses.replace(settings, field_of_view=50.0))
    assert longer.resolved.field_of_view.source == "set by you" and free.resolved.field_of_view.source == "estimated"
    things = ~true_sky(*free.depth.shape)
    assert np.median(longer.depth[things] / free.depth[things]) > 1.1


def test_the_focal_length_scales_metres(tmp_path: Path) -> None:
    settings = Settings(model=DA3, detail=160, planes=False)
    wide, narrow = (run(tmp_path, dataclasses.replace(settings, field_of_view=one)) for one in (62.0, 40.0))
    factor = math.tan(math.radians(31.0)) / math.tan(math.radians(20.0))
    np.testing.assert_allclose(narrow.depth, factor * wide.depth, rtol=1e-3)
    unknown = run(tmp_path, settings)
    assert unknown.resolved.near.is_rough and not wide.resolved.near.is_rough
    assert "(rough)" in unknown.resolved.distance_words


@pytest.mark.parametrize("model", [MOGE, METRES, DA3])
def test_the_mirror_average_keeps_the_metres(model: str, tmp_path: Path) -> None:
    settings = Settings(model=model, detail=320, field_of_view=lens_for(model), planes=False, flip=True)
    assert np.quantile(errors(run(tmp_path, settings)), 0.99) < 2e-3


@pytest.mark.parametrize("model", [MOGE, DA3])
def test_the_cache_gives_the_same_for_every_lens(model: str, tmp_path: Path) -> None:
    session = exact.session(tmp_path)
    settings = Settings(model=model, detail=160, planes=False)
    for angle in (0.0, 50.0):
        wanted = dataclasses.replace(settings, field_of_view=angle)
        first = run(tmp_path, wanted, exact.session(tmp_path / "fresh" / str(angle)))
        again = run(tmp_path, wanted, session)
        # Probabilities of sky are stored in steps.
        np.testing.assert_allclose(again.depth, first.depth, rtol=1e-4)
        assert again.resolved.near.value == pytest.approx(first.resolved.near.value, rel=1e-5)


@pytest.mark.parametrize("surface", ["grid", "adaptive"])
def test_the_networks_normals_shade_a_rippled_mesh(
    surface: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exactly = exact.points_of

    def rippled(truth: Truth, sky: NDArray[np.bool_]) -> dict[str, NDArray[np.float32]]:
        rows, columns = np.indices(truth.depth.shape)
        waves = np.float32(1.0) + np.float32(0.002) * (np.sin(rows * 0.5) + np.sin(columns * 0.6)).astype(np.float32)
        found = exactly(dataclasses.replace(truth, depth=truth.depth * waves), sky)
        return found if has_normals else {name: one for name, one in found.items() if name != NORMALS}

    monkeypatch.setattr(exact, "points_of", rippled)
    settings = Settings(
        model=MOGE, detail=320, field_of_view=62.0, planes=False, surface=surface, normal_map=True, edges="tear"
    )
    apart, maps = {}, {}
    for has_normals in (False, True):
        result = run(tmp_path / str(has_normals), settings)
        assert result.has_given_normals == has_normals and result.normal_map is not None
        apart[has_normals] = normal_errors(result)
        with Image.open(result.normal_map) as picture:
            maps[has_normals] = np.asarray(picture.convert("RGB"), np.float64)
    assert np.median(apart[False]) > 1.0 and np.median(apart[True]) < 0.4 * np.median(apart[False]), {
        key: float(np.median(one)) for key, one in apart.items()
    }
    if surface == "adaptive":
        # What the mesh has too few vertices for is in the map; of the floor it is even.
        floor = maps[True][-20:, 100:220], maps[False][-20:, 100:220]
        assert floor[0].std(axis=(0, 1)).max() < 0.6 * floor[1].std(axis=(0, 1)).max()


def test_the_networks_normals_flatten_a_bent_wall(tmp_path: Path) -> None:
    items = (wall(5.0, plain(RED), (0.2, 0.1)), box((0.8, 0.5, 3.0), (0.6, 0.6, 0.6), plain(BROWN), 0.4))
    truth = exact.render(items, exact.eye())
    rows, columns = np.indices(truth.depth.shape) / 640.0
    bend = np.exp(0.03 * np.sin(20.0 * rows) * np.cos(15.0 * columns))
    photo = read_photo(exact.photo(tmp_path, items), 100.0)
    estimate = of_depth((truth.depth * bend).astype(np.float32), None, None, "metres", truth.camera.fx / 640)
    off = []
    for normals in (None, truth.normals):
        reshaper = make_reshaper(photo, dataclasses.replace(estimate, normals=normals), is_panorama=False)
        depth = reshaper.depth(Settings(detail=640, sky="keep"))
        off.append(float((depth / truth.depth)[truth.item == 0].std()))
    assert off[0] > 0.005 and off[1] < 0.4 * off[0], off


def normal_errors(result: Reconstruction) -> NDArray[np.float64]:
    """Returns the angles, degrees, of the vertices' normals from the true ones, away from edges."""
    truth = exact.render(exact.OUTDOORS, exact.eye())
    uv = result.mesh.uv.astype(np.float64)
    cells = np.clip(np.stack((uv[:, 0] * 640, (1.0 - uv[:, 1]) * 480), axis=1), 0, (639, 479)).astype(int)
    kept = exact.smooth(truth, 14)[cells[:, 1], cells[:, 0]]
    true = truth.normals[cells[:, 1], cells[:, 0]][kept]
    return np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", result.mesh.normals[kept], true), -1.0, 1.0)))
