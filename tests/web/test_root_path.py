# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is shown below a path: alone, and behind the proxies of the recipes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.version import ROOT
from mono3d_addon.web.client import Client
from tests.running.environments import LeftOut, find_proxy
from tests.web.web_server import COFFEE, DATA, SMALL, STAND_IN, Answer, WebServer, form, need_packages, png, serving

pytestmark = [pytest.mark.torch, pytest.mark.open3d, pytest.mark.slow]
need_packages()
TOKEN = "correcthorse42battery"
RECIPES = ROOT / "deploy"


def test_all_addresses_have_the_path(tmp_path: Path) -> None:
    with serving(tmp_path, "--root-path", "/team/mono3d/", program=STAND_IN) as server:
        assert f"running at {server.address}" in server.text() and server.address.endswith("/team/mono3d")
        answer = server.get("/team/mono3d")
        assert (answer.status, answer.headers["location"]) == (308, "/team/mono3d/")
        assert server.get("/team/mono3d/").status == 200 and server.get("/team/mono3dx/").status == 404
        assert server.get("/").status == 200, "a proxy may cut the path off"
        about = server.get("/team/mono3d/api/about").json()
        assert all(server.get(one["thumbnail"]).status == 200 for one in about["samples"])
        assert all(one["thumbnail"].startswith("/team/mono3d/api/") for one in about["samples"])
        body, kind = form({}, {"photo": ("a.png", png(64, 48))})
        answer = server.ask("POST", "/team/mono3d/api/jobs", body, {"Content-Type": kind})
        assert answer.headers["location"] == f"/team/mono3d/api/jobs/{answer.json()['id']}"
        files = server.wait(answer.json()["id"])["result"]["files"]
        assert server.get(files["glb"]).status == 200 and files["glb"].startswith("/team/mono3d/api/")
        assert server.get("/team/mono3d/openapi.json").json()["servers"] == [{"url": "/team/mono3d"}]
        for path in ("/team/mono3d/static/../guard.py", "/team/mono3d//etc/passwd", "/team/mono3d/team/mono3d/"):
            assert server.get(path).status == 404, path
        assert Client(f"{server.address}/").about()["workers"] == 1


def test_the_sign_in_has_the_path(tmp_path: Path) -> None:
    with serving(tmp_path, "--root-path", "/mono3d", "--token", TOKEN, program=STAND_IN) as server:
        assert server.get("/mono3d/").status == 401
        body = urllib.parse.urlencode({"token": TOKEN}).encode()
        answer = server.ask("POST", "/mono3d/sign-in", body)
        assert (answer.status, answer.headers["location"]) == (303, "/mono3d/")
        assert "Path=/mono3d/;" in answer.headers["set-cookie"]
        cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
        assert server.ask("GET", "/mono3d/", headers=cookie).status == 200
        assert server.ask("POST", "/mono3d/sign-out", headers=cookie).headers["location"] == "/mono3d/"


@pytest.mark.parametrize("path", ["mono3d", "/a b", "/a//b", "/<x>", "//evil.example", "/a?b"])
def test_what_is_no_path_is_one_sentence(path: str) -> None:
    from tests.web.test_lifetime import command

    done = command("--data-folder", str(DATA), "--root-path", path)
    assert done.returncode == 1 and "is not a path; --root-path takes one such as /mono3d." in done.stderr, done


