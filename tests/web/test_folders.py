# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that go when nobody uses them, and not before."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mono3d_addon.errors import Mono3DError
from mono3d_addon.version import ROOT
from mono3d_addon.web.folders import ServerFolder, SharedFolder, size_of


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
        assert size_of(folder.path) == 1000
        folder.close()
    assert list((tmp_path / "web").iterdir()) == []


def test_a_dead_servers_folder_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    code = f"import sys, time; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from pathlib import Path; from mono3d_addon.web.folders import ServerFolder\n"
    code += "folder = ServerFolder(Path(sys.argv[1])); print(folder.path, flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    theirs = Path(other.stdout.readline().strip())
    ServerFolder(tmp_path).close()
    assert theirs.is_dir()
    other.kill()
    other.wait()
    (tmp_path / "server-is-a-link").symlink_to(ROOT)
    ServerFolder(tmp_path).close()
    assert not theirs.exists() and ROOT.is_dir()


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
