# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is too small: the oldest results leave, and whoever is refused is told so in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.web_server import STAND_IN, furnished, need_packages, png, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()

FULL = "The server's disk is full; try again later, or tell the person who runs it."
NO_ROOM = "The server has no room for another photo or mesh; try again later."
LARGE = {"detail": 600}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder on a disk of 150 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("this system does not let root mount a small disk")
    yield furnished(place)
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.thorough  # test_shelf.py has the quick one
def test_the_oldest_results_leave_before_a_new_job_fails(tmp_path: Path, small_disk: Path) -> None:
    with serving(tmp_path, data=small_disk, program=STAND_IN) as server:
        ids = [server.done(png(600, 450, seed=0), LARGE)]
        while server.get(f"/api/jobs/{ids[0]}").status == 200:
            assert len(ids) < 40, "no disk of 150 MB holds so many"
            ids.append(server.done(png(600, 450, seed=len(ids)), LARGE))
            time.sleep(0.1)
        statuses = [server.get(f"/api/jobs/{id}").status for id in ids]
        assert statuses == sorted(statuses, reverse=True) and statuses[0] == 404, statuses
        assert server.get(f"/api/jobs/{ids[-1]}/files/glb").status == 200
        assert "is full" not in server.text(), server.text()


def test_a_disk_that_others_fill_is_a_sentence_and_a_line(tmp_path: Path, small_disk: Path) -> None:
    with serving(tmp_path, "--workers", "2", data=small_disk, program=STAND_IN) as server:
        kept = server.done(png(64, 48))
        ballast = small_disk / "ballast"
        fill(ballast, small_disk, leave=500_000)
        answer = server.upload(png(2000, 1500), LARGE)
        assert (answer.status, answer.error) == (503, NO_ROOM) and answer.headers["retry-after"]
        assert server.status(kept)["state"] == "done", "it would not help to remove it"
        ballast.unlink()
        id = server.started(png(64, 48), {"surface": "poisson"})
        server.wait(id, "running")
        fill(ballast, small_disk, leave=0)
        waiting = server.upload(png(64, 48))
        assert waiting.status == 503 and waiting.error in (FULL, NO_ROOM)
        answer = server.get(f"/api/jobs/{kept}/files/ply")
        assert (answer.status, answer.error) == (503, FULL)
        assert server.text().count("is full") == 1 and "Traceback" not in server.text(), server.text()
        server.post(f"/api/jobs/{id}/cancel")
        ballast.unlink()
        assert server.done(png(64, 48)) and server.get(f"/api/jobs/{kept}/files/ply").status == 200


def fill(path: Path, disk: Path, leave: int) -> None:
    """Writes a file that leaves `leave` bytes of a disk."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(disk) - leave) if leave else write_all(file.fileno())


def write_all(file: int) -> None:
    try:
        while os.write(file, bytes(65536)):
            pass
    except OSError:
        pass


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
