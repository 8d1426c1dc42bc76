# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator sees of a server: whether it is well, its counts, and its log."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mono3d_addon.web import logs
from mono3d_addon.web.metrics import Counts
from tests.processes import children
from tests.web.web_server import ENDLESS, STAND_IN, WebServer, need_packages, png, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()
TOKEN = "correcthorse42battery"
MINE = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("watched")
    options = ("--token", TOKEN, "--log-level", "info", "--log-format", "json")
    with serving(folder, *options, program=STAND_IN) as running:
        yield running


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Returns the samples as the client library of Prometheus reads them."""
    parser = pytest.importorskip("prometheus_client.parser")
    found = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.documentation and family.type in ("gauge", "counter", "summary", "histogram"), family
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def events(server: WebServer) -> list[dict[str, Any]]:
    """Returns the lines of the log."""
    return [json.loads(line) for line in server.text().splitlines() if line.startswith("{")]


def upload(server: WebServer, settings: Any = None, **headers: str) -> str:
    answer = server.upload(png(64, 48), settings or {}, headers=MINE | headers)
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


def wait(server: WebServer, id: str, *states: str) -> Any:
    until(lambda: server.ask("GET", f"/api/jobs/{id}", headers=MINE).json()["state"] in states)
    return server.ask("GET", f"/api/jobs/{id}", headers=MINE).json()


def until(is_so: Callable[[], bool], seconds: float = 120.0) -> None:
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_health_needs_no_token_and_tells_nothing_else(watched: WebServer) -> None:
    answer = watched.get("/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert watched.ask("POST", "/health").status == 401


def test_counts_are_what_happened(watched: WebServer) -> None:
    assert watched.get("/metrics").status == 401
    before = samples(watched.ask("GET", "/metrics", headers=MINE).body.decode())
    wait(watched, upload(watched), "done")
    endless = upload(watched, ENDLESS)
    wait(watched, endless, "running")
    waiting = upload(watched)
    answer = watched.ask("GET", "/metrics", headers=MINE)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.body.decode())

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert value("mono3d_jobs", state="running") == value("mono3d_jobs", state="queued") == 1
    assert value("mono3d_queue") == 1
    assert value("mono3d_workers", state="busy") == 1 and value("mono3d_workers", state="idle") == 0
    assert value("mono3d_jobs_ended_total", state="done") >= 1
    assert value("mono3d_responses_total", status="202") >= 3
    assert value("mono3d_stage_seconds_count", stage="Saving the result") >= 1
    assert 0 < value("mono3d_job_seconds_sum") < 60 and value("mono3d_job_seconds_bucket", le="+Inf") >= 1
    if Path("/proc/self/status").exists():
        assert 20e6 < value("mono3d_memory_bytes", process="server") < 500e6
        assert value("mono3d_memory_bytes", process="worker 1") > 20e6
    assert value("mono3d_disk_bytes", of="results") > 1000 and value("mono3d_disk_bytes", of="free") > 0
    assert value("mono3d_connections") >= 1
    assert value("mono3d_wrong_tokens_total") == before["mono3d_wrong_tokens_total", ()]
    for id in (endless, waiting):
        watched.ask("POST", f"/api/jobs/{id}/cancel", headers=MINE)


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_the_log_names_jobs_failures_killed_workers_and_refusals(watched: WebServer) -> None:
    done = upload(watched)
    wait(watched, done, "done")
    failed = watched.upload(b"\x89PNG\r\n\x1a\n" + bytes(100), headers=MINE).json()["id"]
    assert wait(watched, failed, "failed")["error"]
    killed = upload(watched, ENDLESS)
    wait(watched, killed, "running")
    for number in range(2):
        until(lambda: bool(children(watched.process.pid)))
        for process in children(watched.process.pid):
            os.kill(process, signal.SIGKILL)
        until(lambda: number < sum("was killed" in one["message"] for one in events(watched)))  # noqa: B023
    wait(watched, killed, "failed")
    assert watched.ask("GET", "/api/about", headers={"Authorization": "Bearer wrong"}).status == 401
    about = {
        name: [one["message"] for one in events(watched) if one.get("job") == id[:8]]
        for name, id in (("done", done), ("failed", failed), ("killed", killed))
    }
    assert about["done"][0].endswith(": received")
    assert "done in" in about["done"][-1]
    assert about["failed"][-1].startswith(f"job {failed[:8]} failed: ")
    assert "was killed" in about["killed"][1] and " failed: " in about["killed"][-1]
    assert any(one["message"].startswith("a wrong token from 127.0.0.1") for one in events(watched))
    assert all(set(one) >= {"time", "level", "logger", "message"} for one in events(watched))
    for secret in (done, failed, killed, TOKEN):
        assert secret not in watched.text(), "whoever reads the log may not see the jobs"


def test_a_request_has_an_id_in_answer_and_log(watched: WebServer) -> None:
    given = "abcdef0123456789"
    # The test is where a proxy would be.
    assert watched.ask("GET", "/nothing", headers=MINE | {"X-Request-ID": given}).headers["x-request-id"] == given
    strange = watched.ask("GET", "/nothing", headers=MINE | {"X-Request-ID": "a b\tc;<>"}).headers["x-request-id"]
    assert strange.isalnum() and len(strange) == 16
    line = next(one for one in events(watched) if one.get("request") == given)
    assert line["status"] == 404 and line["visitor"] == "127.0.0.1" and line["level"] == "info"
    assert watched.get("/").headers["x-request-id"], "a refused one too"


def test_a_line_of_the_log_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for formatter, find in (
        (logs.LineFormatter(), str),
        (logs.JsonFormatter(), lambda text: json.loads(text)["message"]),
    ):
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        handler.emit(logging.makeLogRecord({"msg": "a %s", "args": ("x\nERROR b\x1b[31m\u2028",), "levelname": "INFO"}))
        assert stream.getvalue().count("\n") == 1 and "\x1b" not in stream.getvalue()
        assert "ERROR b" in find(stream.getvalue())


def test_a_flood_of_refusals_is_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    throttle = logs.Throttle()
    assert [throttle.passes("a") for _ in range(4)] == [0, None, None, None]
    assert throttle.passes("b") == 0
    clock += 11.0
    assert throttle.passes("a") == 3 and throttle.passes("a") is None
    for number in range(5000):
        throttle.passes(number)
    assert len(throttle._seen) == 1000


def test_counts_do_not_grow_with_what_workers_say() -> None:
    counts = Counts()
    for number in range(1000):
        counts.note_result({f'stage "{number}\\\n"': 1.0}, number / 10)
    found = samples("\n".join(counts.lines()) + "\n")
    assert sum(name == "mono3d_stage_seconds_count" for name, _ in found) == 100
    assert found["mono3d_job_seconds_bucket", (("le", "10.0"),)] == 101
    assert found["mono3d_job_seconds_count", ()] == 1000
