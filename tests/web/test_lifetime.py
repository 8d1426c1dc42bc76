# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server starts, ends, and is started again; and how long it keeps what it was given."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from mono3d_addon import environment
from mono3d_addon.version import ROOT
from tests.processes import children
from tests.web.web_server import DATA, ENDLESS, REAL, SMALL, STAND_IN, WebServer, need_packages, png, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mono3d_addon", "web", "--no-open-browser", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def folder_of(server: WebServer) -> Path:
    """Returns the folder of a server, which is the one that it holds the lock of."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are told by Linux")
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        # Others are closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if (file := link.readlink()).name == "in-use":
                return file.parent
    raise AssertionError("The server holds no lock.")


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "program"),
    [
        (signal.SIGTERM, STAND_IN),
        *(
            pytest.param(one, REAL, marks=pytest.mark.thorough)
            for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        ),
    ],
)
def test_it_ends_in_order(tmp_path: Path, number: int, program: str) -> None:
    with serving(tmp_path, "--workers", "2", program=program) as server:
        id = server.started(settings=ENDLESS)
        server.started()
        server.wait(id, "running")
        own = folder_of(server)
        for folder in (own.parent, own, own / "jobs", own / "uploads", *(own / "jobs").iterdir()):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        workers = children(server.process.pid)
        assert len(workers) == 2
        stream = server.events(id)
        next(stream)
        began = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - began < 10.0
        list(stream)
    assert "Mono3D has stopped; all results have been deleted." in server.text()
    assert "Traceback" not in server.text(), server.text()
    assert not own.exists()
    for process in workers:
        assert not Path(f"/proc/{process}").exists() or "Z" in Path(f"/proc/{process}/stat").read_text()


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_what_a_killed_server_left_goes_at_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path, program=STAND_IN) as server:
        server.done()
        left = folder_of(server)
        server.process.kill()
        server.process.wait()
    assert (left / "jobs").is_dir()
    (tmp_path / "other").mkdir()
    with serving(tmp_path / "other", program=STAND_IN) as other, serving(tmp_path, program=STAND_IN) as third:
        assert not left.exists(), "nobody is at home there"
        assert folder_of(other).is_dir() and folder_of(third).is_dir(), "those that live stay"
        assert other.done() and third.get("/api/about").status == 200


def test_results_go_when_their_time_is_over(tmp_path: Path) -> None:
    with serving(tmp_path, "--keep-hours", "0.001", program=STAND_IN) as server:
        id = server.done(png(64, 48), {})
        expires = server.status(id)["expires"]
        own = folder_of(server)
        assert len(list((own / "jobs").iterdir())) == 1
        end = time.monotonic() + 30
        while server.get(f"/api/jobs/{id}").status == 200:
            assert time.monotonic() < end, expires
            time.sleep(0.2)
        assert "has expired" in server.get(f"/api/jobs/{id}").error
        time.sleep(0.3)
        assert not list((own / "jobs").iterdir())


def test_a_busy_server_says_so_and_when_to_come_again(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-jobs", "2", program=STAND_IN) as server:
        first, second = server.started(settings=ENDLESS), server.started()
        answer = server.upload(png(1200, 900))
        assert answer.status == 503 and answer.error.startswith("The server is busy")
        assert int(answer.headers["retry-after"]) > 0
        server.post(f"/api/jobs/{second}/cancel")
        assert server.upload(png(64, 48)).status == 202
        server.post(f"/api/jobs/{first}/cancel")


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_job_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-minutes", "0.08", program=STAND_IN) as server:
        while not (started := children(server.process.pid)):
            time.sleep(0.005)
        # Its maker waits until it has become another program.
        time.sleep(0.3)
        (worker,) = started
        os.kill(worker, signal.SIGSTOP)
        status = server.wait(server.started(settings=SMALL))
        assert status["state"] == "failed" and status["error"].startswith(
            "The job exceeded this server's limit of 0.08 minutes"
        )
        assert server.done(settings=SMALL)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_scene_that_takes_too_long_is_stopped_and_the_next_one_is_not(tmp_path: Path) -> None:
    if not environment.packages("scene", DATA):
        pytest.skip("not installed in MONO3D_TEST_DATA: scene")
    with serving(tmp_path, "--max-minutes", "0.08", program=STAND_IN) as server, ThreadPoolExecutor() as threads:
        id = server.done()
        before = children(server.process.pid)
        asked = threads.submit(server.get, f"/api/jobs/{id}/files/blend")
        while not (new := children(server.process.pid) - before):
            time.sleep(0.005)
        # Its maker waits until it has become another program.
        time.sleep(0.3)
        os.kill(new.pop(), signal.SIGSTOP)
        answer = asked.result(60)
        assert answer.status == 500 and answer.error.startswith("The job exceeded this server's limit of 0.08 minutes")
        assert server.get(f"/api/jobs/{id}/files/blend").status == 200


def test_the_oldest_results_make_room(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-gigabytes", "0.1", program=STAND_IN) as server:
        ids = [server.done(png(1200, 800), {"detail": 1000}) for _ in range(4)]
        end = time.monotonic() + 30
        while server.get(f"/api/jobs/{ids[0]}").status == 200:
            assert time.monotonic() < end
            time.sleep(0.2)
        assert server.get(f"/api/jobs/{ids[-1]}").status == 200


def test_owners_limits_are_in_the_form(tmp_path: Path) -> None:
    limits = ("--max-detail", "300", "--max-pixels", "0.1", "--max-megabytes", "1")
    with serving(tmp_path, *limits, program=STAND_IN) as server:
        fields = {
            field["name"]: field for group in server.get("/api/settings").json()["groups"] for field in group["fields"]
        }
        assert fields["detail"]["maximum"] == 300 and fields["detail"]["default"] == 300
        assert server.get("/api/settings").json()["presets"]["best"]["detail"] == 300
        assert server.status(server.done(png(320, 240), {}))["result"]["settings"]["detail"] == 300
        assert server.upload(png(400, 300)).status == 413
        grey = io.BytesIO()
        Image.new("L", (400, 300), 90).save(grey, "PNG")
        status = server.wait(server.started(png(64, 48), {}, depth=grey.getvalue()))
        assert status["error"].endswith("more than the limit of 0.1 megapixels; make it smaller."), status["error"]
        assert server.upload(bytes(1_500_000)).status == 413


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("--port", str(port), "--data-folder", str(DATA))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.strip().endswith(
        f"Port {port} of 127.0.0.1 is in use by another program; choose another with --port."
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "0.0.0.0"), "Anybody who reaches 0.0.0.0 could use this server: set a secret with --token"),
        (("--host", "::"), "Anybody who reaches :: could use this server"),
        (("--host", "mono3d.example"), "Anybody who reaches mono3d.example could use"),
        (("--token", "short"), "The token must have at least 12 letters"),
        (("--token", "with a space in it"), "The token must have at least 12 letters"),
        (("--token", "@/nowhere/token"), "The token cannot be read from '/nowhere/token'"),
        (("--host", "a..b", "--insecure"), "'a..b' is not an address of this computer"),
        (("--host", "203.0.113.7", "--insecure"), "'203.0.113.7' is not an address of this computer"),
    ],
)
def test_a_start_that_cannot_be_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = command("--data-folder", str(DATA), *arguments)
    assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_missing_packages_are_one_sentence(tmp_path: Path) -> None:
    done = command("--data-folder", str(tmp_path))
    assert done.returncode == 1
    assert "The packages for networks and meshing are not installed" in done.stderr and "--install" in done.stderr


def test_help_and_wrong_usage_need_no_packages() -> None:
    bare = [sys.executable, "-I", "-S", "-c"]
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from mono3d_addon.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([*bare, code, "web", "--help-all"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--max-detail" in done.stdout and "127.0.0.1" in done.stdout, done.stderr
    done = subprocess.run([*bare, code, "web", "--port", "70000"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Port: 70,000 is outside 0 to 65,535." in done.stderr


def test_a_mesh_that_cannot_be_kept_leaves_no_job_that_never_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        id = server.done(settings={"detail": 600})
        server.post(f"/api/jobs/{id}/shape", {"settings": {"detail": 600, "surface": "poisson", "voxel": 0.0}})
        server.wait(id, "running")
        (folder,) = (folder_of(server) / "jobs").iterdir()
        folder.rename(tmp_path / "elsewhere")
        answer = server.post(f"/api/jobs/{id}/shape", {"settings": SMALL})
        assert answer.status == 503 and answer.error.startswith("The server has no room")
        assert server.wait(id), "the mesh that was under way comes or fails"
        assert server.done(), "and the worker is free"


@pytest.mark.parametrize("program", [STAND_IN, pytest.param(REAL, marks=pytest.mark.thorough)])
def test_workers_that_are_killed_cost_their_job(tmp_path: Path, program: str) -> None:
    with serving(tmp_path, "--workers", "2", program=program) as server:
        ids = [server.started(settings=ENDLESS), server.started(settings={"detail": 1024})]
        server.wait(ids[0], "running")
        server.wait(ids[1])
        for process in children(server.process.pid):
            os.kill(process, signal.SIGKILL)
        # It is tried again, with another worker.
        while "was killed" not in server.text():
            time.sleep(0.02)
        server.wait(ids[0], "running")
        while not (new := children(server.process.pid)):
            time.sleep(0.02)
        for process in new:
            os.kill(process, signal.SIGKILL)
        status = server.wait(ids[0])
        assert status["state"] == "failed" and "memory ran out" in status["error"], status
        assert str(DATA) not in status["error"]
        assert server.done() and "Traceback" not in server.text()
