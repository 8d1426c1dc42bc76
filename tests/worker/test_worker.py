# SPDX-License-Identifier: GPL-3.0-or-later
"""A real worker process with the real network, and everything that can happen to it."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mono3d_addon import pipeline
from mono3d_addon.core.reconstruction import load
from mono3d_addon.errors import Cancelled, Mono3DError
from mono3d_addon.settings import Settings
from mono3d_addon.version import ROOT
from mono3d_addon.worker import reshape_files
from mono3d_addon.worker.client import Job, Worker
from mono3d_addon.worker.reshape_files import Source

pytestmark = [pytest.mark.torch, pytest.mark.open3d]
if importlib.util.find_spec("torch") is None or importlib.util.find_spec("open3d") is None:
    pytest.skip("torch and Open3D are not installed", allow_module_level=True)

PHOTO = ROOT / "tests" / "photos" / "coffee.png"
SMALL = Settings(detail=128)
ENDLESS = Settings(detail=512, surface="poisson", poisson_depth=12, voxel=0.0, tiles="off")
"""Settings that keep the worker busy for far longer than any test waits."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("wörker data")
    worker = Worker("reconstruct", [], folder / "logs" / "worker.log", folder)
    yield worker
    worker.stop()


def request(folder: Path, settings: Settings = SMALL, photo: Path = PHOTO, **exports: str) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return {
        "task": "reconstruct",
        "photo": str(photo),
        "settings": dataclasses.asdict(settings),
        "folder": str(folder),
        "exports": exports,
    }


def quick_request(folder: Path) -> dict[str, Any]:
    """Returns a request with a depth map, for tests in which the network does not matter."""
    folder.mkdir(exist_ok=True)
    np.save(folder / "ramp.npy", np.tile(np.linspace(2.0, 4.0, 64, dtype=np.float32), (48, 1)))
    return request(folder, dataclasses.replace(SMALL, depth_file=str(folder / "ramp.npy")))


def wait_for_surface(job: Job) -> None:
    """Returns once Open3D is at work, where nothing of Python's could end the job."""
    end = time.monotonic() + 300
    at_work = ("Removing outliers", "Thinning the points", "Building the surface")
    while job.stage not in at_work and job.poll() and time.monotonic() < end:
        time.sleep(0.02)
    assert job.poll() and job.stage in at_work, (job.state, job.stage, job.error)


