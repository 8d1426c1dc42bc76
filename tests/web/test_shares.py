# SPDX-License-Identifier: GPL-3.0-or-later
"""Links for looking at a result: what they allow, and what they do not."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.web_server import COFFEE, ENDLESS, SMALL, STAND_IN, Answer, WebServer, form, need_packages, serving

need_packages()
TOKEN = "correcthorse42battery"
MINE = {"Authorization": f"Bearer {TOKEN}"}
ROOT = "/team/mono3d"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    options = ("--token", TOKEN, "--root-path", ROOT, "--log-level", "info")
    with serving(tmp_path_factory.mktemp("shares"), *options, program=STAND_IN) as running:
        yield running
        assert "Traceback" not in running.text()


def done(server: WebServer) -> str:
    """Returns the id of a finished job of the owner."""
    answer = server.upload(COFFEE, SMALL, headers=MINE)
    assert answer.status == 202, answer.body
    id = str(answer.json()["id"])
    for _ in server.ask("GET", f"/api/jobs/{id}/events", headers=MINE).body.splitlines():
        pass
    return id


def shared(server: WebServer, id: str) -> str:
    answer = server.ask("POST", f"/api/jobs/{id}/share", b"", MINE)
    assert answer.status == 200, answer.body
    return str(answer.json()["share"])


def opened(server: WebServer, share: str, **headers: str) -> Answer:
    return server.post("/api/shares", {"share": share}, Origin=f"http://{server.host}", **headers)


def guest_of(server: WebServer, share: str) -> tuple[str, dict[str, str]]:
    """Returns the id and the cookie of a visitor who has followed a link."""
    answer = opened(server, share)
    assert answer.status == 200, answer.body
    return answer.json()["id"], {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def test_a_guest_may_look_and_download_and_nothing_else(guarded: WebServer) -> None:
    job, other = done(guarded), done(guarded)
    share = shared(guarded, job)
    assert share == shared(guarded, job) and job not in share
    admitted = opened(guarded, share)
    cookie = admitted.headers["set-cookie"]
    assert re.search(r"HttpOnly", cookie, re.I) and f"Path={ROOT}/" in cookie and "SameSite=lax" in cookie
    id, guest = guest_of(guarded, share)

    def ask(path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        return guarded.ask(method, path, body, {"Origin": f"http://{guarded.host}", **guest, **headers})

    status: dict[str, Any] = ask(f"/api/jobs/{id}").json()
    assert (status["id"], status["access"], status["is_shared"]) == (id, "view", True) and id != job
    assert guarded.ask("GET", f"/api/jobs/{job}", headers=MINE).json()["access"] == "full"
    assert job not in str(status), "the id that gives full access"
    glb = status["result"]["files"]["glb"]
    assert glb.startswith(f"{ROOT}/api/jobs/{id}/")
    for path in (glb, f"/api/jobs/{id}/photo", f"/api/jobs/{id}/depth", f"/api/jobs/{id}/view", "/", "/api/about"):
        assert ask(path).status == 200, path
    stream = ask(f"/api/events?job={id}&job={job}").body.decode()
    assert f'"id": "{id}"' in stream and f'event: gone\ndata: {{"id": "{job}"}}' in stream
    assert ask("/api/about").json()["is_guest"] is True
    changes = [("POST", "shape", b'{"settings": {}}'), ("POST", "cancel", b""), ("POST", "share", b"")]
    for method, part, body in [*changes, ("DELETE", "share", None), ("DELETE", "", None)]:
        for name in (id, job, other):
            answer = ask(f"/api/jobs/{name}/{part}".rstrip("/"), method, body, **{"Content-Type": "application/json"})
            assert answer.status == 401, (method, part, name)
    for path in (f"/api/jobs/{job}", f"/api/jobs/{other}", "/metrics", "/openapi.json", f"/api/jobs/{other}/view"):
        assert ask(path).status == 401, path
    upload, kind = form({}, {"photo": ("photo.png", COFFEE.read_bytes())})
    assert ask("/api/jobs", "POST", upload, **{"Content-Type": kind}).status == 401
    assert share.partition(".")[2] not in guarded.text() and TOKEN not in guarded.text()


def test_who_is_signed_in_may_not_change_what_was_shared(guarded: WebServer) -> None:
    job = done(guarded)
    id, guest = guest_of(guarded, shared(guarded, job))
    for method, part in (("POST", "/shape"), ("POST", "/cancel"), ("DELETE", ""), ("DELETE", "/share")):
        answer = guarded.ask(method, f"/api/jobs/{id}{part}", None if method == "DELETE" else b"{}", MINE | guest)
        assert answer.status == 403 and "shared with you" in answer.error, (method, part)
        assert guarded.ask(method, f"/api/jobs/{id}{part}", None if method == "DELETE" else b"{}", MINE).status == 404
    assert guarded.ask("GET", f"/api/jobs/{id}", headers=MINE | guest).json()["access"] == "view"


def test_a_program_sends_the_secret_in_a_header(guarded: WebServer) -> None:
    share = shared(guarded, done(guarded))
    id = share.partition(".")[0]
    assert guarded.ask("GET", f"/api/jobs/{id}", headers={"Share-Secret": share}).status == 200
    assert guarded.ask("GET", f"/api/jobs/{id}", headers={"Share-Secret": share[:-1] + "x"}).status == 401


def test_a_wrong_or_revoked_link_opens_nothing(guarded: WebServer) -> None:
    job = done(guarded)
    share = shared(guarded, job)
    id, guest = guest_of(guarded, share)
    for wrong in (share[:-1] + "~", id, f"{id}.{'A' * 24}", share[:-1] + "\xe4", "", job):
        answer = opened(guarded, wrong)
        assert answer.status == 404 and "set-cookie" not in answer.headers and "no longer valid" in answer.error
    assert guarded.post("/api/shares", {"share": 1}, Origin=f"http://{guarded.host}").status == 400
    assert guarded.post("/api/shares", {"share": share}, Origin="http://example.org").status == 403
    assert guarded.ask("DELETE", f"/api/jobs/{job}/share", headers=MINE).status == 204
    assert guarded.ask("GET", f"/api/jobs/{id}", headers=guest).status == 401
    assert guarded.ask("GET", f"/api/jobs/{id}", headers=MINE | guest).status == 404
    assert opened(guarded, share).status == 404
    again = shared(guarded, job)
    assert again != share and opened(guarded, again).status == 200
    assert guarded.ask("DELETE", f"/api/jobs/{job}", headers=MINE).status == 204
    assert opened(guarded, again).status == 404


def test_who_follows_a_job_by_a_link_hears_when_it_is_revoked(guarded: WebServer) -> None:
    job = guarded.upload(COFFEE, ENDLESS, headers=MINE).json()["id"]
    share = shared(guarded, job)
    id = share.partition(".")[0]
    guest = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=60)
    guest.request("GET", f"{ROOT}/api/jobs/{id}/events", headers={"Share-Secret": share})
    stream = guest.getresponse()
    assert json.loads(stream.readline().removeprefix(b"data: "))["id"] == id
    assert guarded.ask("DELETE", f"/api/jobs/{job}/share", headers=MINE).status == 204
    # The job goes on, but not for the guest.
    assert stream.read().decode().endswith(f'event: gone\ndata: {{"id": "{id}"}}\n\n')
    guest.close()
    assert guarded.ask("DELETE", f"/api/jobs/{job}", headers=MINE).status == 204


def test_a_link_outlives_the_server(tmp_path: Path, home: Path) -> None:
    with serving(tmp_path, "--keep-results", data=home, program=STAND_IN) as server:
        share = server.post(f"/api/jobs/{server.done()}/share").json()["share"]
    with serving(tmp_path, "--keep-results", data=home, program=STAND_IN) as server:
        id, guest = guest_of(server, share)
        assert server.ask("GET", f"/api/jobs/{id}", headers=guest).json()["state"] == "done"
        assert server.ask("GET", f"/api/jobs/{id}").status == 404, "without the secret"
