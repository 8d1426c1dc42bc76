# SPDX-License-Identifier: GPL-3.0-or-later
"""The command as a user types it: a real interpreter, real packages, real files, and all that can go wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.file_list import results

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "tests" / "photos"
DATA = os.environ.get("MONO3D_TEST_DATA", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')"),
]
posix = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals and permissions")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of its own, with the shared installed packages, an empty cache and a depth map for `lightest`."""
    folder = tmp_path / "data"
    folder.mkdir()
    np.save(folder / "ramp.npy", np.tile(np.linspace(2.0, 4.0, 64, dtype=np.float32), (48, 1)))
    (folder / "environments").symlink_to(Path(DATA) / "environments")
    return folder


def command(data: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "mono3d_addon", *map(str, arguments), "--data-folder", str(data)]


def mono3d(data: Path, *arguments: object, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "HOME": str(home)} if home else None
    return subprocess.run(
        command(data, *arguments), cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300, check=False
    )


def light(*more: object) -> tuple[object, ...]:
    return ("--format", "ply", "--no-preview", "--detail", 128, "--engine", "plain", "--tiles", "off", *more)


def lightest(data: Path, *more: object) -> tuple[object, ...]:
    """Returns options for a job without a network, for tests in which it does not matter."""
    return light("--depth-file", data / "ramp.npy", *more)


