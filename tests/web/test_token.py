# SPDX-License-Identifier: GPL-3.0-or-later
"""A server for a team: who has the token, and what others get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mono3d_addon.web.guard import Rules
from tests.web.web_server import COFFEE, SMALL, WebServer, need_packages, serving

need_packages()
TOKEN = "correcthorse42battery"
COOKIE = Rules(TOKEN, frozenset(), 1).cookie


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    with serving(folder, "--host", "0.0.0.0", "--token", f"@{folder / 'token'}") as running:
        yield running
        assert "Traceback" not in running.text() and TOKEN not in running.text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_the_token_nothing_is_told(guarded: WebServer) -> None:
    for headers in ({}, bearer("wrong"), bearer(""), {"Authorization": f"Basic {TOKEN}"}, {"Cookie": f"{COOKIE}=x"}):
        for path in ("/api/about", "/api/jobs/x", "/openapi.json", "/static/index.html", f"/api/about?token={TOKEN}"):
            answer = guarded.ask("GET", path, headers=headers)
            assert answer.status == 401 and "token" in answer.error and answer.headers["www-authenticate"]
        assert guarded.upload(COFFEE, SMALL, headers=headers).status == 401


def test_the_address_that_is_told_is_one_to_go_to(guarded: WebServer) -> None:
    assert (
        f"Mono3D is running at http://127.0.0.1:{guarded.port} and at the other addresses of this computer\n"
        in guarded.text()
    )
    assert "0.0.0.0" not in guarded.text()


def test_the_page_asks_for_it(guarded: WebServer) -> None:
    for path in ("/", "/?token=wrong", "/?token="):
        answer = guarded.get(path)
        assert answer.status == 401 and b'name="token"' in answer.body and "set-cookie" not in answer.headers
        assert b"<script" not in answer.body and b"style=" not in answer.body
        assert (b"token is wrong" in answer.body) == (path == "/?token=wrong"), "whoever gave none was not wrong"


def test_the_link_becomes_a_cookie(guarded: WebServer) -> None:
    answer = guarded.get(f"/?token={TOKEN}")
    assert answer.status == 303 and answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    behind = guarded.get(f"/?token={TOKEN}", X_Forwarded_Proto="https")
    assert "Secure" in behind.headers["set-cookie"]
    sent = {"Cookie": cookie.split(";")[0]}
    assert guarded.ask("GET", "/", headers=sent).status == 200
    assert guarded.ask("GET", "/api/about", headers={"Cookie": f"other=1; {sent['Cookie']}; x"}).status == 200
    assert guarded.upload(b"", headers=sent).status == 415, "a request of the page"
    assert guarded.upload(b"", headers=sent | {"Origin": "http://evil.example"}).status == 403


def test_two_servers_of_one_host_have_cookies_of_their_own(guarded: WebServer, tmp_path: Path) -> None:
    """A browser sends all cookies of 127.0.0.1 to each of its ports, and replaces those of the same name."""
    other = "anotherhorse43battery"
    with serving(tmp_path, "--token", other) as second:
        answers = (guarded.get(f"/?token={TOKEN}"), second.get(f"/?token={other}"))
        kept = dict(answer.headers["set-cookie"].split(";")[0].split("=") for answer in answers)
        both = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
        assert [server.ask("GET", "/api/about", headers=both).status for server in (guarded, second)] == [200, 200]
        wrong = {"Cookie": f"{COOKIE}={TOKEN}"}
        assert second.ask("GET", "/api/about", headers=wrong).status == 401
        described = guarded.ask("GET", "/openapi.json", headers=both).json()
        assert described["components"]["securitySchemes"]["cookie"]["name"] == COOKIE


def test_programs_send_it_in_a_header(guarded: WebServer) -> None:
    assert guarded.ask("GET", "/api/about", headers=bearer(TOKEN) | {"Host": "mono3d.example"}).status == 200
    # No browser sends this header for another page.
    assert guarded.upload(b"", headers=bearer(TOKEN) | {"Origin": "http://evil.example"}).status == 415
