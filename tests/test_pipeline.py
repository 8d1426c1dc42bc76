# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon import pipeline
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.depth import estimate
from mono3d_addon.depth.estimate import Estimate, Estimator
from mono3d_addon.errors import Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.version import ROOT

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


COARSE = Settings(detail=64)


def run(photo: Path, folder: Path, settings: Settings = COARSE, ahead: Sequence[Path] = ()) -> Reconstruction:
    folder.mkdir(exist_ok=True)
    folders = pipeline.Folders(work=folder, data=folder / "data")
    return pipeline.reconstruct(photo, settings, lambda stage, fraction: None, folders, ahead)


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


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize("change", [{"flip": True}, {"tiles": True}, {"engine": "plain"}, {"network_size": 128}, {}])
def test_the_kept_disparity_is_of_the_same_look(tmp_path: Path, change: dict[str, Any]) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    first = run(photo, tmp_path)
    changed = dataclasses.replace(first.settings, **change)
    again = run(photo, tmp_path, dataclasses.replace(changed, near=0.5))
    assert (pipeline.DISPARITY in again.seconds) == bool(change)
    assert again.engine and (change or again.engine == first.engine)


@pytest.mark.torch
@needs_torch
def test_photos_to_come_are_seen_together_where_that_pays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [tmp_path / f"{number}.png" for number in range(3)]
    picture = Image.open(ROOT / "tests" / "photos" / "coffee.png")
    for number, photo in enumerate(photos):
        picture.rotate(3 * number).save(photo)
    bad = tmp_path / "bad.png"
    bad.write_text("no photo")
    alone = [run(photo, tmp_path / "alone").disparity for photo in photos]
    assert pipeline.DISPARITY in run(photos[0], tmp_path / "processor", ahead=photos[1:]).seconds
    assert pipeline.DISPARITY in run(photos[1], tmp_path / "processor").seconds
    monkeypatch.setattr(Estimator, "gains_by_many", True)
    results = [run(photos[0], tmp_path, ahead=[bad, *photos[1:]]), *(run(photo, tmp_path) for photo in photos[1:])]
    assert [pipeline.DISPARITY in result.seconds for result in results] == [True, False, False]
    for result, disparity in zip(results, alone, strict=True):
        np.testing.assert_allclose(result.disparity, disparity, atol=1e-4)
    with pytest.raises(Mono3DError, match="bad"):
        run(bad, tmp_path)


class Watched(Estimator):
    """Counts the photos that the network sees together, and finds one of them bad."""

    seen: ClassVar[list[int]] = []
    bad: ClassVar[NDArray[np.uint8] | None] = None

    @property
    def gains_by_many(self) -> bool:
        return True

    def estimate_all(self, photos: Any, *rest: Any) -> list[Estimate]:
        self.seen.append(len(photos))
        if self.bad is not None and any(np.array_equal(photo, self.bad) for photo in photos):
            raise Mono3DError("This photo is bad.")
        return super().estimate_all(photos, *rest)


@pytest.fixture
def nine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    def load(*details: Any, **more: Any) -> Estimator:
        made = estimate.load(*details, **more)
        return Watched(made.model, made.engines, made.on_processor)

    monkeypatch.setattr(pipeline, "load", load)
    monkeypatch.setattr(Watched, "seen", [])
    pipeline._estimator.cache_clear()
    photos = [tmp_path / f"{number}.png" for number in range(9)]
    for number, photo in enumerate(photos):
        Image.new("RGB", (64, 48), (20 * number, 100, 50)).save(photo)
    return photos


def run_each(photos: list[Path], folder: Path) -> list[str]:
    failed = []
    for number, photo in enumerate(photos):
        try:
            run(photo, folder, ahead=photos[number + 1 : number + 8])
        except Mono3DError as error:
            failed.append(f"{photo.name}: {error}")
    return failed


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize("cache", ["there", "cannot be written"])
def test_every_photo_is_seen_once(nine: list[Path], tmp_path: Path, cache: str) -> None:
    if cache != "there":
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "cache").write_text("in the way")
    assert run_each(nine, tmp_path) == [] and Watched.seen == [8, 1]


@pytest.mark.torch
@needs_torch
def test_what_is_known_is_not_seen_again(nine: list[Path], tmp_path: Path) -> None:
    for photo in nine[1:]:
        run(photo, tmp_path)
    Watched.seen.clear()
    assert run_each(nine, tmp_path) == [] and Watched.seen == [1]


@pytest.mark.torch
@needs_torch
def test_a_bad_photo_fails_alone(nine: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watched, "bad", np.asarray(Image.open(nine[4]).convert("RGB")))
    assert run_each(nine, tmp_path) == ["4.png: This photo is bad."]


@pytest.mark.torch
@needs_torch
def test_notes_are_kept_with_the_disparity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noting(Estimator):
        def estimate_all(self, photos: Any, *rest: Any) -> list[Estimate]:
            return [dataclasses.replace(one, notes=("A note.",)) for one in super().estimate_all(photos, *rest)]

    def load(*details: Any, **more: Any) -> Estimator:
        made = estimate.load(*details, **more)
        return Noting(made.model, made.engines, made.on_processor)

    monkeypatch.setattr(pipeline, "load", load)
    pipeline._estimator.cache_clear()
    photo = ROOT / "tests" / "photos" / "coffee.png"
    assert run(photo, tmp_path).notes == run(photo, tmp_path).notes == ("A note.",)
    pipeline._estimator.cache_clear()


@pytest.mark.torch
@needs_torch
def test_a_damaged_cache_costs_time_only(tmp_path: Path) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    expected = run(photo, tmp_path).disparity
    (kept,) = (tmp_path / "data" / "cache" / "disparity").iterdir()
    for content in (b"", kept.read_bytes()[:100], b"no zip"):
        kept.write_bytes(content)
        np.testing.assert_allclose(run(photo, tmp_path).disparity, expected, atol=1e-4)


def test_the_longest_unused_disparities_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_CACHE_BYTES", 2000)
    for age, name in enumerate(("new", "middle", "old")):
        np.save(tmp_path / name, np.zeros(200, np.float32))
        os.utime(tmp_path / f"{name}.npy", (1e9 - age, 1e9 - age))
    # What another worker has just renamed or removed is in the list and no more on the disk.
    (tmp_path / "gone.npy").symlink_to(tmp_path / "nowhere")
    pipeline._prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["middle.npy", "new.npy"]
