# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server that ends, in order or not, leaves to the next one: every job, once, with its results."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mono3d_addon.web.client import Client
from mono3d_addon.worker.page_layout import VIEW
from tests.processes import children
from tests.web.test_lifetime import folder_of
from tests.web.web_server import COFFEE, ENDLESS, SMALL, STAND_IN, WebServer, need_packages, png, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()


@contextlib.contextmanager
def keeping(folder: Path, data: Path, *options: str) -> Iterator[WebServer]:
    folder.mkdir(exist_ok=True)
    with serving(folder, "--keep-results", *options, data=data, program=STAND_IN) as server:
        yield server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_restart_keeps_results_and_finishes_what_was_under_way(tmp_path: Path, home: Path) -> None:
    with keeping(tmp_path / "one", home) as server:
        done = server.done(name="Tasse.png")
        before, view = server.status(done), server.get(f"/api/jobs/{done}/view").body
        failed = server.started(b"\x89PNG\r\n\x1a\n" + bytes(100))
        assert server.wait(failed)["state"] == "failed"
        rebuilt = server.done()
        endless = server.started(settings=ENDLESS)
        server.wait(endless, "running")
        waiting = [server.started(png(64, 48, seed=number)) for number in range(3)]
        server.post(f"/api/jobs/{rebuilt}/shape", {"settings": SMALL | {"near": 2.5}})
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5.0
        assert "results are kept for its next start" in server.text()
    with keeping(tmp_path / "two", home) as server:
        after = server.status(done)
        assert after | {"elapsed": 0} == before | {"elapsed": 0}
        assert server.get(f"/api/jobs/{done}/view").body == view
        assert server.get(f"/api/jobs/{done}/photo").status == server.get(f"/api/jobs/{done}/files/ply").status == 200
        assert server.status(failed)["error"] and server.status(failed)["state"] == "failed"
        server.post(f"/api/jobs/{endless}/cancel")
        for id in waiting:
            assert server.wait(id)["state"] == "done"
        status = server.wait(rebuilt)
        assert status["result"]["settings"]["near"] == 2.5 and status["revision"] == 2
        server.post(f"/api/jobs/{done}/shape", {"settings": SMALL | {"near": 3.0}})
        assert server.wait(done)["revision"] == 2, "and it can be changed as before"
        assert "Traceback" not in server.text()


@pytest.mark.thorough  # test_shelf.py has the quick one
def test_a_photo_that_ends_server_after_server_is_given_up(tmp_path: Path, home: Path) -> None:
    id = ""
    for number in range(4):
        with keeping(tmp_path / str(number), home) as server:
            id = id or server.started(settings=ENDLESS)
            status = server.wait(id, "running", "failed")
            server.process.kill()
            server.process.wait()
    assert status["state"] == "failed" and status["error"].startswith("The server stopped several times")


def test_damaged_records_and_leftovers_go(tmp_path: Path, home: Path) -> None:
    with keeping(tmp_path / "one", home) as server:
        ids = [server.done(png(64, 48, seed=number)) for number in range(3)]
        jobs = folder_of(server) / "jobs"
        of = {id: next(one for one in jobs.iterdir() if id in (one / "job.json").read_text()) for id in ids}
        assert server.stop() == 0
    (of[ids[0]] / "job.json").write_text('{"id": "half')
    next(of[ids[1]].glob(f"*/{VIEW}")).unlink()
    (of[ids[2]] / ("0" * 16)).mkdir()
    (jobs / "arriving" / "upload").mkdir(parents=True)
    with keeping(tmp_path / "two", home) as server:
        assert folder_of(server) / "jobs" == jobs
        assert [server.get(f"/api/jobs/{id}").status for id in ids] == [404, 404, 200]
        assert list(jobs.iterdir()) == [of[ids[2]]] and not (of[ids[2]] / ("0" * 16)).exists()
        assert server.text().count("of an earlier server is lost") == 2


