# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.scene_guess import Guess, SceneGuess
from mono3d_addon.depth.disparity_cache import DisparityCache

ESTIMATE = Estimate(np.arange(6, dtype=np.float32).reshape(2, 3), "torch", ("A note.", "Another."), device="cuda")


def test_an_estimate_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = DisparityCache(tmp_path / "cache")
    assert cache.get("photo") is None and "photo" not in cache
    cache.put("photo", ESTIMATE)
    found = cache.get("photo")
    assert found is not None and "photo" in cache
    assert np.array_equal(found.disparity, ESTIMATE.disparity)
    assert (found.engine, found.notes, found.device) == ("torch", ("A note.", "Another."), "cuda")


def test_what_is_said_of_scene_and_sky_comes_back(tmp_path: Path) -> None:
    cache = DisparityCache(tmp_path)
    scene = SceneGuess(Guess(1.5, 0.3), None, Guess(0.8, 0.1), {"room": 0.75, "flat": 0.25})
    sky = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
    cache.put("photo", replace(ESTIMATE, scene=scene, sky=sky))
    found = cache.get("photo")
    assert found is not None and found.scene == scene and found.sky is not None
    assert found.sky.dtype == np.float32
    np.testing.assert_allclose(found.sky, sky, atol=1e-5)
    cache.put("other", ESTIMATE)
    plain = cache.get("other")
    assert plain is not None and plain.scene is None and plain.sky is None


def test_a_cut_file_is_no_estimate(tmp_path: Path) -> None:
    cache = DisparityCache(tmp_path)
    cache.put("photo", ESTIMATE)
    (file,) = tmp_path.iterdir()
    for content in (b"", file.read_bytes()[:100], b"no zip"):
        file.write_bytes(content)
        assert cache.get("photo") is None


def test_the_longest_unused_disparities_go_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old")):
        np.save(tmp_path / name, np.zeros(200, np.float32))
        os.utime(tmp_path / f"{name}.npy", (1e9 - age, 1e9 - age))
    # What another worker has just renamed or removed is in the list and no more on the disk.
    (tmp_path / "gone.npy").symlink_to(tmp_path / "nowhere")
    DisparityCache(tmp_path, most_bytes=2000).prune()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["middle.npy", "new.npy"]
