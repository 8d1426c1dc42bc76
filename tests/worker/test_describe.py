# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's small tasks, in real processes: describing a photo, and its depth without a mesh."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mono3d_addon.core.reconstruction import load_depth
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.version import ROOT
from mono3d_addon.worker.client import Worker

COFFEE = ROOT / "tests" / "photos" / "coffee.png"


@pytest.fixture(scope="module")
def describer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("describer")
    worker = Worker("describe", [], folder / "describe.log", folder)
    yield worker
    worker.stop()


def test_a_photo_is_described_upright(describer: Worker, tmp_path: Path) -> None:
    photo = tmp_path / "upright.jpg"
    exif = Image.Exif()
    exif[274] = 6
    exif.get_ifd(0x8769)[41989] = 28
    with Image.open(COFFEE) as picture:
        picture.convert("RGB").save(photo, exif=exif)
    request = {"photo": str(photo), "thumbnail": str(tmp_path / "t.npy"), "side": 100, "max_pixels": 100.0}
    found = describer.submit(request).wait()
    assert found == {"width": 400, "height": 600, "camera": "EXIF, 28 mm equivalent"}
    assert np.load(tmp_path / "t.npy").shape == (100, 67, 3)
    began = time.monotonic()
    untold = describer.submit(request | {"photo": str(COFFEE)}).wait()
    print(f"warm: {1000 * (time.monotonic() - began):.0f} ms")
    assert untold["camera"] == "assumed 55 degrees, unless the network estimates it"


def test_pixels_that_were_handed_over_are_described(describer: Worker, tmp_path: Path) -> None:
    photo, values = tmp_path / "a.jpg", np.full((40, 60, 3), 7, np.uint8)
    Image.new("RGB", (60, 40), (200, 30, 30)).save(photo)
    np.save(tmp_path / "values.npy", values)
    request = {"photo": str(photo), "thumbnail": str(tmp_path / "t.npy"), "side": 30, "max_pixels": 100.0}
    describer.submit(request | {"decoded": {str(photo): str(tmp_path / "values.npy")}}).wait()
    assert (np.load(tmp_path / "t.npy") == 7).all()


@pytest.mark.parametrize(("name", "limit", "told"), [("gone.jpg", 100.0, "no file"), ("coffee.png", 0.1, "0.1")])
def test_what_cannot_be_used_is_told_before_the_job(
    describer: Worker, tmp_path: Path, name: str, limit: float, told: str
) -> None:
    request = {"photo": str(COFFEE.with_name(name)), "thumbnail": str(tmp_path / "t.npy"), "side": 100}
    with pytest.raises(Mono3DError, match=told):
        describer.submit({**request, "max_pixels": limit}).wait()
    assert not (tmp_path / "t.npy").exists()


@pytest.mark.torch
def test_the_depth_comes_without_a_mesh(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    worker = Worker("reconstruct", [], tmp_path / "worker.log", tmp_path, log_level="debug")
    settings = dataclasses.asdict(Settings(detail=120, near=1.0, far=3.0, tiles="off"))
    request = {"photo": str(COFFEE), "settings": settings, "folder": str(tmp_path)}
    worker.submit({"task": "depth", **request}).wait()
    worker.stop()
    disparity, depth = load_depth(tmp_path)
    assert depth.shape == (80, 120) and 0.9 < depth.min() < 1.1 and depth.max() == pytest.approx(3.0, rel=0.01)
    assert disparity.ndim == 2 and not (tmp_path / "mesh_vertices.npy").exists()
    log = (tmp_path / "worker.log").read_text()
    assert "INFO mono3d: job 1: depth" in log and "DEBUG mono3d: job 1:" in log and "done in" in log


@pytest.mark.parametrize(("level", "is_there"), [("info", True), ("error", False)])
def test_the_log_holds_what_was_asked_for(tmp_path: Path, level: str, is_there: bool) -> None:
    worker = Worker("describe", [], tmp_path / "w.log", tmp_path, log_level=level)
    request = {"photo": str(COFFEE), "thumbnail": str(tmp_path / "t.npy"), "side": 10, "max_pixels": 100.0}
    worker.submit(request).wait()
    worker.stop()
    assert ("job 1: describe" in (tmp_path / "w.log").read_text()) == is_there