@pytest.mark.serial
def test_one_photo_gives_all_that_was_promised(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "größe out"
    home = tmp_path / "home"
    home.mkdir()
    done = mono3d(data, PHOTOS / "coffee.png", "-o", out, home=home)
    assert done.returncode == 0, done.stderr
    assert not list(home.rglob("*")), "something was written outside the data folder"
    assert re.search(r"camera: assumed \d\d degrees,", done.stdout), done.stdout
    assert re.search(r"Distances: estimated 0\.\d+ to \d\.\d+ m \(rough\)", done.stdout), done.stdout
    names = ("coffee.blend", "coffee.glb", "coffee.ply", "coffee_depth.npy", "coffee_depth.png", "coffee_preview.png")
    assert sorted(path.name for path in results(out)) == sorted(names)
    depth = np.load(out / "coffee_depth.npy")
    assert depth.dtype == np.float32 and depth.shape == (400, 600) and 0.3 < depth.min() < depth.max() <= 3.001
    picture = Image.open(out / "coffee_depth.png")
    assert picture.mode.startswith("I;16") and picture.size == (600, 400)
    preview = np.asarray(Image.open(out / "coffee_preview.png").convert("RGB"), dtype=float)
    assert preview.std() > 20.0
    began = time.monotonic()
    again = mono3d(data, PHOTOS / "coffee.png", "-o", out, "--skip-existing")
    assert again.returncode == 0 and "1 skipped" in again.stdout and "already exist" in again.stdout
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("surface", ["poisson", pytest.param("ball_pivoting", marks=pytest.mark.thorough)])
def test_every_surface_and_format(data: Path, tmp_path: Path, surface: str) -> None:
    formats = "glb,ply,obj,stl,cloud,npy,png16,exr,camera"
    surfaces = ("--surface", surface, "--poisson-depth", 7, "--target-triangles", 5000, "--smooth", 3)
    options = light("--format", formats, "--detail", 200, *surfaces)
    done = mono3d(data, PHOTOS / "astronaut.png", "-o", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    files = {path.name for path in results(tmp_path / "out")}
    assert {"astronaut.glb", "astronaut.obj", "astronaut.mtl", "astronaut.stl", "astronaut_cloud.ply"} <= files
    assert {"astronaut_depth.exr", "astronaut_camera.json"} <= files
    assert not [name for name in files if "partial" in name]


def test_the_seeds_command_line_gives_that_one_file(data: Path, tmp_path: Path) -> None:
    done = mono3d(data, "--rgb", PHOTOS / "coffee.png", "--out", tmp_path / "out" / "cup.ply", "--detail", 128)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in results(tmp_path / "out")] == ["cup.ply"]


def test_many_photos_two_jobs_and_a_report(data: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(PHOTOS, photos)
    (photos / "a text.jpg").write_text("no photo")
    Image.new("RGB", (1, 1)).save(photos / "one.png")
    Image.new("RGB", (20000, 10)).save(photos / "wide.png")
    (photos / "cut.jpg").write_bytes((PHOTOS / "china.jpg").read_bytes()[:20_000])
    report = tmp_path / "report.json"
    done = mono3d(data, photos, tmp_path / "gone.jpg", "-o", tmp_path / "out", *light("--jobs", 2, "--report", report))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "3 done, 5 failed" in done.stdout
    records = {Path(one["photo"]).name: one for one in json.loads(report.read_text())["photos"]}
    messages = {
        "a text.jpg": "not a photo",
        "one.png": "1 x 1",
        "wide.png": "20000 x 10",
        "cut.jpg": "cut off",
        "gone.jpg": "no file",
    }
    for name, words in messages.items():
        assert records[name]["status"] == "failed" and words in records[name]["message"], records[name]
        assert words in done.stderr
    cup = records["coffee.png"]
    assert cup["status"] == "done" and cup["counts"]["triangles"] > 1000
    assert cup["distances"]["near"]["source"] == cup["distances"]["far"]["source"] == "estimated"
    assert cup["camera"]["source"].startswith("assumed ") and cup["seconds"]["Estimating depth"] > 0
    assert cup["model"] == "starter"
    assert cup["files"] == [str(tmp_path / "out" / "coffee.ply")]
    assert sorted(path.name for path in results(tmp_path / "out")) == ["astronaut.ply", "china.ply", "coffee.ply"]


def test_an_output_that_cannot_be_written_is_one_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = mono3d(data, PHOTOS / "coffee.png", "-o", tmp_path / "file" / "out", *light())
    assert done.returncode == 1
    assert "choose another folder" in done.stderr and "Traceback" not in done.stderr


@posix
def test_a_read_only_output_folder_is_one_sentence(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    arguments = command(data, PHOTOS / "coffee.png", "-o", out, *light())
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1 and "Nothing can be written" in done.stderr


def test_one_output_name_for_two_photos_is_wrong_usage(data: Path, tmp_path: Path) -> None:
    done = mono3d(data, PHOTOS / "coffee.png", PHOTOS / "china.jpg", "-o", tmp_path / "both.ply")
    assert done.returncode == 2 and "give a folder" in done.stderr


@pytest.mark.parametrize("options", [("--format", "obj"), ("--format", "blend", "--no-pack-texture")])
def test_no_picture_beside_a_result_replaces_a_photo_of_the_run(
    data: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    shutil.copy(PHOTOS / "coffee.png", tmp_path / "wood.png")
    shutil.copy(PHOTOS / "astronaut.png", tmp_path / "wood_texture.png")
    photos = (tmp_path / "wood.png", tmp_path / "wood_texture.png")
    done = mono3d(data, *photos, "-o", tmp_path, *lightest(data), *options)
    assert (tmp_path / "wood_texture.png").read_bytes() == (PHOTOS / "astronaut.png").read_bytes()
    assert done.returncode == 1 and "1 done, 1 failed" in done.stdout
    assert "wood.png: failed. Its result 'wood_texture.png' would replace a photo" in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.stem == "wood" and path.suffix != ".png"]


@posix
@pytest.mark.parametrize(
    "end", ["| head -n 1", pytest.param("> /dev/full", marks=pytest.mark.thorough), ">&-", "> /dev/full 2>&1"]
)
def test_results_do_not_depend_on_who_reads_the_log(data: Path, tmp_path: Path, end: str) -> None:
    if "/dev/full" in end and not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    photos = [tmp_path / f"{number}.png" for number in range(3)]
    for photo in photos:
        shutil.copy(PHOTOS / "coffee.png", photo)
    words = shlex.join(
        command(data, *photos, "-o", tmp_path / "out", *lightest(data, "--report", tmp_path / "report.json"))
    )
    line = f"set -o pipefail; {words} {end}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in results(tmp_path / "out")) == ["0.ply", "1.ply", "2.ply"]
    assert json.loads((tmp_path / "report.json").read_text())["done"] == 3


@posix
def test_a_reader_that_leaves_early_is_told_nothing() -> None:
    line = f"set -o pipefail; {shlex.join([sys.executable, '-m', 'mono3d_addon', 'models', 'list'])} | true"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_blender_is_loaded_only_for_scenes(data: Path, tmp_path: Path) -> None:
    done = mono3d(data, PHOTOS / "coffee.png", "-o", tmp_path, *lightest(data))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (data / "logs").iterdir()) == ["worker-0.log"]


def test_pictures_that_are_left_out_are_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("cup.png", "cup_preview.png"):
        shutil.copy(PHOTOS / "coffee.png", tmp_path / "photos" / name)
    done = mono3d(data, tmp_path / "photos", "-o", tmp_path / "out", *lightest(data))
    assert done.returncode == 0 and "1 done in" in done.stdout
    assert "'cup_preview.png' was skipped as a result of an earlier run" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "cup.ply", "--format", "glb"), "--format asks for glb"),
        (("-o", "cup.gltf"), "cannot be written"),
        (("--format", "", "--no-preview"), "nothing would be written"),
        (("--report", "."), "is a folder"),
    ],
)
def test_wrong_usage_is_told_before_any_work(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = mono3d(tmp_path / "empty", PHOTOS / "coffee.png", *words)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def worker_of(process: subprocess.Popen[str], job: str) -> int:
    """Returns the process number of the command's child of the kind `job` once it works on a photo."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                words = (path.parent / "cmdline").read_bytes().decode(errors="replace")
            except (OSError, IndexError, ValueError):
                continue
            if parent == process.pid and f"--warm\0{job}\0" in words:
                return int(path.parent.name)
        time.sleep(0.02)
    raise AssertionError("the command started no worker")


def wait_for_work(out: Path) -> None:
    """Returns once the first photo's files have a place to go, which they get just before the worker gets the photo."""
    end = time.monotonic() + 60
    while not list(out.glob(".mono3d-*.partial")) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)


@posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_worker_killed_in_mid_job_costs_one_photo(data: Path, tmp_path: Path) -> None:
    arguments = command(data, PHOTOS / "astronaut.png", PHOTOS / "coffee.png", "-o", tmp_path / "out", *light())
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_work(tmp_path / "out")
    os.kill(worker_of(process, "reconstruct"), signal.SIGKILL)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 1, error
    assert "astronaut.png: failed. The worker was killed" in error and "Traceback" not in error
    assert "1 done, 1 failed" in out
    assert [path.name for path in results(tmp_path / "out")] == ["coffee.ply"]


@pytest.mark.serial
@posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written(data: Path, tmp_path: Path, number: int) -> None:
    endless = ("--surface", "poisson", "--poisson-depth", 12, "--voxel", 0, "--format", "ply", "--no-preview")
    # The second photo waits for the worker and must not get it.
    arguments = command(data, PHOTOS / "coffee.png", PHOTOS / "china.jpg", "-o", tmp_path / "out", *endless)
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for_work(tmp_path / "out")
        child = worker_of(process, "reconstruct")
        time.sleep(2.0)
        began = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate(timeout=20)
    finally:
        process.kill()
    assert time.monotonic() - began < 5.0
    assert process.returncode == 130, error
    assert "interrupted" in error and "Traceback" not in error
    assert list(results(tmp_path / "out")) == []
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_shards_at_the_same_time_do_every_photo_once(tmp_path: Path, data: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        shutil.copy(PHOTOS / "coffee.png", photos / f"cup{number}.png")
    whole = command(data, photos, "-o", tmp_path / "out", *lightest(data, "--skip-existing"))
    running = [
        subprocess.Popen([*whole, "--shard", f"{number}/3", "--report", str(tmp_path / f"{number}.json")], cwd=ROOT)
        for number in (1, 2, 3)
    ]
    assert [process.wait(300) for process in running] == [0, 0, 0]
    reports = [json.loads((tmp_path / f"{number}.json").read_text()) for number in (1, 2, 3)]
    done = [Path(photo["photo"]).name for report in reports for photo in report["photos"]]
    assert sorted(done) == [f"cup{number}.png" for number in range(8)]
    assert all(photo["status"] == "done" for report in reports for photo in report["photos"])
    assert len(list((tmp_path / "out").glob("*.ply"))) == 8
    lines = (tmp_path / "out" / ".mono3d-results.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["name"] for line in lines) == [f"cup{number}" for number in range(8)]
    again = subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    assert "8 skipped" in again.stdout
