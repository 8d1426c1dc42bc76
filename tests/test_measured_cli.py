# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network measures, in the command as a user types it: the cache holds the true arrays of a scene."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from mono3d_addon.core.photo.photo import read_photo
from mono3d_addon.depth import resize
from mono3d_addon.depth.catalogue import MODELS
from mono3d_addon.depth.disparity_cache import DisparityCache
from mono3d_addon.depth.network_source import NetworkSource
from mono3d_addon.depth.readings import readings
from mono3d_addon.settings import Settings
from tests import exact_network as exact
from tests.test_cli import DATA, data, light, mono3d  # noqa: F401

MOGE = "moge_2_vits_normal"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')"),
]


def remember(photo: Path, weights: str, folder: Path, settings: Settings) -> None:
    """Puts what an exact network gives for a photo into the cache of a data folder."""
    session = exact.session(folder)
    cache = DisparityCache(folder / "cache" / "disparity")
    source = NetworkSource(settings, folder, cache, session.estimators, session.read_ahead)
    read = read_photo(photo, settings.max_pixels)
    width, height = read.size
    columns, rows = resize.input_size(width, height, MODELS[settings.model])
    arrays = {name: one[None] for name, one in exact.arrays_for(settings.model, rows, columns).items()}
    (estimate,) = readings(arrays, MODELS[settings.model], [(height, width)], is_mirrored=False)
    cache.put(source._key(read, Path(weights)), dataclasses.replace(estimate, engine="exact", device="cpu"))


def test_a_photo_becomes_metres_lens_and_sky(data: Path, tmp_path: Path) -> None:  # noqa: F811
    photo, weights, out = exact.photo(tmp_path), exact.weights(tmp_path), tmp_path / "out"
    remember(photo, weights, data, Settings(model=MOGE, weights=weights))
    words = light("--model", MOGE, "--weights", weights, "--detail", 320, "--no-planes", "--engine", "auto")
    report = tmp_path / "report.json"
    more = ("--format", "npy,camera", "--sky", "remove", "--report", report)
    done = mono3d(data, photo, "-o", out, *words, *more)
    assert done.returncode == 0, done.stderr
    assert "Distances: estimated" in done.stdout and "estimated 62 degrees" in done.stdout, done.stdout
    depth = np.load(out / "scene_depth.npy")
    truth = exact.render(exact.OUTDOORS, exact.stretched(exact.eye(), depth.shape[1], depth.shape[0]))
    sky = truth.item == len(exact.OUTDOORS) - 1
    assert (np.isnan(depth) != sky).mean() < 4e-3
    things = exact.smooth(truth, 7) & ~np.isnan(depth)
    apart = np.abs(depth[things] / truth.depth[things] - 1.0)
    assert things.mean() > 0.3 and np.quantile(apart, 0.99) < 1e-3
    camera = json.loads((out / "scene_camera.json").read_text(encoding="utf-8"))
    assert camera["field_of_view_degrees"]["longer_side"] == pytest.approx(62.0, abs=0.01)
    assert camera["distances"]["near"]["source"] == "estimated"
    (record,) = json.loads(report.read_text(encoding="utf-8"))["photos"]
    assert (record["model"], record["engine"]) == (f"{MOGE} (exact.pt)", "exact")
