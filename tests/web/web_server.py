# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server in a process of its own, and requests to it that hide nothing."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mono3d_addon import environment
from mono3d_addon.version import ROOT

DATA = Path(os.environ.get("MONO3D_TEST_DATA") or "/nowhere")
PHOTOS = ROOT / "tests" / "photos"
COFFEE = PHOTOS / "coffee.png"
SMALL = {"detail": 128}
ENDLESS = {"detail": 1024, "surface": "poisson", "poisson_depth": 10, "voxel": 0.0}
"""Settings that keep a worker busy for longer than any test waits."""

REAL, STAND_IN = "mono3d_addon", "tests.web.stand_in"
"""Programs of a server: the product, and one with quick workers and short waits."""


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json", (self.status, self.headers, self.body[:200])
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The sentence of a refusal, which is the only thing that it may hold."""
        found = self.json()
        assert list(found) == ["error"], found
        sentence = str(found["error"])
        assert sentence.endswith(".") and "\n" not in sentence, sentence
        return sentence


@dataclass
class WebServer:
    """A server that runs: its process, its address and its log."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    @property
    def port(self) -> int:
        found = urllib.parse.urlsplit(self.address).port
        assert found, self.address
        return found

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def text(self) -> str:
        """What the server has printed, its log included."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, content: Any = None, **headers: str) -> Answer:
        body = b"" if content is None else json.dumps(content).encode()
        return self.ask("POST", path, body, {"Content-Type": "application/json", **headers})

    def upload(
        self,
        photo: bytes | Path | None = None,
        settings: Any = None,
        name: str = "",
        headers: Mapping[str, str] | None = None,
        **fields: str | bytes,
    ) -> Answer:
        """Sends the form with a photo; further fields are texts (str) or files (bytes)."""
        files: dict[str, tuple[str, bytes]] = {}
        texts = {key: value for key, value in fields.items() if isinstance(value, str)}
        if photo is not None:
            data = photo.read_bytes() if isinstance(photo, Path) else photo
            files["photo"] = (name or (photo.name if isinstance(photo, Path) else "photo.png"), data)
        files |= {key: (f"{key}.bin", value) for key, value in fields.items() if isinstance(value, bytes)}
        if settings is not None:
            texts["settings"] = settings if isinstance(settings, str) else json.dumps(settings)
        body, kind = form(texts, files)
        return self.ask("POST", "/api/jobs", body, {"Content-Type": kind, **(headers or {})})

    def started(self, photo: bytes | Path = COFFEE, settings: Any = SMALL, **fields: Any) -> str:
        """Sends a photo that must be taken and returns its job's name."""
        answer = self.upload(photo, settings, **fields)
        assert answer.status == 202, answer.body
        status = answer.json()
        assert answer.headers["location"] == f"/api/jobs/{status['id']}"
        return str(status["id"])

    def done(self, photo: bytes | Path = COFFEE, settings: Any = SMALL, **fields: Any) -> str:
        """Sends a photo, waits until it is done, and returns its job's name."""
        id = self.started(photo, settings, **fields)
        status = self.wait(id)
        assert status["state"] == "done" and not status["error"], status
        return id

    def status(self, id: str) -> Any:
        return self.get(f"/api/jobs/{id}").json()

    def wait(self, id: str, *states: str, seconds: float = 120.0) -> Any:
        """Waits until a job is in one of the states, by default until it is over, and returns its status."""
        wanted = states or ("done", "failed", "cancelled")
        end = time.monotonic() + seconds
        while (status := self.status(id))["state"] not in wanted:
            assert time.monotonic() < end, status
            time.sleep(0.03)
        return status

    def events(self, id: str) -> Generator[Any, None, None]:
        """Yields the statuses that the server sends until it ends the stream."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/api/jobs/{id}/events")
            answer = connection.getresponse()
            assert answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream")
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        finally:
            connection.close()

    def raw(self, data: bytes, seconds: float = 30.0) -> bytes:
        """Sends bytes as they are and returns all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            received = b""
            with contextlib.suppress(OSError):
                while block := connection.recv(65536):
                    received += block
            return received

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the server politely and returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextlib.contextmanager
def serving(folder: Path, *options: str, data: Path = DATA, program: str = REAL) -> Iterator[WebServer]:
    """Runs a server on any free port, REAL or STAND_IN; its log lies in `folder`."""
    log = folder / "server.log"
    command = [sys.executable, "-m", program, "web", "--port", "0", "--no-open-browser", "--no-keep-results"]
    command += ["--data-folder", str(data), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 60
        while "Press Ctrl+C" not in (text := log.read_text(encoding="utf-8")):
            assert process.poll() is None and time.monotonic() < end, text
            time.sleep(0.02)
        address = next(word for word in text.split() if word.startswith("http://"))
        assert urllib.parse.urlsplit(address).port
        yield WebServer(process, address, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def form(texts: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """Returns the body of a multipart form and its content type."""
    parts = [f'--limit\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in texts.items()]
    for key, (name, data) in files.items():
        head = f'--limit\r\nContent-Disposition: form-data; name="{key}"; filename="{name}"\r\n\r\n'
        parts.append(head.encode("utf-8", "surrogateescape") + data + b"\r\n")
    return b"".join([*parts, b"--limit--\r\n"]), "multipart/form-data; boundary=limit"


def png(width: int, height: int, colour: tuple[int, int, int] = (120, 90, 60), seed: int = 0) -> bytes:
    """Returns a photo of about one colour, with a little noise."""
    noise = np.random.default_rng(seed).integers(-4, 5, (height, width, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def furnished(data: Path) -> Path:
    """Makes a data folder that has nothing but the installed packages of the common one, and returns it."""
    data.mkdir(exist_ok=True)
    for place in DATA.iterdir():
        if place.name not in ("web", "logs", "cache"):
            (data / place.name).symlink_to(place)
    return data


def need_packages() -> None:
    """Skips the calling module where the server's packages or the worker's are not installed."""
    if absent := environment.missing(("worker", "web"), DATA):
        pytest.skip(f"not installed in MONO3D_TEST_DATA: {', '.join(absent)}", allow_module_level=True)
