# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import importlib.util
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mono3d_addon import pipeline
from mono3d_addon.core.estimate import Estimate
from mono3d_addon.core.reconstruction import Reconstruction
from mono3d_addon.core.scene_guess import Measures, SceneGuess
from mono3d_addon.depth import estimator
from mono3d_addon.depth.catalogue import BUNDLED_FOLDER
from mono3d_addon.depth.estimator import Estimator, EstimatorCache
from mono3d_addon.errors import Mono3DError
from mono3d_addon.session import Session
from mono3d_addon.settings import Settings
from mono3d_addon.version import ROOT
from tests.core.camera.tagged import picture, xmp_packet
from tests.core.tiled_room import room, turned

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


COARSE = Settings(detail=64)
PLAIN = Settings(detail=64, engine="plain")
"""Whose numbers do not depend on whether a faster engine is ready by now."""


def run(
    photo: Path,
    folder: Path,
    settings: Settings = COARSE,
    ahead: Sequence[Path] = (),
    session: Session | None = None,
) -> Reconstruction:
    """Returns a reconstruction, in a session of its own unless one is given."""
    folder.mkdir(exist_ok=True)
    session = session or Session(folder / "data")
    return pipeline.reconstruct(photo, settings, lambda stage, share: None, session, pipeline.Folders(folder), ahead)


def session_with(kind: type[Estimator], folder: Path) -> Session:
    """Returns a session whose estimators are of a kind."""

    def load(*details: Any, **more: Any) -> Estimator:
        made = estimator.load(*details, **more)
        return kind(made.model, made.engines, made.on_processor)

    session = Session(folder / "data")
    session.estimators = EstimatorCache(load)
    return session


@pytest.mark.torch
@needs_torch
def test_a_cache_that_cannot_be_written_costs_no_photo(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cache").write_text("in the way")
    assert run(ROOT / "tests" / "photos" / "coffee.png", tmp_path).counts()["triangles"] > 1000


@pytest.mark.torch
@needs_torch
def test_weights_of_ones_own_may_lie_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no shell has written the folder out, as in --weights=~/own.safetensors and in Blender's field."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copy(BUNDLED_FOLDER / "starter.safetensors", tmp_path / "own.safetensors")
    photo = ROOT / "tests" / "photos" / "coffee.png"
    settings = dataclasses.replace(PLAIN, weights="~/own.safetensors")
    assert run(photo, tmp_path / "work", settings).counts()["triangles"] > 1000
    with pytest.raises(Mono3DError, match=r"~no-such-user.own\.safetensors does not exist"):
        run(photo, tmp_path / "work", dataclasses.replace(PLAIN, weights="~no-such-user/own.safetensors"))


@pytest.mark.torch
@needs_torch
def test_a_wholly_transparent_photo_is_one_sentence_that_says_so(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), (200, 100, 50, 0)).save(tmp_path / "glass.png")
    with pytest.raises(Mono3DError, match=r"'glass\.png' is transparent everywhere"):
        run(tmp_path / "glass.png", tmp_path)


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize(
    "change",
    [
        {"flip": True},
        {},
        *(
            pytest.param(one, marks=pytest.mark.thorough)
            for one in ({"tiles": "on"}, {"engine": "plain"}, {"network_size": 128})
        ),
    ],
)
def test_the_kept_disparity_is_of_the_same_look(tmp_path: Path, change: dict[str, Any]) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    # Without a change of engine the plain one, so that no other is prepared meanwhile.
    first = run(photo, tmp_path, COARSE if "engine" in change else PLAIN)
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
    by_itself = Session(tmp_path / "alone")
    alone = [run(photo, tmp_path / "alone", PLAIN, session=by_itself).disparity for photo in photos]
    assert pipeline.DISPARITY in run(photos[0], tmp_path / "processor", PLAIN, ahead=photos[1:]).seconds
    assert pipeline.DISPARITY in run(photos[1], tmp_path / "processor", PLAIN).seconds
    monkeypatch.setattr(Estimator, "gains_by_many", True)
    session = Session(tmp_path / "data")
    results = [
        run(photos[0], tmp_path, PLAIN, [bad, *photos[1:]], session),
        *(run(photo, tmp_path, PLAIN, session=session) for photo in photos[1:]),
    ]
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
    monkeypatch.setattr(Watched, "seen", [])
    photos = [tmp_path / f"{number}.png" for number in range(9)]
    for number, photo in enumerate(photos):
        Image.new("RGB", (64, 48), (20 * number, 100, 50)).save(photo)
    return photos


