# SPDX-License-Identifier: GPL-3.0-or-later
"""Warm workers between commands: who may use them, and what becomes of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from mono3d_addon.core.claimed_folder import ClaimedFolder, is_claimed
from mono3d_addon.equipping import Place
from mono3d_addon.errors import Mono3DError
from mono3d_addon.farm import warm, warm_channel
from mono3d_addon.farm.warm_channel import FAMILY, Door, LostError, Note, private_folder, read_note, write_note
from mono3d_addon.farm.work import Work
from mono3d_addon.run.plan import read_plan
from mono3d_addon.run.stores import store_of
from mono3d_addon.settings import BatchOptions
from tests.processes import children, comes, exists

from .test_batch_command import DATA, LIGHT, ROOT, batch, check_whole, installed, records, run_job, small_photos

posix = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals and permissions")


@posix
def test_only_their_user_reaches_warm_workers(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "warm")
    assert folder.stat().st_mode & 0o777 == 0o700
    claimed = ClaimedFolder("mono3d-test-")
    door = Door(claimed.path)
    assert claimed.path.stat().st_mode & 0o777 == 0o700
    write_note(folder, door.note)
    assert next(folder.glob("warm-*.json")).stat().st_mode & 0o777 == 0o600
    heard: list[object] = []

    def serve() -> None:
        channel = door.wait()
        heard.append(channel.receive())
        channel.send({"done": True})

    threading.Thread(target=serve, daemon=True).start()
    found = read_note(folder)
    assert found == door.note
    with pytest.raises(LostError):
        replace(found, secret="00" * 32).connect()
    with pytest.raises(Exception, match="digest"):
        Client(found.address, FAMILY, authkey=b"guessed")
    channel = found.connect()
    channel.send({"key": "a"})
    assert channel.receive() == {"done": True} and heard == [{"key": "a"}]
    door.close()
    claimed.remove()
    assert not found.lives(), "the folder has gone"
    folder.chmod(0o777)
    with pytest.raises(Mono3DError, match="Others may write to"):
        private_folder(folder)


@posix
def test_a_claim_is_seen_from_another_process(tmp_path: Path) -> None:
    words = "import sys, pathlib; from mono3d_addon.core.claimed_folder import is_claimed; "
    words += "print(is_claimed(pathlib.Path(sys.argv[1])))"

    def seen() -> str:
        command = [sys.executable, "-c", words, str(claimed.path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    claimed = ClaimedFolder("claimed-", parent=tmp_path)
    assert seen() == "True"
    claimed.remove()
    assert not is_claimed(claimed.path) and seen() == "False"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"address": 1}'])
def test_a_damaged_note_is_none(tmp_path: Path, text: str) -> None:
    write_note(tmp_path, Note("socket", "00", 1, "claimed"))
    next(tmp_path.glob("warm-*.json")).write_text(text)
    assert read_note(tmp_path) is None


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of warm workers, which are ended after the test."""
    yield tmp_path / "warm"
    note = read_note(tmp_path / "warm")
    if note is not None and note.lives():
        os.kill(note.process, signal.SIGKILL)


def planned(tmp_path: Path, photos: int) -> Path:
    """Returns the place of the results of a plan."""
    out = tmp_path / "out"
    done = batch("plan", small_photos(tmp_path / "photos", photos), "-o", out, *LIGHT, "--data-folder", DATA)
    assert done.returncode == 0, done.stderr
    return out


def noted(folder: Path) -> Note:
    note = read_note(folder)
    assert note is not None
    return note


@installed
@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_runs_share_warm_workers_and_replace_lost_ones(tmp_path: Path, folder: Path) -> None:
    out = planned(tmp_path, 8)
    words = ("-o", out, "--warm", folder, "--data-folder", DATA, "--jobs", 1)
    begun = batch("start", *words)
    assert begun.returncode == 0, begun.stderr
    process = noted(folder).process
    assert f"process {process}." in begun.stdout and os.getsid(process) == process
    assert comes(lambda: len(children(process)) == 1), "the worker gets ready before the first photo"
    workers = children(process)
    assert batch("start", *words).stdout == begun.stdout, "there are some"
    for number in (1, 2):
        done = batch("run", *words, "--shard", f"{number}/4")
        assert done.returncode == 0, done.stderr
        assert (noted(folder).process, children(process)) == (process, workers)
    os.kill(min(workers), signal.SIGKILL)
    assert batch("run", *words, "--shard", "3/4").returncode == 0
    assert noted(folder).process == process and len(children(process)) == 1 and children(process) != workers
    workers = children(process)
    os.kill(process, signal.SIGKILL)
    assert comes(lambda: not any(map(exists, workers))), "workers end with what keeps them"
    assert batch("run", *words, "--shard", "4/4").returncode == 0
    other = noted(folder).process
    assert other != process
    check_whole(out)
    assert len(records(out)) == 8
    workers = children(other)
    assert batch("stop", "--warm", folder).stdout == "The warm workers have ended.\n"
    assert comes(lambda: not any(map(exists, {other, *workers})), 2.0)
    assert [path.suffix for path in folder.iterdir()] == [".log"]
    assert batch("stop", "--warm", folder).stdout == "There are no warm workers.\n"


