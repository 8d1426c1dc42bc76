# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that go when nobody uses them, and not before."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT
from mono3d_addon.web.folders import ServerFolder, SharedFolder, empty, size_of


def gone(path: Path) -> bool:
    """Waits a little for a removal, which another thread does."""
    end = time.monotonic() + 5
    while path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return not path.exists()


def test_a_folder_that_is_read_stays_until_the_reader_is_done(tmp_path: Path) -> None:
    async def story() -> None:
        job = SharedFolder(tmp_path / "job")
        revision = SharedFolder(tmp_path / "job" / "revision", job)
        revision.path.mkdir(parents=True)
        with revision.used() as path:
            revision.release()
            job.release()
            await asyncio.sleep(0.1)
            assert path.is_dir()
        await asyncio.sleep(0.1)
        assert gone(job.path)

    asyncio.run(story())


def test_folders_are_private_and_leave_nothing(tmp_path: Path) -> None:
    folders = [ServerFolder(tmp_path / "web") for _ in range(2)]
    for folder in folders:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700 and folder.jobs.is_dir()
        (folder.jobs / "photo").write_bytes(bytes(1000))
        assert size_of(folder.jobs) == 1000
        folder.close()
    assert list((tmp_path / "web").iterdir()) == []


def test_a_dead_servers_folder_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    code = f"import sys, time; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from pathlib import Path; from mono3d_addon.web.folders import ServerFolder\n"
    code += "folder = ServerFolder(Path(sys.argv[1]), 1); print(folder.path, flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    theirs = Path(other.stdout.readline().strip())
    ServerFolder(tmp_path, 1).close()
    assert theirs.is_dir()
    other.kill()
    other.wait()
    (tmp_path / "server-is-a-link").symlink_to(ROOT)
    taker = ServerFolder(tmp_path, 1)
    assert taker.path == theirs, "the next one takes it over"
    taker.close()
    assert not theirs.exists() and ROOT.is_dir()


def test_a_server_takes_over_the_folder_of_its_port(tmp_path: Path) -> None:
    before = {port: ServerFolder(tmp_path, port) for port in (1, 2, 3)}
    for port, folder in before.items():
        (folder.jobs / f"{port}").mkdir()
        (folder.jobs / f"{port}" / "job.json").touch()
        (folder.uploads / "part").touch()
        folder.close()
    after = {port: ServerFolder(tmp_path, port, 3600.0) for port in (3, 1, 4, 2)}
    assert [after[port].path for port in (1, 3)] == [before[port].path for port in (1, 3)]
    assert after[4].path == before[2].path, "any other if there is none of its port"
    assert after[2].path not in [folder.path for folder in before.values()]
    assert not any(after[1].uploads.iterdir()) and (after[1].jobs / "1").is_dir()


def test_what_nobody_takes_over_goes_when_its_time_is_over(tmp_path: Path) -> None:
    folders = [ServerFolder(tmp_path, port) for port in (1, 2, 3)]
    for age, folder in enumerate(folders):
        (folder.jobs / "a").mkdir()
        record = folder.jobs / "a" / "job.json"
        record.touch()
        os.utime(record, (time.time() - 100 * age,) * 2)
        folder.close()
    taker = ServerFolder(tmp_path, 1, keep_seconds=150.0)
    assert sorted(tmp_path.iterdir()) == sorted(folder.path for folder in folders[:2])
    assert taker.path == folders[0].path


def test_emptying_keeps_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(ROOT)
    for name in ("job.json", "photo.png"):
        (tmp_path / name).touch()
    empty(tmp_path, "job.json")
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"] and ROOT.is_dir()


def test_many_that_start_at_once_do_not_take_each_others_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        folders = list(pool.map(lambda _: ServerFolder(tmp_path), range(64)))
    assert all(folder.jobs.is_dir() and folder.uploads.is_dir() for folder in folders)
    for folder in folders:
        folder.close()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Mono3DError, match="Nothing can be written to .*; choose another --data-folder"):
        ServerFolder(tmp_path / "file" / "web")