def run_each(photos: list[Path], folder: Path) -> list[str]:
    failed = []
    session = session_with(Watched, folder)
    for number, photo in enumerate(photos):
        try:
            run(photo, folder, PLAIN, ahead=photos[number + 1 : number + 8], session=session)
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
        run(photo, tmp_path, PLAIN)
    assert run_each(nine, tmp_path) == [] and Watched.seen == [1]


@pytest.mark.torch
@needs_torch
def test_a_bad_photo_fails_alone(nine: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watched, "bad", np.asarray(Image.open(nine[4]).convert("RGB")))
    assert run_each(nine, tmp_path) == ["4.png: This photo is bad."]


@pytest.mark.torch
@needs_torch
def test_notes_are_kept_with_the_disparity(tmp_path: Path) -> None:
    class Noting(Estimator):
        def estimate_all(self, photos: Any, *rest: Any) -> list[Estimate]:
            return [dataclasses.replace(one, notes=("A note.",)) for one in super().estimate_all(photos, *rest)]

    photo = ROOT / "tests" / "photos" / "coffee.png"
    settings = dataclasses.replace(PLAIN, near=1.0, far=6.0)
    first = run(photo, tmp_path, settings, session=session_with(Noting, tmp_path))
    again = run(photo, tmp_path, settings)
    assert first.notes == again.notes == ("A note.",) and pipeline.DISPARITY not in again.seconds


@pytest.mark.torch
@needs_torch
def test_what_is_known_from_another_device_is_told(tmp_path: Path) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    here = dataclasses.replace(PLAIN, device="cpu")
    assert run(photo, tmp_path, here).notes == run(photo, tmp_path, here).notes == run(photo, tmp_path, PLAIN).notes
    (note, _) = run(photo, tmp_path, dataclasses.replace(PLAIN, device="xpu")).notes
    assert note == "The depth comes from the cache, made by torch float32 on cpu; the device 'xpu' was not used."


@pytest.mark.torch
@needs_torch
def test_a_damaged_cache_costs_time_only(tmp_path: Path) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    expected = run(photo, tmp_path, PLAIN).disparity
    (kept,) = (tmp_path / "data" / "cache" / "disparity").iterdir()
    for content in (b"", kept.read_bytes()[:100], b"no zip"):
        kept.write_bytes(content)
        np.testing.assert_allclose(run(photo, tmp_path, PLAIN).disparity, expected, atol=1e-4)


def own(photo: Path, folder: Path, depth: NDArray[np.float32], **settings: Any) -> Reconstruction:
    """Returns a reconstruction from a depth map in metres; no network takes part."""
    np.save(folder / "own.npy", depth)
    return run(photo, folder, Settings(detail=64, depth_file=str(folder / "own.npy"), **settings))


def test_own_depth_needs_no_network(tmp_path: Path) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    depth = np.random.default_rng(0).uniform(2.0, 2.05, (43, 64)).astype(np.float32)
    result = own(photo, tmp_path, depth, shift_x=10.0, shift_y=-25.0)
    np.testing.assert_allclose(result.depth, depth, rtol=1e-5)
    assert pipeline.DISPARITY not in result.seconds and result.engine == "own.npy"
    assert (result.camera.cx, result.camera.cy) == (0.6 * 600, 0.25 * 400)
    np.testing.assert_allclose(result.mesh.uv, result.camera.uv(result.mesh.vertices), atol=1e-6)
    assert not (tmp_path / "data").exists()