@pytest.mark.thorough  # test_folders.py has the quick one
def test_each_server_finds_its_own_jobs(tmp_path: Path, home: Path) -> None:
    ports, ids = [free_port(), free_port()], []
    with contextlib.ExitStack() as stack:
        for number, port in enumerate(ports):
            server = stack.enter_context(keeping(tmp_path / f"a{number}", home, "--port", str(port)))
            ids.append(server.done(png(64, 48, seed=number)))
    with contextlib.ExitStack() as stack:
        for number, port in reversed(list(enumerate(ports))):
            server = stack.enter_context(keeping(tmp_path / f"b{number}", home, "--port", str(port)))
            assert [server.get(f"/api/jobs/{id}").status for id in ids] == [200 if n == number else 404 for n in (0, 1)]


def test_an_upload_that_is_sent_again_is_one_job(tmp_path: Path, home: Path) -> None:
    with keeping(tmp_path / "one", home) as server:
        first = server.upload(COFFEE, SMALL, headers={"Idempotency-Key": "cup 1"})
        again = server.upload(COFFEE, SMALL, headers={"Idempotency-Key": "cup 1"})
        other = server.upload(COFFEE, SMALL, headers={"Idempotency-Key": "cup 2"})
        assert [one.status for one in (first, again, other)] == [202] * 3
        assert again.headers["location"] == first.headers["location"] != other.headers["location"]
        assert server.upload(COFFEE, SMALL, headers={"Idempotency-Key": "x" * 201}).status == 400
        server.wait(first.json()["id"])
        server.process.kill()
    with keeping(tmp_path / "two", home) as server:
        again = server.upload(COFFEE, SMALL, headers={"Idempotency-Key": "cup 1"})
        assert again.json()["id"] == first.json()["id"]
        server.ask("DELETE", again.headers["location"])
        assert server.upload(COFFEE, SMALL, headers={"Idempotency-Key": "cup 1"}).json()["id"] != first.json()["id"]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("seed", [0, *(pytest.param(number, marks=pytest.mark.thorough) for number in range(1, 10))])
def test_no_kill_loses_a_job_or_does_it_twice(tmp_path: Path, home: Path, seed: int) -> None:
    """Clients send photos again until they are taken, while server, worker or both are killed."""
    chance, port = random.Random(seed), free_port()
    kept: dict[str, bytes] = {}
    for round, victim in enumerate(("server", "worker", "both")):
        with keeping(tmp_path / f"{round}a", home, "--port", str(port), "--workers", "2") as server:
            threads = ThreadPoolExecutor(10)
            sent = [threads.submit(send, server.address, photo) for photo in photos(tmp_path / f"{round}a", round)]
            time.sleep(chance.uniform(0.0, 2.0))
            for worker in children(server.process.pid) if victim != "server" else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            if victim != "worker":
                server.process.kill()
                server.process.wait()
            else:
                ids = [one.result(120) for one in sent]
        with keeping(tmp_path / f"{round}b", home, "--port", str(port), "--workers", "2") as server:
            ids = [one.result(120) for one in sent]
            assert len(set(ids)) == 10
            for number, id in enumerate(ids):
                status = server.wait(id)
                assert status["state"] == "done" and status["revision"] == 1, (victim, status)
                assert status["name"] == f"{number}.png"
                kept[id] = server.get(f"/api/jobs/{id}/view").body
            jobs = folder_of(server) / "jobs"
            assert len(list(jobs.iterdir())) == len(kept), "no upload has left a second job"
            for id in chance.sample(sorted(kept), min(len(kept), 20)):
                assert server.get(f"/api/jobs/{id}/view").body == kept[id], "results of earlier rounds are there"
            assert "Traceback" not in server.text()
        threads.shutdown()


def photos(folder: Path, seed: int) -> list[Path]:
    """Writes ten photos and returns their paths."""
    paths = [folder / f"{number}.png" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(png(64 + number, 48, seed=seed))
    return paths


def send(address: str, photo: Path) -> str:
    """Sends a photo until a server takes it, and returns the job's id."""
    return Client(address).send(photo, SMALL, patience=120.0).id
