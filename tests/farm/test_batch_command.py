# SPDX-License-Identifier: GPL-3.0-or-later
"""`batch` as a user types it: real workers, real photos, kills at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mono3d_addon.arguments import parse_batch
from mono3d_addon.cli import SOME_FAILED, USAGE, main
from mono3d_addon.run.plan import HEAD

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "tests" / "photos"
DATA = os.environ.get("MONO3D_TEST_DATA", "")

installed = pytest.mark.skipif(not DATA, reason="no installed packages (run 'python3 tests/run.py')")
LIGHT = ("--no-preview", "--format", "ply", "--detail", 64, "--engine", "plain", "--tiles", "off")


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "mono3d_addon", "batch", *map(str, words)]


def batch(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def small_photos(folder: Path, count: int) -> Path:
    """Writes different small pictures of a real photo."""
    folder.mkdir()
    with Image.open(PHOTOS / "china.jpg") as picture:
        for number in range(count):
            picture.crop((number, 0, 320 + number, 240)).save(folder / f"{number:03}.jpg")
    return folder


def records(out: Path) -> dict[str, dict[str, Any]]:
    """Returns the records beside the results, by their photos' names."""
    found = [json.loads(path.read_bytes()) for path in out.glob("??/??/*.json")]
    assert len({one["photo"] for one in found}) == len(found)
    return {Path(one["photo"]).name: one for one in found}


def check_whole(out: Path) -> None:
    """Checks that the files of each record are there, as large as they were, and no others."""
    named: set[str] = set()
    for one in records(out).values():
        if one["status"] == "done":
            assert one["files"] and sum((out / file).stat().st_size for file in one["files"]) == one["bytes"]
            named |= set(one["files"])
    inner = {path.relative_to(out).as_posix() for path in out.glob("??/??/*") if path.suffix != ".json"}
    assert named <= inner
    for file in inner - named:
        # A killed run had put it there, and not yet its record.
        assert (out / file).stat().st_size > 0


@installed
def test_a_batch_in_steps_and_in_one(tmp_path: Path) -> None:
    photos, out = small_photos(tmp_path / "photos", 3), tmp_path / "out"
    (photos / "damaged.jpg").write_bytes(b"no photo")
    done = batch("plan", photos, "-o", out, *LIGHT, "--data-folder", DATA)
    assert done.returncode == 0, done.stderr
    assert "4 photos" in done.stdout and "batch run" in done.stdout
    assert batch("status", "-o", out).stdout == "4 photos: 0 done, 0 failed, 4 left; no photo lately.\n"
    parts = [batch("run", "-o", out, "--shard", f"{number}/2", "--data-folder", DATA) for number in (1, 2)]
    assert sorted(part.returncode for part in parts) == [0, SOME_FAILED], parts
    status = json.loads(batch("status", "-o", out, "--json").stdout)
    assert (status["done"], status["failed"], status["left"]) == (3, 1, 0)
    check_whole(out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("??/??/*")}
    again = batch(photos, "-o", out, *LIGHT, "--data-folder", DATA)
    assert again.returncode == SOME_FAILED and "3 done, 1 failed, 0 left" in again.stdout
    assert "damaged" in again.stderr, "why it has failed is told again"
    assert {path: path.stat().st_mtime_ns for path in out.glob("??/??/*")} == before
    report = json.loads((out / "report.json").read_text())
    found = {Path(one["photo"]).name: one["status"] for one in report["photos"]}
    assert found == {"000.jpg": "done", "001.jpg": "done", "002.jpg": "done", "damaged.jpg": "failed"}


def kill_at_random(photos: Path, out: Path, kills: int) -> None:
    """Starts a batch and kills it, again and again at random moments, and then lets it end."""
    chance = random.Random(1)
    words = command(photos, "-o", out, *LIGHT, "--data-folder", DATA, "--jobs", 2)
    for number in range(kills):
        before, began = len(list(out.glob("??/??/*.json"))), time.monotonic()
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # The first kill hits the start, the others a run that is at work.
        while number and len(list(out.glob("??/??/*.json"))) == before and time.monotonic() - began < 120.0:
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(list(out.glob("??/??/*.json"))) > before or not number, "the kill came too early"
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr


@installed
@pytest.mark.thorough
@pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")
def test_a_batch_that_is_killed_does_every_photo_once(tmp_path: Path) -> None:
    count = 40
    photos, out = small_photos(tmp_path / "photos", count), tmp_path / "out"
    kill_at_random(photos, out, 5)
    check_whole(out)
    found = records(out)
    assert Counter(one["status"] for one in found.values()) == {"done": count}
    assert sorted(found) == [f"{number:03}.jpg" for number in range(count)]
    assert not list(out.glob(".mono3d-*")), "folders of killed runs are removed"
    report = json.loads((out / "report.json").read_text())
    assert report["done"] == count == len({one["photo"] for one in report["photos"]})


def openjd(*words: object) -> None:
    pytest.importorskip("openjd.cli")
    command = [str(Path(sys.executable).with_name("openjd")), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def run_job(path: Path, script: Path, text: str) -> None:
    """Runs all steps of a job with a shell script as its command."""
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    openjd("run", path, "--step", "Report", "--run-dependencies", "-p", f"Command={script}")


def test_an_open_job_description_is_valid_and_runs_each_shard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = small_photos(tmp_path / "photos", 1), tmp_path / "out"
    words = [str(photos), "-o", str(out), "--runner", "openjd", "--shards", "3", "--jobs", "2"]
    assert main(["batch", *words, "--data-folder", str(tmp_path / "data")]) == 0
    assert "The job of 3 tasks is" in capsys.readouterr().out
    openjd("check", out / "openjd.json")
    calls = tmp_path / "calls"
    run_job(out / "openjd.json", tmp_path / "mono3d", f'echo "$@" >> {calls}')
    lines = [parse_batch(line.split()[1:], "mono3d batch") for line in calls.read_text().splitlines()]
    assert [(line.action, line.options.shard) for line in lines] == [
        ("start", ""),
        *(("run", f"{number}/3") for number in (1, 2, 3)),
        ("stop", ""),
        ("merge", ""),
    ]
    assert {Path(line.options.output).resolve() for line in lines if line.action != "stop"} == {out.resolve()}
    assert {line.options.jobs for line in lines[:4]} == {2}
    assert len({line.options.warm for line in lines[:5]}) == 1 and lines[0].options.warm


@installed
@pytest.mark.thorough
@pytest.mark.skipif(os.name == "nt", reason="runs shell scripts")
def test_an_open_job_description_reconstructs_photos(tmp_path: Path) -> None:
    photos, out = small_photos(tmp_path / "photos", 5), tmp_path / "out"
    done = batch(photos, "-o", out, *LIGHT, "--data-folder", DATA, "--runner", "openjd", "--shards", 2)
    assert done.returncode == 0, done.stderr
    run_job(out / "openjd.json", tmp_path / "mono3d", f'PYTHONPATH={ROOT} exec {sys.executable} -m mono3d_addon "$@"')
    check_whole(out)
    report = json.loads((out / "report.json").read_text())
    assert (report["done"], report["left"]) == (5, 0)


def test_a_place_that_cannot_be_read_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / HEAD).mkdir(parents=True)
    assert main(["batch", "status", "-o", str(tmp_path)]) == SOME_FAILED
    told = capsys.readouterr().err
    assert told.startswith("mono3d: The batch cannot go on (") and "plan.json" in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--detail", "100", "-o", "out"], "unrecognized arguments: --detail"),
        (["photos"], "no place for the results was given"),
        (["plan", "-o", "out"], "no photo was given"),
        (["status", "-o", "s3://bucket/out"], "mono3d[addresses]"),
        (["status", "-o", "nowhere"], "There is no plan yet"),
        (["nowhere.jpg", "-o", "out"], "There is no file or folder 'nowhere.jpg'"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["batch", *words]) in (USAGE, SOME_FAILED)
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