def test_straight_edges_tell_the_lens_where_the_file_does_not(tmp_path: Path) -> None:
    pixels = room(turned(40.0, 8.0, 1.0), 72.0)
    flat = np.full((48, 64), 2.0, np.float32)
    Image.fromarray(pixels).save(tmp_path / "bare.png")
    for result in (own(tmp_path / "bare.png", tmp_path, flat), run(tmp_path / "bare.png", tmp_path, PLAIN)):
        assert re.fullmatch(r"estimated 7\d degrees", result.camera.source)
        assert np.degrees(result.camera.field_of_view) == pytest.approx(72.0, abs=2.5)
    chosen = own(tmp_path / "bare.png", tmp_path, flat, field_of_view=50.0)
    assert chosen.camera.source == "your setting"
    # A lens that the user has set can become automatic again.
    assert chosen.scene == own(tmp_path / "bare.png", tmp_path, flat).scene is not None
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 28
    Image.fromarray(pixels).save(tmp_path / "told.jpg", exif=exif, quality=95)
    told = own(tmp_path / "told.jpg", tmp_path, flat)
    assert "28 mm" in told.camera.source and told.scene is None


def test_a_lens_that_the_network_measures_stays(tmp_path: Path) -> None:
    photo = tmp_path / "bare.png"
    Image.fromarray(room(turned(40.0, 8.0, 1.0), 72.0)).save(photo)
    measures = Measures(1.0, 3.0, "metres", focal=0.5 / np.tan(np.radians(24.0)))
    scene = SceneGuess(measures=measures)

    class Measuring(Estimator):
        def estimate_all(self, *given: Any, **more: Any) -> list[Estimate]:
            return [dataclasses.replace(one, scene=scene) for one in super().estimate_all(*given, **more)]

    result = run(photo, tmp_path, PLAIN, session=session_with(Measuring, tmp_path))
    assert result.scene == scene and result.camera.source == "estimated 48 degrees"


def test_a_scene_is_levelled_by_its_ground(tmp_path: Path) -> None:
    photo = ROOT / "tests" / "photos" / "coffee.png"
    camera = own(photo, tmp_path, np.full((43, 64), 3.0, np.float32)).camera
    down = ((np.arange(43) + 0.5) * (400 / 43) - camera.cy) / camera.fy
    floor = np.minimum(1.5 / np.maximum(down + 0.12, 0.1), 12.0)[:, None].repeat(64, 1).astype(np.float32)
    result = own(photo, tmp_path, floor, level=True, tear=0.0)
    height = -result.scene_mesh.vertices[:, 1]
    assert result.camera.elevation == pytest.approx(1.5, rel=0.05) and np.abs(height[-640:]).max() < 0.02
    assert result.camera.pitch == pytest.approx(-np.arctan(0.12), abs=0.01)
    flat = own(photo, tmp_path, np.full((43, 64), 3.0, np.float32), level=True)
    assert not flat.camera.has_pose and "not levelled" in flat.notes[-1]


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize(("together", "calls"), [(True, [14]), (False, [1] * 14)])
def test_the_views_of_a_panorama_run_together_where_that_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool, calls: list[int]
) -> None:
    seen: list[int] = []
    original = Estimator.estimate_all

    def watched(self: Estimator, photos: Sequence[Any], *given: Any) -> list[Estimate]:
        seen.append(len(photos))
        return original(self, photos, *given)

    monkeypatch.setattr(Estimator, "gains_by_many", property(lambda self: together))
    monkeypatch.setattr(Estimator, "estimate_all", watched)
    photo = tmp_path / "around.png"
    Image.new("RGB", (128, 64), (90, 90, 90)).save(photo)
    result = run(photo, tmp_path, Settings(projection="equirectangular", network_size=64, detail=64, engine="plain"))
    assert result.camera.is_panorama and seen == calls