def program(name: str) -> str:
    """Returns a proxy's program, which is installed or unpacked in the tests' environments; skips without."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    try:
        return find_proxy(name)
    except LeftOut as reason:
        pytest.skip(str(reason))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    """Makes a certificate for localhost; returns it and its key."""
    found = folder / "mono3d.pem", folder / "mono3d.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-out", str(found[0]), "-keyout", str(found[1])]
    subprocess.run(command, check=True, capture_output=True)
    return found


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text


@contextlib.contextmanager
def nginx(folder: Path, server: int, port: int) -> Iterator[None]:
    """Runs nginx with the recipe; only addresses and files differ."""
    public, key = certificate(folder)
    recipe = replaced(
        (RECIPES / "nginx.conf").read_text(encoding="utf-8"),
        ("127.0.0.1:8760", f"127.0.0.1:{server}"),
        ("listen [::]:443 ssl http2;", ""),
        ("443", f"127.0.0.1:{port}"),
        ("/etc/ssl/certs/mono3d.pem", str(public)),
        ("/etc/ssl/private/mono3d.key", str(key)),
    )
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
    text += f"http {{ access_log {folder}/access.log;\n{paths}{recipe} }}\n"
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    (folder / "logs").mkdir()
    with running([program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder):
        yield


@contextlib.contextmanager
def caddy(folder: Path, server: int, port: int) -> Iterator[None]:
    """Runs Caddy with the recipe; only addresses and the certificate differ."""
    public, key = certificate(folder)
    recipe = replaced(
        (RECIPES / "Caddyfile").read_text(encoding="utf-8"),
        ("127.0.0.1:8760", f"127.0.0.1:{server}"),
        ("mono3d.example {", f"localhost:{port} {{\n\ttls {public} {key}"),
        ("\tservers {", f"\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {folder}\n\tservers {{"),
    )
    (folder / "Caddyfile").write_text(recipe, encoding="utf-8")
    with running([program("caddy"), "run", "--config", str(folder / "Caddyfile")], port, folder):
        yield


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
    try:
        end = time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < end, (folder / "proxy.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


class Visitor:
    """A browser that visits a proxy by TLS."""

    def __init__(self, folder: Path, port: int) -> None:
        self._context = ssl.create_default_context(cafile=str(folder / "mono3d.pem"))
        self._port = port
        self.cookie = ""

    def open(self, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection("localhost", self._port, timeout=60, context=self._context)
        sent = {"Origin": f"https://localhost:{self._port}", "Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body or None, sent)
        return connection.getresponse()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        answer = self.open(method, path, body, **headers)
        return Answer(answer.status, {name.lower(): one for name, one in answer.getheaders()}, answer.read())


@pytest.mark.thorough
@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_the_recipes_work(tmp_path: Path, proxy: object) -> None:
    port = free_port()
    options = ("--root-path", "/mono3d", "--token", TOKEN, "--log-level", "info")
    with serving(tmp_path, *options, program=STAND_IN) as server, proxy(tmp_path, server.port, port):  # type: ignore[operator]
        check_everything(Visitor(tmp_path, port), server, is_nginx=proxy is nginx)


def check_everything(visitor: Visitor, server: WebServer, *, is_nginx: bool) -> None:
    assert visitor.ask("GET", "/mono3d").headers["location"].endswith("/mono3d/")
    page = visitor.ask("GET", "/mono3d/")
    assert page.status == 401 and b'action="sign-in"' in page.body
    assert visitor.ask("GET", "/mono3d/static/style/sign_in.css").status == 200
    answer = visitor.ask("POST", "/mono3d/sign-in", urllib.parse.urlencode({"token": TOKEN}).encode())
    assert answer.status == 303 and urllib.parse.urlsplit(answer.headers["location"]).path == "/mono3d/"
    cookie = answer.headers["set-cookie"]
    assert "Secure" in cookie and "HttpOnly" in cookie and "Path=/mono3d/" in cookie
    visitor.cookie = cookie.split(";")[0]
    page = visitor.ask("GET", "/mono3d/")
    assert page.status == 200 and visitor.ask("GET", "/mono3d/static/js/main.js").status == 200

    body, kind = form({"settings": json.dumps(SMALL)}, {"photo": ("a.png", COFFEE.read_bytes())})
    answer = visitor.ask("POST", "/mono3d/api/jobs", body, Content_Type=kind)
    assert answer.status == 202, answer
    job = answer.headers["location"]
    assert urllib.parse.urlsplit(job).path.startswith("/mono3d/api/jobs/")
    states = [
        json.loads(line[6:])["state"] for line in visitor.open("GET", f"{job}/events") if line.startswith(b"data")
    ]
    assert states[-1] == "done"
    assert visitor.ask("GET", f"{job}/files/glb").body.startswith(b"glTF")

    body, kind = form({"settings": '{"surface": "poisson"}'}, {"photo": ("a.png", png(64, 48))})
    endless = visitor.ask("POST", "/mono3d/api/jobs", body, Content_Type=kind).headers["location"]
    stream = visitor.open("GET", f"{endless}/events")
    assert b"data" in stream.readline(), "progress comes while the job runs"
    assert visitor.ask("POST", f"{endless}/cancel").status == 200
    stream.close()

    assert visitor.ask("POST", f"{job}/cancel", Origin="https://evil.example").status == 403
    assert visitor.ask("GET", "/mono3d/metrics").status == 404
    assert visitor.ask("POST", "/mono3d/api/jobs", bytes(103_000_000), Content_Type=kind).status == 413
    assert "127.0.0.1 POST /api/jobs: 202" in server.text()
    forged = visitor.ask("GET", "/mono3d/api/about", X_Forwarded_For="6.6.6.6", X_Request_ID="forged-request-id")
    assert forged.status == 200 and forged.headers["x-request-id"] != "forged-request-id"
    end = time.monotonic() + 10
    while f"[{forged.headers['x-request-id']}]" not in server.text():
        assert time.monotonic() < end, server.text()
    assert "6.6.6.6" not in server.text()
    if is_nginx:
        began = time.monotonic()
        statuses = [visitor.ask("GET", "/mono3d/api/about").status for _ in range(250)]
        allowed = 100 + 20 * (time.monotonic() - began)
        assert 100 <= statuses.count(200) <= allowed + 2, statuses
        time.sleep(1.0)
    assert visitor.ask("POST", "/mono3d/sign-out").status == 303
    assert visitor.ask("GET", "/mono3d/").status == 401
