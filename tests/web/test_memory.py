# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that has worked for long, and one with much to keep: memory stays, and it stops at once."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tests.web.test_crowd import resident
from tests.web.test_lifetime import folder_of
from tests.web.web_server import STAND_IN, need_packages, png, serving

# test_crowd.py and test_persistence.py have the quick ones.
pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow, pytest.mark.thorough]
need_packages()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read where Linux tells it")
def test_memory_is_flat_after_500_jobs(tmp_path: Path) -> None:
    with serving(tmp_path, "--keep-hours", "0.01", program=STAND_IN) as server:
        memory = []
        for number in range(500):
            server.done(png(64, 48, seed=number), {"detail": 64})
            if number % 50 == 49:
                memory.append(resident(server.process.pid))
        print("the server's memory in MB after each 50 jobs:", memory)
        assert memory[-1] - memory[1] < 10.0, memory


@pytest.mark.skipif(sys.platform != "linux", reason="room is taken the way of Linux")
@pytest.mark.parametrize("keep", ["--keep-results", "--no-keep-results"])
def test_a_server_with_gigabytes_stops_at_once(tmp_path: Path, home: Path, keep: str) -> None:
    with serving(tmp_path, keep, data=home, program=STAND_IN) as server:
        id = server.done(png(64, 48), {"detail": 64})
        jobs = folder_of(server) / "jobs"
        (job,) = jobs.iterdir()
        for number in range(50):
            with (job / f"ballast{number}").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 100_000_000)
        stream = server.events(server.started(png(64, 48), {"surface": "poisson"}))
        next(stream)
        began = time.monotonic()
        assert server.stop() == 0
        seconds = time.monotonic() - began
        print(f"{keep}: stopped in {seconds:.1f} s with 5 GB")
        assert seconds < 5.0, id
        assert jobs.exists() == (keep == "--keep-results")