@installed
@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_warm_workers_end_amid_a_run_and_with_their_folder(tmp_path: Path, folder: Path) -> None:
    out = planned(tmp_path, 200)
    words = ("-o", out, "--warm", folder, "--data-folder", DATA, "--jobs", 1)
    command = [sys.executable, "-m", "mono3d_addon", "batch", "run", *map(str, words)]

    def begun(count: int) -> subprocess.Popen[str]:
        run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert comes(lambda: len(records(out)) >= count, 60.0)
        return run

    run = begun(3)
    first = noted(folder).process
    os.kill(first, signal.SIGKILL)
    assert comes(lambda: (read_note(folder) or noted(folder)).process != first), "the run starts others"
    assert comes(lambda: len(records(out)) >= 6)
    run.kill()
    run.communicate()
    second = noted(folder).process
    time.sleep(5.0)
    run = begun(len(records(out)) + 2)
    assert noted(folder).process == second, "they stay for the next when a run is killed"
    assert batch("stop", "--warm", folder).returncode == 0
    assert "The warm workers were stopped" in run.communicate()[1] and run.returncode == 1
    assert batch("start", *words).returncode == 0
    third = noted(folder).process
    workers = children(third)
    shutil.rmtree(folder)
    assert comes(lambda: not any(map(exists, {third, *workers})))
    check_whole(out)


@installed
@pytest.mark.thorough
@posix
def test_warm_workers_end_when_nobody_needs_them(tmp_path: Path, folder: Path) -> None:
    out = planned(tmp_path, 1)
    options = BatchOptions(output=str(out), data_folder=DATA, jobs=1)
    work = Work(str(out), options, read_plan(store_of(str(out))))
    process = warm.start(work, Place(Path(DATA)), str(folder), idle=3.0)
    began = time.monotonic()
    assert comes(lambda: not exists(process)) and time.monotonic() - began > 2.0
    assert read_note(folder) is None


@installed
@posix
def test_why_warm_workers_do_not_start_is_told(tmp_path: Path, folder: Path) -> None:
    out = planned(tmp_path, 1)
    plan = out / ".mono3d" / "plan.json"
    plan.write_text(plan.read_text().replace('"mono3d": "', '"mono3d": "9'))
    begun = batch("start", "-o", out, "--warm", folder, "--data-folder", DATA)
    assert begun.returncode == 1 and "The plan was made by version 9" in begun.stderr
    assert begun.stderr.count("\n") == 1 and read_note(folder) is None
    assert warm_channel.log_in(folder).is_file()


@installed
@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_the_tasks_of_a_session_share_warm_workers(tmp_path: Path) -> None:
    photos, out = small_photos(tmp_path / "photos", 6), tmp_path / "out"
    words = ("--data-folder", DATA, "--runner", "openjd", "--shards", 3, "--jobs", 1)
    assert batch(photos, "-o", out, *LIGHT, *words).returncode == 0
    seen, run = tmp_path / "seen", f"PYTHONPATH={ROOT} {sys.executable} -m mono3d_addon"
    # After each command: its step, and the processes that the session's warm workers are.
    script = f"""{run} "$@"; code=$?
for word; do [ "$before" = --warm ] && note=$(ls "$word"/warm-*.json 2>/dev/null); before=$word; done
[ -f "$note" ] && process=$(sed 's/.*"process": \\([0-9]*\\).*/\\1/' "$note")
echo "$2 $process $([ -n "$process" ] && cat /proc/$process/task/$process/children)" >> {seen}
exit $code"""
    run_job(out / "openjd.json", tmp_path / "mono3d", script)
    lines = [line.split() for line in seen.read_text().splitlines()]
    assert [line[0] for line in lines] == ["start", "run", "run", "run", "stop", "merge"]
    assert {len(line) for line in lines[:4]} == {3} and len({tuple(line[1:]) for line in lines[:4]}) == 1
    assert comes(lambda: not any(exists(int(process)) for process in lines[0][1:]), 2.0) and lines[4] == ["stop"]
    check_whole(out)
    assert len(records(out)) == 6
