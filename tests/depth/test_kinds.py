# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of result through all that is done with photos: tiles, mirror average, several at once, cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from mono3d_addon.core.camera.camera import Camera
from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.resampling import nearest, resize
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.disparity_cache import DisparityCache
from mono3d_addon.depth.engines.choice import EngineChoice, Result
from mono3d_addon.depth.engines.engine import DEPTH, POINTS
from mono3d_addon.depth.estimator import Estimator, InferenceOptions
from mono3d_addon.depth.model import Model
from tests import exact_network as exact
from tests.core.ray_caster import Truth
from tests.exact_files import BY_FOCAL, DISPARITY, METRES, MONO
from tests.exact_files import POINTS as OF_POINTS

KINDS = (DISPARITY, MONO, METRES, BY_FOCAL, OF_POINTS)
EYE = exact.eye(480, 360)
SIDE = 112
"""Side of the network's input, so that tiles are worth while."""


def tell_tale() -> NDArray[np.uint8]:
    """Returns a photo of which each pixel tells its place: red across, green down."""
    rows, columns = EYE.height, EYE.width
    across, down = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    return np.rint(np.stack([across, down, np.full_like(across, 0.5)], axis=-1) * 255).astype(np.uint8)


class PartEngines(exact.ExactEngines):
    """Gives the truth of whatever part of the photo the picture shows, mirrored or not, with a scale of its own."""

    def run(self, pictures: NDArray[np.float32], tell: Callable[[str], None]) -> Result:
        self.runs += 1
        found = [self._of_part(picture) for picture in pictures]
        return Result({name: np.stack([one[name] for one in found]) for name in found[0]}, "exact")

    def _of_part(self, picture: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        rows, columns = picture.shape[1:]
        mean, deviation = (np.array(one)[:2, None, None] for one in (self.model.mean, self.model.deviation))
        place = picture[:2] * deviation + mean
        across, down = place[0].mean(axis=0), place[1].mean(axis=1)
        is_mirrored = across[-1] < across[0]
        (left, right), (top, bottom) = (_ends(one) for one in (across[::-1] if is_mirrored else across, down))
        whole = self.camera
        part = dataclasses.replace(
            whole,
            width=round((right - left) * whole.width),
            height=round((bottom - top) * whole.height),
            cx=whole.cx - left * whole.width,
            cy=whole.cy - top * whole.height,
        )
        one = dataclasses.replace(self, camera=part)
        arrays = dict(one.arrays(rows, columns))
        if self.model.gives in ("disparity", "depth"):
            first = next(iter(arrays))
            arrays[first] = arrays[first] * np.float32(1.0 + 0.3 * left)
        return {name: exact.mirrored(name, array) for name, array in arrays.items()} if is_mirrored else arrays


def _ends(places: NDArray[np.float64]) -> tuple[float, float]:
    """Returns where the picture's sides are, from the places of its pixels' centres."""
    inner = slice(len(places) // 8, -len(places) // 8)
    numbers = np.arange(len(places))[inner] + 0.5
    slope, start = np.polyfit(numbers, places[inner], 1)
    ends = [float(start), float(start + slope * len(places))]
    return max(0.0, ends[0]), min(1.0, ends[1])


def estimator(model: str) -> tuple[Estimator, PartEngines]:
    engines = PartEngines(MODELS[model], exact.OUTDOORS, EYE)
    return Estimator(MODELS[model], cast(EngineChoice, engines), lambda: cast(Any, engines)), engines


def truth_for(found: Estimate) -> Truth:
    rows, columns = found.disparity.shape
    return exact.render(exact.OUTDOORS, exact.stretched(EYE, columns, rows))


def errors(found: Estimate, model: Model, *, radius: int = 6) -> NDArray[np.float64]:
    """Returns the relative errors of the depth away from edges, after a fit of what the kind leaves open."""
    truth = truth_for(found)
    smooth = exact.smooth(truth, radius)
    assert smooth.mean() > 0.2
    inverse, true = found.disparity[smooth].astype(np.float64), 1.0 / truth.depth[smooth].astype(np.float64)
    if model.gives == "disparity":
        design = np.stack([inverse, np.ones_like(inverse)], axis=1)
        inverse = design @ np.linalg.lstsq(design, true, rcond=None)[0]
    elif model.gives == "depth":
        inverse = inverse * np.median(true / inverse)
    elif model.gives == "metres by focal length":
        inverse = inverse / (EYE.fx / EYE.width)
    return np.abs(inverse / true - 1.0)


OPTIONS = {
    "whole": InferenceOptions(SIDE),
    "mirror average": InferenceOptions(SIDE, flip=True),
    "tiles": InferenceOptions(SIDE, tiles=True),
    "both": InferenceOptions(SIDE, flip=True, tiles=True),
}


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("feature", OPTIONS)
def test_every_kind_with_tiles_and_mirror_average(feature: str, model: str) -> None:
    made, engines = estimator(model)
    options = OPTIONS[feature]
    found = made.estimate(tell_tale(), options)
    assert (engines.runs > 1) == options.tiles
    whole = estimator(model)[0].estimate(tell_tale(), OPTIONS["whole"])
    if options.tiles:
        assert found.disparity.size > 1.6 * whole.disparity.size
    limit = 0.03 if options.tiles else 2e-3
    # The disparity's zero is that of the sky, of which little is left far away.
    apart = errors(found, MODELS[model])
    assert np.quantile(apart, 0.9) < limit, np.quantile(apart, [0.5, 0.9, 0.99])
    row = MODELS[model]
    assert (found.sky is not None) == (row.gives in ("depth", "metres by focal length", "points"))
    assert (found.normals is not None) == (found.valid is not None) == (row.gives == "points")
    if found.scene is None or found.scene.measures is None:
        assert row.gives == "disparity"
        return
    assert whole.scene and whole.scene.measures
    measures, others = found.scene.measures, whole.scene.measures
    assert (measures.unit, measures.focal > 0.0) == (others.unit, row.gives == "points")
    assert measures.near == pytest.approx(others.near, rel=2e-3) and measures.far == pytest.approx(others.far, rel=2e-3)


@pytest.mark.parametrize("model", KINDS)
def test_several_photos_at_once_are_what_each_is_alone(model: str) -> None:
    photos = [tell_tale(), tell_tale()[40:320, 60:420], tell_tale()[:, ::-1]]
    made, _ = estimator(model)
    together = made.estimate_all(photos, OPTIONS["whole"])
    for photo, one in zip(photos, together, strict=True):
        alone = made.estimate(photo, OPTIONS["whole"])
        assert np.array_equal(one.disparity, alone.disparity) and one.scene == alone.scene
        assert (one.normals is None) == (alone.normals is None)


@pytest.mark.parametrize("model", KINDS)
def test_every_kind_comes_back_from_the_cache(model: str, tmp_path: Path) -> None:
    cache, (made, _) = DisparityCache(tmp_path), estimator(model)
    kept = made.estimate(tell_tale(), OPTIONS["whole"])
    cache.put("one", kept)
    found = cache.get("one")
    assert found is not None and np.array_equal(found.disparity, kept.disparity) and found.scene == kept.scene
    for name, tolerance in (("sky", 1e-5), ("normals", 2e-5), ("valid", 0.0)):
        one, other = getattr(found, name), getattr(kept, name)
        assert (one is None) == (other is None), name
        assert one is None or np.allclose(one.astype(float), other.astype(float), atol=tolerance)
    assert (found.view is None) == (kept.view is None)


def test_the_parts_are_recognised() -> None:
    _, engines = estimator(METRES)
    photo = tell_tale()
    seen = np.stack([resize(photo[60:300, 100:400, one].astype(np.float32), 140, 112, "bilinear") for one in range(3)])
    row = MODELS[METRES]
    mean, deviation = (np.array(one, np.float32)[:, None, None] for one in (row.mean, row.deviation))
    arrays = engines._of_part((seen / 255.0 - mean) / deviation)
    whole = exact.render(exact.OUTDOORS, EYE)
    wanted = nearest(whole.depth[60:300, 100:400], 140, 112)
    assert np.median(np.abs(arrays[DEPTH] / wanted - 1.0)) < 5e-3
    assert POINTS not in arrays and isinstance(EYE, Camera)
