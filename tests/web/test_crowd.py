# SPDX-License-Identifier: GPL-3.0-or-later
"""Many at once, and those who mean no good."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import trimesh

from mono3d_addon.version import ROOT
from tests.file_list import changed, listing
from tests.web.web_server import COFFEE, DATA, REAL, SMALL, STAND_IN, WebServer, form, need_packages, png, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()

_MEGA = 1_000_000


def resident(process: int) -> float:
    """Returns the memory that a process has, in megabytes."""
    words = Path(f"/proc/{process}/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) / 1024


def colour_of(number: int) -> tuple[int, int, int]:
    """Returns a colour that no other number below 125 has, each 40 levels from the next."""
    return 40 + 40 * (number % 5), 40 + 40 * (number // 5 % 5), 40 + 40 * (number // 25)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
@pytest.mark.parametrize(
    ("count", "room", "program"), [(12, 6, STAND_IN), pytest.param(100, 50, REAL, marks=pytest.mark.thorough)]
)
def test_many_uploads_at_once(tmp_path: Path, count: int, room: int, program: str) -> None:
    photos = [png(500 + number, 400 + 2 * number, colour_of(number), number) for number in range(count)]
    with serving(tmp_path, "--workers", "2", "--max-jobs", str(room), program=program) as server:
        for number in range(4):
            server.done(photos[number], SMALL)
        memory = [resident(server.process.pid)]
        # The most that is on its way at once grows for a wave or two with how they happen to meet; a leak goes on.
        while len(memory) < 3 or (memory[-1] - memory[-2] >= 5.0 and len(memory) < 7):
            ids = wave(server, photos, room)
            memory.append(resident(server.process.pid))
            print(f"{len(ids)} done, {count - len(ids)} busy, the server's memory in MB: {memory}")
        assert memory[-1] - memory[0] < 100.0 and memory[-1] - memory[-2] < 5.0, memory
        assert "Traceback" not in server.text()


def wave(server: WebServer, photos: list[bytes], room: int) -> list[str]:
    """Uploads all photos at once and looks at all that comes of it; returns the jobs."""
    start = threading.Barrier(len(photos))

    def one(number: int) -> tuple[int, str]:
        """Uploads one photo and returns the status, and the job or the sentence."""
        start.wait()
        answer = server.upload(photos[number], SMALL, name=f"{number}.png")
        return answer.status, answer.json()["id"] if answer.status == 202 else answer.error

    with ThreadPoolExecutor(len(photos)) as pool:
        answers = list(pool.map(one, range(len(photos))))
    taken = {number: words for number, (status, words) in enumerate(answers) if status == 202}
    busy = {words for status, words in answers if status != 202}
    assert len(taken) >= room and {status for status, _ in answers} <= {202, 503}
    assert busy <= {"The server is busy with other photos; try again in a minute."}
    for number, id in taken.items():
        status = server.wait(id, seconds=300.0)
        assert status["state"] == "done", status
        assert status["name"] == f"{number}.png"
        assert (status["result"]["width"], status["result"]["height"]) == (500 + number, 400 + 2 * number)
        cloud = trimesh.load(io.BytesIO(server.get(f"/api/jobs/{id}/files/cloud").body), file_type="ply")
        found = np.median(np.asarray(cloud.colors)[:, :3], axis=0)
        assert np.abs(found - colour_of(number)).max() < 10, (number, found)
    return list(taken.values())


class Hostile:
    """Requests that mean no good, made up by chance."""

    def __init__(self, server: WebServer, job: str, seed: int) -> None:
        self._server = server
        self._job = job
        self._chance = random.Random(seed)
        self._kinds: tuple[Callable[[], int], ...] = (
            self.path_trick,
            self.unknown_job,
            self.huge_header,
            self.wrong_type,
            self.bomb,
            self.truncated_photo,
            self.cut_upload,
            self.bad_json,
            self.bad_shape,
            self.bad_length,
            self.endless_chunks,
            self.noise,
            self.form_trick,
            self.method,
        )

    def one(self) -> int:
        """Makes one request and returns the status of the answer; 0 where the server closed without one."""
        return self._chance.choice(self._kinds)()

    def path_trick(self) -> int:
        up = self._chance.choice(["../", "..%2f", "%2e%2e/", "..\\", "..%5c", "%252e%252e%252f", "....//", "/", "%00"])
        start = self._chance.choice(
            ["/", "/static/", "/api/samples/", "/api/jobs/", f"/api/jobs/{self._job}/files/", f"/api/jobs/{self._job}/"]
        )
        end = self._chance.choice(
            ["etc/passwd", "guard.py", "reconstruction.json", "in-use", "Windows/win.ini", "~root"]
        )
        return self.line(f"GET {start}{up * self._chance.randrange(1, 9)}{end} HTTP/1.1")

    def unknown_job(self) -> int:
        id = "".join(self._chance.choices("abcXYZ019-_%~'\"<>", k=self._chance.randrange(1, 200)))
        end = self._chance.choice(["", "/view", "/events", "/files/glb", "/cancel", "/shape"])
        method = self._chance.choice(["GET", "POST", "DELETE"])
        return self.line(f"{method} /api/jobs/{id}{end} HTTP/1.1")

    def huge_header(self) -> int:
        many = self._chance.random() < 0.5
        lines = [f"X-{n}: {'v' * 100}" for n in range(600)] if many else [f"X: {'v' * 90_000}"]
        return self.line("GET / HTTP/1.1", *lines)

    def wrong_type(self) -> int:
        data = self._chance.choice(
            [b"MZ\x90", b"%PDF-1.7", b"<svg/>", b"PK\x03\x04", b"\x80\x04\x95", b"#!/bin/sh", b""]
        )
        return self._server.upload(data + self._chance.randbytes(500), SMALL, name="../../x.png").status

    def bomb(self) -> int:
        from tests.web.test_requests import huge_png

        side = self._chance.choice([20_000, 65_000, 2_000_000_000])
        return self._server.upload(huge_png(side, side)).status

    def truncated_photo(self) -> int:
        data = COFFEE.read_bytes()
        cut = bytearray(data[: self._chance.randrange(20, 5000)])
        for _ in range(self._chance.randrange(20)):
            cut[self._chance.randrange(8, len(cut))] = self._chance.randrange(256)
        return self._server.upload(bytes(cut), SMALL).status

    def cut_upload(self) -> int:
        body, kind = form({}, {"photo": ("a.png", png(64, 64))})
        head = f"POST /api/jobs HTTP/1.1\r\nHost: {self._server.host}\r\nContent-Type: {kind}\r\n"
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
        return 0

    def bad_json(self) -> int:
        text = self._chance.choice(
            ["{", "[" * 5000, '{"near": NaN}', "null", '{"near": {}}', '{"a":' * 2000, "\ud800x"]
        )
        with contextlib.suppress(UnicodeEncodeError):
            return self._server.upload(COFFEE, text).status
        return 0

    def bad_shape(self) -> int:
        data = self._chance.choice(
            [b"{", b"\xff\xfe", b"[" * 60_000, b'{"settings": {"near": 1e999}}', b"[]", b"", b"0"]
        )
        return self._server.ask("POST", f"/api/jobs/{self._job}/shape", data).status

    def bad_length(self) -> int:
        length = self._chance.choice(["-1", "1e9", "0x10", "99999999999999999999", "5, 5", "١", ""])
        return self.line("POST /api/jobs HTTP/1.1", f"Content-Length: {length}", "Content-Type: multipart/form-data")

    def endless_chunks(self) -> int:
        head = f"POST /api/jobs HTTP/1.1\r\nHost: {self._server.host}\r\nTransfer-Encoding: chunked\r\n"
        head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=30) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(head.encode() + b"c\r\n--x\r\nA: b\r\n\r\n\r\n")
                for _ in range(500):
                    connection.sendall(chunk)
            with contextlib.suppress(OSError):
                return _status(connection.recv(4096))
        return 0

    def noise(self) -> int:
        return _status(self._server.raw(self._chance.randbytes(self._chance.randrange(1, 4000)) + b"\r\n\r\n", 5.0))

    def form_trick(self) -> int:
        body, kind = form({"settings": "{}"}, {"photo": ("a.png", png(20, 20))})
        trick = self._chance.choice(
            [
                (body.replace(b'name="photo"', b'name="photo"; name="photo"'), kind),
                (body.replace(b'filename="a.png"', b'filename="../../../../etc/cron.d/x"'), kind),
                (body.replace(b'filename="a.png"', b"filename*=UTF-8''%2e%2e%2fx"), kind),
                (body.replace(b"--limit", b"--limit" + b"-" * 5000), kind),
                (body * 50, kind),
                (body, kind + "; charset=undefined"),
                (body.replace(b"\r\n\r\n", b"\r\n" + b"H: x\r\n" * 5000 + b"\r\n"), kind),
                (body, "multipart/form-data; boundary=" + "b" * 20_000),
                (b"photo=1&" * 5000, "application/x-www-form-urlencoded"),
            ]
        )
        return self._server.ask("POST", "/api/jobs", trick[0], {"Content-Type": trick[1]}).status

    def method(self) -> int:
        method = self._chance.choice(["TRACE", "CONNECT", "PROPFIND", "OPTIONS", "PATCH", "HEAD", "get"])
        return self.line(f"{method} {self._chance.choice(['/', '*', '/api/jobs', 'http://evil/'])} HTTP/1.1")

    def line(self, request: str, *headers: str) -> int:
        lines = [request, f"Host: {self._server.host}", "Connection: close", *headers, "", ""]
        return _status(self._server.raw("\r\n".join(lines).encode()))


def _status(answer: bytes) -> int:
    if not answer.startswith(b"HTTP/1.1 "):
        return 0
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status >= 400 and body and b"transfer-encoding" not in head.lower():
        assert list(json.loads(body)) == ["error"], answer[:500]
    return status


@contextlib.contextmanager
def slow_clients(server: WebServer, count: int) -> Iterator[list[socket.socket]]:
    """Holds connections whose request never comes to its end."""
    held = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        head = f"POST /api/jobs HTTP/1.1\r\nHost: {server.host}\r\n"
        if number % 2:
            head += "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 50000\r\n\r\n--x\r\n"
        connection.sendall(head.encode())
        held.append(connection)
    try:
        yield held
    finally:
        for connection in held:
            connection.close()


@pytest.mark.skipif(os.name == "nt", reason="the folders to watch are POSIX's")
@pytest.mark.parametrize(("count", "program"), [(60, STAND_IN), pytest.param(1000, REAL, marks=pytest.mark.thorough)])
def test_hostile_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, program: str) -> None:
    for name in ("TMPDIR", "HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    watched = [ROOT / "mono3d_addon", DATA, tmp_path]
    own = [*(DATA / name for name in ("web", "logs", "cache")), tmp_path / "log"]
    (tmp_path / "log").mkdir()
    with serving(tmp_path / "log", "--max-megabytes", "5", "--workers", "1", program=program) as server:
        job = server.done()
        before = listing(watched, own)
        memory = resident(server.process.pid) if Path("/proc/self/status").exists() else 0.0
        with slow_clients(server, 20) as slow:
            requests = [Hostile(server, job, seed) for seed in range(count)]
            with ThreadPoolExecutor(16) as pool:
                statuses = Counter(pool.map(Hostile.one, requests))
            for connection in slow:
                with contextlib.suppress(ConnectionResetError):
                    while connection.recv(4096):
                        pass
        print(dict(statuses))
        assert not [status for status in statuses if status >= 500 and status != 503], statuses
        assert sum(statuses[status] for status in (400, 404, 413, 415, 422, 431)) > count / 2, statuses
        assert "Traceback" not in server.text() and "Exception" not in server.text(), server.text()[-3000:]
        if memory:
            assert resident(server.process.pid) - memory < 60.0
        end = time.monotonic() + 120
        while (answer := server.upload(COFFEE, SMALL)).status == 503:
            assert time.monotonic() < end
            time.sleep(0.5)
        assert server.wait(answer.json()["id"])["state"] == "done"
        assert server.status(job)["state"] == "done" and server.get(f"/api/jobs/{job}/view").status == 200
        assert changed(before, listing(watched, own)) == []
