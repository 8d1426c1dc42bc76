# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mono3d_addon import pipeline
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.version import ROOT

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def run(photo: Path, folder: Path) -> Reconstruction:
    folders = pipeline.Folders(work=folder, data=folder / "data")
    return pipeline.reconstruct(photo, Settings(detail=64), lambda stage, fraction: None, folders)


@pytest.mark.torch
@needs_torch
def test_a_cache_that_cannot_be_written_costs_no_photo(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cache").write_text("in the way")
    assert run(ROOT / "tests" / "photos" / "coffee.png", tmp_path).counts()["triangles"] > 1000


@pytest.mark.torch
@needs_torch
def test_a_wholly_transparent_photo_is_one_sentence_that_says_so(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), (200, 100, 50, 0)).save(tmp_path / "glass.png")
    with pytest.raises(Mono3DError, match=r"'glass\.png' is transparent everywhere"):
        run(tmp_path / "glass.png", tmp_path)


def test_the_longest_unused_disparities_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_CACHE_BYTES", 2000)
    for age, name in enumerate(("new", "middle", "old")):
        np.save(tmp_path / name, np.zeros(200, np.float32))
        os.utime(tmp_path / f"{name}.npy", (1e9 - age, 1e9 - age))
    # What another worker has just renamed or removed is in the list and no more on the disk.
    (tmp_path / "gone.npy").symlink_to(tmp_path / "nowhere")
    pipeline._prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["middle.npy", "new.npy"]