def test_masks_and_panoramas_reach_the_mesh(tmp_path: Path) -> None:
    photo = tmp_path / "around.png"
    Image.new("RGB", (128, 64), (90, 90, 90)).save(photo)
    Image.fromarray(np.arange(128, dtype=np.uint8)[None].repeat(64, 0) * 2).save(tmp_path / "mask.png")
    distance = np.full((32, 64), 2.0, np.float32)
    whole = own(photo, tmp_path, distance, projection="equirectangular", surface="poisson")
    assert whole.camera.is_panorama and "keeps its torn grid" in whole.notes[-1] and whole.cloud is None
    np.testing.assert_allclose(np.linalg.norm(whole.mesh.vertices, axis=1), 2.0, rtol=1e-4)
    half = own(photo, tmp_path, distance, projection="equirectangular", mask=str(tmp_path / "mask.png"))
    assert half.mesh.uv[:, 0].min() > 0.48 and np.isnan(half.depth[:, :31]).all()


_BAND = {
    "GPano:FullPanoWidthPixels": 1200,
    "GPano:FullPanoHeightPixels": 600,
    "GPano:CroppedAreaImageWidthPixels": 800,
    "GPano:CroppedAreaImageHeightPixels": 200,
    "GPano:CroppedAreaLeftPixels": 300,
    "GPano:CroppedAreaTopPixels": 200,
}


def test_a_part_of_a_panorama_becomes_that_part_of_a_sphere(tmp_path: Path) -> None:
    packet = xmp_packet({"GPano:ProjectionType": "equirectangular"} | _BAND)
    photo = picture(tmp_path / "part.jpg", (160, 40), xmp=packet)
    result = own(photo, tmp_path, np.full((16, 64), 2.0, np.float32), level=True)
    assert result.camera.source == "panorama of 240 x 60 degrees, XMP"
    vertices = result.mesh.vertices
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 2.0, rtol=1e-4)
    longitude = np.degrees(np.arctan2(vertices[:, 0], vertices[:, 2]))
    latitude = np.degrees(np.arcsin(vertices[:, 1] / 2.0))
    assert (longitude.min(), longitude.max()) == pytest.approx((-120.0, 120.0), abs=0.1)
    assert (latitude.min(), latitude.max()) == pytest.approx((-30.0, 30.0), abs=0.1)
    plain = own(photo, tmp_path, np.full((16, 64), 2.0, np.float32), projection="pinhole")
    assert not plain.camera.is_panorama and plain.camera.source == "assumed 55 degrees"


@pytest.mark.torch
@needs_torch
def test_a_part_of_a_panorama_is_seen_in_views(tmp_path: Path) -> None:
    packet = xmp_packet({"GPano:ProjectionType": "equirectangular"} | _BAND)
    photo = picture(tmp_path / "part.jpg", (160, 40), xmp=packet)
    result = run(photo, tmp_path, Settings(network_size=64, detail=64, engine="plain"))
    assert result.camera.is_panorama and result.disparity.shape == (256, 1024)
    assert np.isfinite(result.disparity).all() and result.counts()["triangles"] > 100


@pytest.fixture(scope="module")
def one_session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A session that keeps networks and depths of photos, as that of a worker does."""
    return Session(tmp_path_factory.mktemp("session"))


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize("sky", ["auto", "keep", "clamp", "remove"])
def test_the_sky_of_a_landscape(tmp_path: Path, sky: str, one_session: Session) -> None:
    settings = Settings(detail=128, sky=sky)
    result = run(ROOT / "tests" / "photos" / "china.jpg", tmp_path, settings, session=one_session)
    top = result.depth[:3]
    assert any("Sky" in note for note in result.notes) == (sky != "keep")
    if sky == "keep":
        assert np.ptp(top) > 0.01
    elif sky == "remove":
        assert np.isnan(top).mean() > 0.9
    else:
        assert np.ptp(top) == 0.0 and (top.max() > 3 * result.resolved.far.value) == (sky == "auto")


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize("photo", ["coffee.png", "astronaut.png"])
def test_indoors_there_is_no_sky(tmp_path: Path, photo: str, one_session: Session) -> None:
    settings = Settings(detail=128, sky="remove")
    result = run(ROOT / "tests" / "photos" / photo, tmp_path, settings, session=one_session)
    assert not any("Sky" in note for note in result.notes)