def test_a_job_gives_a_reconstruction_files_and_rising_progress(shared: Worker, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    ply = tmp_path / "Tasse mit Löffel.ply"
    job = shared.submit(request(tmp_path / "job", ply=str(ply)))
    result = job.wait(lambda stage, fraction: seen.append((stage, fraction)))
    reconstruction = load(Path(result["folder"]))
    assert reconstruction.counts() == result["counts"]
    assert reconstruction.depth.shape == (85, 128)
    assert ply.stat().st_size > 100_000 and result["files"]["ply"] == [str(ply)]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and len({stage for stage, _ in seen}) >= 3
    assert all(seconds >= 0 for seconds in result["seconds"].values())


def test_the_camera_is_told_as_the_camera_file_tells_it(shared: Worker, tmp_path: Path) -> None:
    result = shared.submit(request(tmp_path / "job", camera=str(tmp_path / "camera.json"))).wait()
    written = json.loads((tmp_path / "camera.json").read_text(encoding="utf-8"))
    told = result["camera"]
    assert {name: written[name] for name in told} == told
    assert told["fx"] > 0 and told["pitch_degrees"] == 0.0
    assert told["metres_above_floor"] is None and told["horizon_pixels_from_top"] is None, "it was not levelled"


def test_the_worker_keeps_the_model_and_the_disparity(shared: Worker, tmp_path: Path) -> None:
    first = shared.submit(request(tmp_path / "a")).wait()
    process = shared.process_id
    again = shared.submit(request(tmp_path / "b", dataclasses.replace(SMALL, near=2.0, far=9.0))).wait()
    assert shared.process_id == process
    assert pipeline.DISPARITY not in again["seconds"] and again["engine"] == first["engine"]
    one, other = load(Path(first["folder"])), load(Path(again["folder"]))
    assert np.array_equal(one.disparity, other.disparity)
    assert other.depth.min() > one.depth.min()


def reshape(key: str, folder: Path, settings: Settings, source: Source | None = None) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    found = {"task": "reshape", "key": key, "settings": dataclasses.asdict(settings), "folder": str(folder)}
    return found if source is None else {**found, "source": dataclasses.asdict(source)}


def test_another_mesh_of_a_photo_that_is_in_memory(shared: Worker, tmp_path: Path) -> None:
    first = shared.submit({**request(tmp_path / "a"), "keep": True}).wait()
    key = load(Path(first["folder"])).photo_key
    other = dataclasses.replace(SMALL, near=2.0, far=9.0, crop_left=30.0, field_of_view=70.0)
    again = shared.submit(reshape(key, tmp_path / "b", other)).wait()
    fresh = load(Path(shared.submit(request(tmp_path / "c", other)).wait()["folder"]))
    made = reshape_files.load(tmp_path / "b")
    for name in ("vertices", "triangles", "uv", "colors"):
        assert np.array_equal(getattr(made.mesh, name), getattr(fresh.scene_whole, name)), name
    assert again["camera"] == dataclasses.asdict(fresh.camera) and again["counts"]["vertices"] == len(made.mesh.uv)
    assert made.edges[1].shape == (made.mesh.triangles.size,)


def test_photos_with_the_same_own_depth_keep_their_colours(shared: Worker, tmp_path: Path) -> None:
    np.save(tmp_path / "plane.npy", np.full((8, 12), 2.0, np.float32))
    settings = dataclasses.replace(SMALL, depth_file=str(tmp_path / "plane.npy"), tear=0.0)
    keys = {}
    for name, color in (("red", (200, 0, 0)), ("blue", (0, 0, 200))):
        Image.new("RGB", (48, 32), color).save(tmp_path / f"{name}.png")
        asked = {**request(tmp_path / name, settings, tmp_path / f"{name}.png"), "keep": True}
        keys[name] = load(Path(shared.submit(asked).wait()["folder"])).photo_key
    shared.submit(reshape(keys["red"], tmp_path / "again", settings)).wait()
    assert (reshape_files.load(tmp_path / "again").mesh.colors == (200, 0, 0)).all()


def test_a_photo_that_is_not_in_memory_comes_from_files(shared: Worker, tmp_path: Path) -> None:
    assert shared.submit(reshape("unknown", tmp_path / "a", SMALL)).wait() == {"missing": True}
    result = load(Path(shared.submit(request(tmp_path / "b")).wait()["folder"]))
    folder = tmp_path / "c"
    folder.mkdir()
    shutil.copy(result.texture, folder / "texture")
    np.save(folder / "disparity.npy", result.disparity)
    mask = np.ones(result.camera.height * result.camera.width, bool).reshape(result.camera.height, -1)
    mask[:, : mask.shape[1] // 2] = False
    np.save(folder / "mask.npy", mask)
    source = Source("cup.png", "texture", "disparity.npy", "mask.npy", dataclasses.asdict(result.lens))
    shared.submit(reshape("now known", folder, SMALL, source)).wait()
    assert (reshape_files.load(folder).mesh.uv[:, 0] > 0.49).all(), "the mask holds"
    assert "missing" not in shared.submit(reshape("now known", tmp_path / "d", SMALL)).wait()


def test_a_photo_is_kept_by_the_name_that_it_is_given_and_forgotten_by_it(shared: Worker, tmp_path: Path) -> None:
    shared.submit({**request(tmp_path / "a"), "keep": True, "key": "mine"}).wait()
    assert "missing" not in shared.submit(reshape("mine", tmp_path / "b", SMALL)).wait()
    shared.forget("mine")
    shared.forget("never known")
    assert shared.submit(reshape("mine", tmp_path / "c", SMALL)).wait() == {"missing": True}


def test_estimates_are_kept_where_the_job_says(shared: Worker, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    again = {**request(tmp_path / "a"), "disparity_cache": str(tmp_path / "kept"), "name": "../Tasse.png"}
    first = shared.submit(again).wait()
    assert pipeline.DISPARITY in first["seconds"], "the cache of the others has it"
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 1
    assert pipeline.DISPARITY not in shared.submit(again).wait()["seconds"]
    result = load(tmp_path / "a")
    assert (result.name, result.photo.name, result.settings.mask) == ("Tasse", "Tasse.png", "")


@pytest.mark.serial
def test_whoever_waits_for_a_job_rests(shared: Worker, tmp_path: Path) -> None:
    job = shared.submit(request(tmp_path / "a", dataclasses.replace(SMALL, detail=200, surface="poisson")))
    began, used = time.monotonic(), time.thread_time()
    job.wait()
    assert time.monotonic() - began > 0.3
    assert time.thread_time() - used < 0.1 * (time.monotonic() - began)


def test_a_superseded_job_leaves_the_worker_and_its_memory(shared: Worker, tmp_path: Path) -> None:
    job = shared.submit(request(tmp_path / "a", dataclasses.replace(SMALL, surface="poisson")))
    process = shared.process_id
    job.supersede()
    assert job.state == "cancelled"
    assert job.wait_until_left(30.0)
    with pytest.raises(Cancelled):
        job.wait()
    after = shared.submit(request(tmp_path / "b"))
    assert after.wait()["counts"]["triangles"] > 0 and shared.process_id == process
    assert not (tmp_path / "a" / "reconstruction.json").exists(), "it was left before its end"


def test_a_bad_photo_is_one_sentence_and_the_next_job_is_fine(shared: Worker, tmp_path: Path) -> None:
    bad = tmp_path / "text.jpg"
    bad.write_text("no photo")
    before = len(shared.log.read_text())
    with pytest.raises(Mono3DError, match=r"'text\.jpg' is not a photo"):
        shared.submit(request(tmp_path / "a", photo=bad)).wait()
    logged = shared.log.read_text()[before:]
    assert "'text.jpg' is not a photo" in logged and "Traceback" not in logged
    process = shared.process_id
    shared.submit(quick_request(tmp_path / "b")).wait()
    assert shared.process_id == process


def test_the_unforeseen_is_one_sentence_and_the_log_has_the_traceback(shared: Worker, tmp_path: Path) -> None:
    broken = request(tmp_path / "a")
    del broken["settings"]
    with pytest.raises(Mono3DError, match="unforeseen.*KeyError"):
        shared.submit(broken).wait()
    assert "Traceback" in shared.log.read_text()


@pytest.mark.serial
def test_cancel_stops_within_a_second_and_the_next_job_is_fine(shared: Worker, tmp_path: Path) -> None:
    job = shared.submit(request(tmp_path / "a", ENDLESS))
    wait_for_surface(job)
    began = time.monotonic()
    job.cancel()
    assert time.monotonic() - began < 1.0
    assert job.state == "cancelled" and not shared.alive
    with pytest.raises(Cancelled):
        job.wait()
    shared.submit(quick_request(tmp_path / "b")).wait()


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "words"), [(signal.SIGKILL, "memory ran out"), (signal.SIGSEGV, "crashed")])
def test_a_killed_worker_is_one_sentence_and_the_next_job_is_fine(
    shared: Worker, tmp_path: Path, number: int, words: str
) -> None:
    job = shared.submit(quick_request(tmp_path / "a"))
    assert shared.process_id is not None
    os.kill(shared.process_id, number)
    with pytest.raises(Mono3DError, match=words) as caught:
        job.wait()
    assert str(shared.log) in str(caught.value)
    shared.submit(quick_request(tmp_path / "b")).wait()


def test_a_second_job_at_a_time_is_refused(shared: Worker, tmp_path: Path) -> None:
    job = shared.submit(quick_request(tmp_path / "a"))
    with pytest.raises(Mono3DError, match="busy"):
        shared.submit(quick_request(tmp_path / "b"))
    job.wait()


def test_an_idle_worker_ends_and_comes_back(tmp_path: Path) -> None:
    worker = Worker("reconstruct", [], tmp_path / "worker.log", tmp_path, idle_seconds=0.5)
    worker.submit(quick_request(tmp_path / "a")).wait()
    end = time.monotonic() + 10
    while worker.alive and time.monotonic() < end:
        time.sleep(0.05)
    assert not worker.alive
    worker.submit(quick_request(tmp_path / "b")).wait()
    worker.stop()


def test_missing_packages_are_one_sentence(tmp_path: Path) -> None:
    import venv

    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    worker = Worker("reconstruct", [], tmp_path / "worker.log", tmp_path, python=str(python))
    with pytest.raises(Mono3DError, match="a package that cannot be loaded .*numpy"):
        worker.submit(request(tmp_path / "a")).wait()
    worker.stop()


def test_a_python_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    worker = Worker("reconstruct", [], tmp_path / "worker.log", tmp_path, python=str(tmp_path / "python"))
    with pytest.raises(Mono3DError, match="cannot be started"):
        worker.submit(request(tmp_path / "a"))


@pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")
def test_the_parents_death_ends_the_worker(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.worker import test_worker
worker = test_worker.Worker("reconstruct", [], Path({str(tmp_path)!r}) / "w.log", Path({str(tmp_path)!r}))
job = worker.submit(test_worker.request(Path({str(tmp_path)!r}) / "a", test_worker.ENDLESS))
test_worker.wait_for_surface(job)
print(worker.process_id, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        status = Path(f"/proc/{child}/stat")
        if status.exists() and ") Z " in status.read_text():
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent")
